#include "binding/errors.h"

#include <utility>

#include "core/call_site.h"

namespace stm::binding {

ErrorClasses::~ErrorClasses() {
  for (napi_ref reference : classes_)
    if (reference) napi_delete_reference(env_, reference);
}

void ErrorClasses::adopt(napi_value classes) {
  constexpr const char* names[kClasses] = {"ShapeError",    "DTypeError", "DeviceError", "OptionError",
                                           "DisposedError", "GraphError", "NativeError"};
  for (size_t i = 0; i < kClasses; ++i) {
    napi_value constructor;
    ok(napi_get_named_property(env_, classes, names[i], &constructor));
    if (classes_[i]) ok(napi_delete_reference(env_, std::exchange(classes_[i], nullptr)));
    ok(napi_create_reference(env_, constructor, 0, &classes_[i]));
  }
}

ErrorClasses::Mapping ErrorClasses::mapping(Kind kind) {
  switch (kind) {
    case Kind::Shape: return {ShapeError, "ERR_STM_SHAPE"};
    case Kind::DType: return {DTypeError, "ERR_STM_DTYPE"};
    case Kind::Device: return {DeviceError, "ERR_STM_DEVICE"};
    case Kind::Option: return {OptionError, "ERR_STM_OPTION"};
    case Kind::Index: return {OptionError, "ERR_STM_INDEX"};
    case Kind::Disposed: return {DisposedError, "ERR_STM_DISPOSED"};
    case Kind::NoGraph: return {GraphError, "ERR_STM_NO_GRAPH"};
    case Kind::GraphReleased: return {GraphError, "ERR_STM_GRAPH_RELEASED"};
    case Kind::GraphInUse: return {GraphError, "ERR_STM_GRAPH_IN_USE"};
    case Kind::Stale: return {GraphError, "ERR_STM_STALE"};
    case Kind::InPlace: return {GraphError, "ERR_STM_IN_PLACE"};
    case Kind::OutOfMemory: return {NativeError, "ERR_STM_OUT_OF_MEMORY"};
    case Kind::Recording: return {OptionError, "ERR_STM_RECORDING"};
  }
  return {NativeError, "ERR_STM_INTERNAL"};
}

std::string text_of(const std::string& op, const Message& message) { return op + ": " + message.sentence(); }

napi_value ErrorClasses::make(const Error& error, const std::string& op) const {
  const Mapping found = mapping(error.kind);
  const std::string& name = error.op.empty() ? op : error.op;  // addScalar is add to a user
  return construct(found.error_class, name, found.code, text_of(name, error.message));
}

napi_value ErrorClasses::make_fault(const Fault& fault) const {
  constexpr const char* codes[] = {"ERR_STM_NATIVE",      "ERR_STM_OUT_OF_MEMORY", "ERR_STM_INDEX",
                                   "ERR_STM_UNSUPPORTED", "ERR_STM_DEVICE_LOST",   "ERR_STM_NATIVE"};
  const std::string op(op_of(fault.op)), site(site_of(fault.op));
  std::string message = text_of(op, fault.message);
  if (!site.empty()) message += "\n  Asked for here, under debug:\n" + site;
  return construct(NativeError, op, codes[static_cast<size_t>(fault.kind)], message);
}

napi_value ErrorClasses::make_without_memory() const noexcept {
  constexpr const char* words[] = {"stmnet",
                                   "stmnet: got no memory from the system, expected enough for the call.\n  Fix: use a "
                                   "smaller batch, or free tensors.",
                                   "ERR_STM_OUT_OF_MEMORY"};
  napi_value constructor = nullptr, error = nullptr, arguments[3];
  for (size_t i = 0; i < 3; ++i) napi_create_string_utf8(env_, words[i], NAPI_AUTO_LENGTH, &arguments[i]);
  if (classes_[NativeError]) napi_get_reference_value(env_, classes_[NativeError], &constructor);
  if (constructor) napi_new_instance(env_, constructor, 3, arguments, &error);
  else napi_create_error(env_, arguments[2], arguments[1], &error);
  return error;
}

napi_value ErrorClasses::construct(Class which, const std::string& op, const char* code,
                                   const std::string& message) const {
  napi_value constructor = nullptr, error;
  if (classes_[which]) ok(napi_get_reference_value(env_, classes_[which], &constructor));
  const napi_value arguments[] = {text(env_, op), text(env_, message), text(env_, code)};
  if (!constructor) {  // before the classes are there, or after the copy is gone
    ok(napi_create_error(env_, arguments[2], arguments[1], &error));
    return error;
  }
  ok(napi_new_instance(env_, constructor, 3, arguments, &error));
  return error;
}

}  // namespace stm::binding
