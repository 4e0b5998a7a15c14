#pragma once
#include "binding/errors.h"
#include "binding/handle_table.h"
#include "binding/reads.h"
#include "core/session.h"

namespace stm::binding {

/// All state of one JavaScript environment. Created by module init, destroyed with the environment.
struct Environment {
  explicit Environment(napi_env env) : env(env), handles(env), reads(env) {
    session.still_wanted = [env] { return runs_javascript(env); };
  }
  napi_env env;
  const ErrorClasses* errors = nullptr;  ///< of the copy of the package that is calling
  Session session;
  HandleTable handles;
  Reads reads;

  /// False once a worker is being terminated: while its thread is inside a native call, only this tells.
  static bool runs_javascript(napi_env env) {
    napi_value source, result;
    return napi_create_string_utf8(env, "0", 1, &source) == napi_ok && napi_run_script(env, source, &result) == napi_ok;
  }

  static Environment& current() { return *current_; }
  static inline thread_local Environment* current_ = nullptr;
};

}  // namespace stm::binding
