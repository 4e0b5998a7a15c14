#pragma once
#include <array>

#include "binding/napi.h"
#include "core/error.h"
#include "core/storage.h"

namespace stm::binding {

/// What JavaScript reads: "op: got …, expected ….", and on a second line "Fix: ….".
std::string text_of(const std::string& op, const Message& message);

/// The JavaScript error classes of one copy of the package, handed over by its src/tensor/errors.ts; each is called as
/// `new Class(op, message, code)`. Held weakly: a test runner that loads the package anew for each file lets go of the
/// copies before.
class ErrorClasses {
 public:
  explicit ErrorClasses(napi_env env) : env_(env) {}
  ~ErrorClasses();
  ErrorClasses(const ErrorClasses&) = delete;
  ErrorClasses& operator=(const ErrorClasses&) = delete;
  void adopt(napi_value classes);
  /// `op` is the function that was called.
  napi_value make(const Error& error, const std::string& op) const;
  napi_value make_fault(const Fault& fault) const;
  /// Where there is no memory for a message.
  napi_value make_without_memory() const noexcept;

 private:
  enum Class { ShapeError, DTypeError, DeviceError, OptionError, DisposedError, GraphError, NativeError, kClasses };
  struct Mapping {
    Class error_class;
    const char* code;
  };
  static Mapping mapping(Kind kind);
  napi_value construct(Class which, const std::string& op, const char* code, const std::string& message) const;
  napi_env env_;
  std::array<napi_ref, kClasses> classes_{};
};

}  // namespace stm::binding
