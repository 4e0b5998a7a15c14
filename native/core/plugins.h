#pragma once
#include <memory>
#include <string>
#include <vector>

#include "backend/plugin.h"

namespace stm {

/// A device of this machine, or a kind of device that there could be and is not.
struct DeviceListing {
  std::string name;  ///< "cpu", "cuda:0"; "cuda" if there is none
  bool available = true;
  DeviceFacts facts;
  std::string reason;  ///< why it is not available, and how to mend it
};

/// Where the device plug-in lies, and what it must have been built from. It is loaded when a device other than the CPU
/// is first asked for, once for the process. Any thread, as all of these.
void set_plugin(const std::string& file, const std::string& source_hash);

std::vector<DeviceListing> list_devices();

/// Everything that computing on the plug-in's devices needs, and what is missing.
std::vector<DevicePart> device_parts();

/// "cuda" is "cuda:0".
std::string canonical_device_name(const std::string& name);

/// A backend of the named device for one environment. Throws a DeviceError if there is none.
std::shared_ptr<Backend> open_backend(const std::string& name);

}  // namespace stm
