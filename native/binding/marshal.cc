#include "binding/marshal.h"

#include <algorithm>
#include <cmath>

namespace stm::binding {
namespace {
constexpr uint32_t kElementsInScope = 1024;  // each takes a handle
}

bool NapiArgs::absent(size_t i) {
  napi_valuetype type = napi_undefined;
  if (value(i)) ok(napi_typeof(environment_.env, value(i), &type));
  return type == napi_undefined;
}

double NapiArgs::number(size_t i) {
  double result;
  if (napi_get_value_double(environment_.env, value(i), &result) != napi_ok)
    throw mistake(i, op_.parameters[i].ts == "TensorId" ? "a Tensor" : "a number");
  return result;
}

int64_t NapiArgs::integer(size_t i) {
  const double result = number(i);
  if (std::trunc(result) != result || std::abs(result) > 9007199254740991.0) throw mistake(i, "an integer");
  return static_cast<int64_t>(result);
}

bool NapiArgs::boolean(size_t i) {
  bool result;
  if (napi_get_value_bool(environment_.env, value(i), &result) != napi_ok) throw mistake(i, "a boolean");
  return result;
}

std::string NapiArgs::text(size_t i) {
  size_t length;
  const napi_env env = environment_.env;
  if (!value(i) || napi_get_value_string_utf8(env, value(i), nullptr, 0, &length) != napi_ok)
    throw mistake(i, op_.parameters[i].ts);
  std::string result(length, '\0');
  ok(napi_get_value_string_utf8(env, value(i), result.data(), length + 1, &length));
  return result;
}

std::vector<double> NapiArgs::numbers_of(size_t i, const char* expected) {
  bool is_array = false;
  uint32_t length = 0;
  napi_env env = environment_.env;
  if (!value(i) || napi_is_array(env, value(i), &is_array) != napi_ok || !is_array) throw mistake(i, expected);
  ok(napi_get_array_length(env, value(i), &length));
  std::vector<double> result;  // grows with what is found: an array may be said to be long and hold nothing
  for (uint32_t first = 0; first < length; first += kElementsInScope) {
    const HandleScope scope(env);
    for (uint32_t k = first; k < std::min(length, first + kElementsInScope); ++k) {
      napi_value element;
      double number;
      ok(napi_get_element(env, value(i), k, &element));
      if (napi_get_value_double(env, element, &number) != napi_ok) throw mistake(i, expected);
      result.push_back(number);
    }
  }
  return result;
}

std::vector<int64_t> NapiArgs::integers(size_t i) {
  std::vector<int64_t> result;
  for (const double number : numbers_of(i, "an array of integers")) {
    if (std::trunc(number) != number || std::abs(number) > 9007199254740991.0) throw mistake(i, "an array of integers");
    result.push_back(static_cast<int64_t>(number));
  }
  return result;
}

std::vector<Tensor> NapiArgs::tensors(size_t i) {
  std::vector<Tensor> result;
  for (const double id : numbers_of(i, "an array of Tensors")) result.push_back(environment_.handles.get(id));
  return result;
}

HostValues NapiArgs::values(size_t i) {
  constexpr const char* expected = "a Float32Array, Float64Array, Int32Array, Uint8Array or Int8Array";
  napi_typedarray_type type;
  HostValues result{};
  size_t length;
  void* data;
  bool is_typed = false;
  napi_env env = environment_.env;
  if (!value(i) || napi_is_typedarray(env, value(i), &is_typed) != napi_ok || !is_typed) throw mistake(i, expected);
  ok(napi_get_typedarray_info(env, value(i), &type, &length, &data, nullptr, nullptr));
  switch (type) {
    case napi_float32_array: result.dtype = DType::F32; break;
    case napi_float64_array: result.dtype = DType::F64; break;
    case napi_int32_array: result.dtype = DType::I32; break;
    case napi_uint8_array: result.dtype = DType::Bool; break;
    case napi_int8_array: result.dtype = DType::I8; break;
    default: throw mistake(i, expected);
  }
  result.data = data;
  result.size = static_cast<int64_t>(length);
  return result;
}

std::string NapiArgs::shown(size_t i) {
  napi_env env = environment_.env;
  napi_value as_text = nullptr;
  if (is_record(i)) return "an object";
  if (napi_coerce_to_string(env, value(i), &as_text) != napi_ok) {
    napi_value exception;
    napi_get_and_clear_last_exception(env, &exception);
    return "a value";
  }
  char buffer[64];
  size_t length = 0;
  ok(napi_get_value_string_utf8(env, as_text, buffer, sizeof buffer, &length));
  napi_valuetype type = napi_undefined;
  ok(napi_typeof(env, value(i), &type));
  return type == napi_string ? fmt::format("\"{}\"", std::string_view(buffer, length)) : std::string(buffer, length);
}

Error NapiArgs::mistake(size_t i, const std::string& expected) {
  const Parameter& parameter = op_.parameters[i];
  const bool is_tensor = parameter.ts == "TensorId",
             nothing = absent(i);  // an id of nothing is that of something that is no tensor
  const std::string given = is_tensor && nothing ? fmt::format("something else than a tensor as {}", parameter.name)
                            : nothing            ? fmt::format("no {}", parameter.name)
                                                 : fmt::format("{} as {}", shown(i), parameter.name);
  return Error(Kind::Option, op_.name, {given, expected, remedy(i, expected)});
}

/// What to do about an argument of the wrong type. Arguments go by their names: where one stands differs between a
/// function and a method.
std::string NapiArgs::remedy(size_t i, const std::string& expected) {
  const Parameter& parameter = op_.parameters[i];
  if (parameter.ts == "TensorId") return "make a tensor of numbers with tensor()";
  if (absent(i)) return fmt::format("pass {}", parameter.name);
  napi_valuetype type = napi_undefined;
  ok(napi_typeof(environment_.env, value(i), &type));
  if (type == napi_number && parameter.ts == "readonly number[]")
    return fmt::format("put the numbers into one array, as in {}([{}, …])", op_.name, shown(i));
  if (is_record(i)) {
    const char* example = std::string_view(parameter.name).starts_with("dim") ? "1" : "…";
    return fmt::format("pass {} itself, without an object around it, as in {}({})", parameter.name, op_.name, example);
  }
  return fmt::format("pass {} for {}", expected, parameter.name);
}

bool NapiArgs::is_record(size_t i) {
  napi_valuetype type = napi_undefined;
  bool is_array = false, is_typed = false;
  if (!value(i)) return false;
  ok(napi_typeof(environment_.env, value(i), &type));
  ok(napi_is_array(environment_.env, value(i), &is_array));
  ok(napi_is_typedarray(environment_.env, value(i), &is_typed));
  return type == napi_object && !is_array && !is_typed;
}

void NapiResult::emit(napi_value element) {
  napi_env env = environment_.env;
  if (open_.empty()) {
    value = element;
    return;
  }
  Container& container = open_.back();
  if (container.field) ok(napi_set_named_property(env, container.value, container.field, element));
  else ok(napi_set_element(env, container.value, container.length++, element));
}

void NapiResult::number(double number) {
  napi_value element;
  ok(napi_create_double(environment_.env, number, &element));
  emit(element);
}

void NapiResult::boolean(bool value) {
  napi_value element;
  ok(napi_get_boolean(environment_.env, value, &element));
  emit(element);
}

void NapiResult::text(const std::string& value) { emit(binding::text(environment_.env, value)); }

void NapiResult::absent() {
  napi_value element;
  ok(napi_get_undefined(environment_.env, &element));
  emit(element);
}

void NapiResult::integers(const std::vector<int64_t>& integers) {
  napi_value array, element;
  ok(napi_create_array_with_length(environment_.env, integers.size(), &array));
  for (size_t i = 0; i < integers.size(); ++i) {
    ok(napi_create_int64(environment_.env, integers[i], &element));
    ok(napi_set_element(environment_.env, array, static_cast<uint32_t>(i), element));
  }
  emit(array);
}

void NapiResult::begin_list() {
  napi_value list;
  ok(napi_create_array(environment_.env, &list));
  open_.push_back({list});
}

void NapiResult::begin_record() {
  napi_value record;
  ok(napi_create_object(environment_.env, &record));
  open_.push_back({record});
}

void NapiResult::end() {
  const napi_value finished = open_.back().value;
  open_.pop_back();
  emit(finished);
}

}  // namespace stm::binding
