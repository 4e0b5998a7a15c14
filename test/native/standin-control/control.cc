// The stand-in's controls for tests in JavaScript: setFaults, callCount, resetCounts, functions, leaks, pinnedBytes,
// recover. See ../cuda-standin/control.h.
#include <node_api.h>

#include <string>

#include "cuda-standin/control.h"

namespace {

std::string text_argument(napi_env env, napi_callback_info info) {
  size_t count = 1, length = 0;
  napi_value argument;
  char text[4096] = "";
  napi_get_cb_info(env, info, &count, &argument, nullptr, nullptr);
  if (count == 1) napi_get_value_string_utf8(env, argument, text, sizeof text, &length);
  return text;
}

napi_value string_of(napi_env env, const char* text) {
  napi_value value;
  napi_create_string_utf8(env, text, NAPI_AUTO_LENGTH, &value);
  return value;
}

napi_value set_faults(napi_env env, napi_callback_info info) {
  napi_value fine;
  napi_get_boolean(env, standin_set_faults(text_argument(env, info).c_str()), &fine);
  return fine;
}

napi_value call_count(napi_env env, napi_callback_info info) {
  napi_value count;
  napi_create_double(env, static_cast<double>(standin_call_count(text_argument(env, info).c_str())), &count);
  return count;
}

napi_value reset_counts(napi_env, napi_callback_info) {
  standin_reset_counts();
  return nullptr;
}

napi_value functions(napi_env env, napi_callback_info) {
  napi_value list;
  napi_create_array(env, &list);
  for (int i = 0; const char* name = standin_functions(i); ++i)
    napi_set_element(env, list, static_cast<uint32_t>(i), string_of(env, name));
  return list;
}

napi_value leaks(napi_env env, napi_callback_info) {
  char text[1024] = "";
  return string_of(env, standin_leaks(text, sizeof text) == 0 ? "" : text);
}

napi_value pinned_bytes(napi_env env, napi_callback_info) {
  napi_value bytes;
  napi_create_double(env, static_cast<double>(standin_pinned_bytes()), &bytes);
  return bytes;
}

napi_value recover(napi_env, napi_callback_info) {
  standin_recover();
  return nullptr;
}

}  // namespace

NAPI_MODULE_INIT() {
  const struct {
    const char* name;
    napi_callback call;
  } entries[] = {{"setFaults", set_faults}, {"callCount", call_count}, {"resetCounts", reset_counts},
                 {"functions", functions},  {"leaks", leaks},          {"pinnedBytes", pinned_bytes},
                 {"recover", recover}};
  for (const auto& entry : entries) {
    napi_value function;
    napi_create_function(env, entry.name, NAPI_AUTO_LENGTH, entry.call, nullptr, &function);
    napi_set_named_property(env, exports, entry.name, function);
  }
  return exports;
}
