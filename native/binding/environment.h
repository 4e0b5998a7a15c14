#pragma once
#include "binding/errors.h"
#include "binding/handle_table.h"
#include "binding/reads.h"
#include "core/session.h"

namespace stm::binding {

/// All state of one JavaScript environment. Created by module init, destroyed with the environment.
struct Environment {
  explicit Environment(napi_env env) : env(env), errors(env), handles(env), reads(env, errors) {}
  napi_env env;
  ErrorClasses errors;
  Session session;
  HandleTable handles;
  Reads reads;

  static Environment& current() { return *current_; }
  static inline thread_local Environment* current_ = nullptr;
};

}  // namespace stm::binding
