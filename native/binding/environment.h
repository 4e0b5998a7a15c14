#pragma once
#include "binding/errors.h"
#include "binding/handle_table.h"
#include "binding/reads.h"
#include "core/session.h"

namespace stm::binding {

/// All state of one JavaScript environment. Created by module init, destroyed with the environment.
struct Environment {
  explicit Environment(napi_env env) : env(env), handles(env), reads(env) {}
  napi_env env;
  const ErrorClasses* errors = nullptr;  ///< of the copy of the package that is calling
  Session session;
  HandleTable handles;
  Reads reads;

  static Environment& current() { return *current_; }
  static inline thread_local Environment* current_ = nullptr;
};

}  // namespace stm::binding
