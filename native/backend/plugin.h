#pragma once
#include "backend/backend.h"

namespace stm {

/// One thing that computing on a device needs: a driver, a library, the device itself.
struct DevicePart {
  char name[48] = "";
  bool found = false;
  char version[48] = "";
  char path[512] = "";
  char problem[512] = "";  ///< what is wrong, if it was not found or is of no use
  char fix[256] = "";      ///< what to do about it
};

/// What a device plug-in offers. Any thread.
class Plugin {
 public:
  virtual const char* kind() noexcept = 0;  ///< "cuda": its devices are called cuda:0, cuda:1, …
  /// How many devices can be used; if none, `why` (of `size` bytes) says why and how to mend it.
  virtual int32_t device_count(char* why, size_t size) noexcept = 0;
  virtual Status facts(int32_t index, DeviceFacts* out) noexcept = 0;
  /// A device for one environment; close() gives it back.
  virtual Status open(int32_t index, Backend** out) noexcept = 0;
  /// Everything it needs, in the order in which to mend it. Writes at most `capacity`, returns how many there are.
  virtual int32_t parts(DevicePart* out, int32_t capacity) noexcept = 0;

 protected:
  ~Plugin() = default;
};

/// The one function that a plug-in exports, as `stmnet_plugin`. Null unless both are built from the same sources:
/// `source_hash` is the addon's.
using PluginEntry = Plugin* (*)(const char* source_hash);

}  // namespace stm
