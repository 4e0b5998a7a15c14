#include "binding/loop_turns.h"

#include <utility>

namespace stm::binding {
namespace {

constexpr std::chrono::milliseconds kLongest{1};

/// Whether a test has put its own in place of Node's timers, which stand still until the test moves them on: the marks
/// that Sinon (Vitest, Jest) and Jest's mocks leave on theirs.
bool is_faked(napi_env env, napi_value function) {
  bool faked = false;
  for (const char* mark : {"clock", "_isMockFunction"})
    if (!faked) ok(napi_has_named_property(env, function, mark, &faked));
  return faked;
}

}  // namespace

LoopTurns::LoopTurns(napi_env env, void (*turned)(void* context), void* context)
    : env_(env), turned_(turned), context_(context) {
  napi_value global, found, function;
  napi_valuetype type;
  ok(napi_get_global(env, &global));
  ok(napi_get_named_property(env, global, "setImmediate", &found));
  ok(napi_typeof(env, found, &type));
  if (type != napi_function || is_faked(env, found)) return;
  ok(napi_create_reference(env, found, 1, &set_immediate_));
  ok(napi_create_function(env, "turned", NAPI_AUTO_LENGTH, arrive, this, &function));
  ok(napi_create_reference(env, function, 1, &arrive_));
}

LoopTurns::~LoopTurns() {
  if (set_immediate_) napi_delete_reference(env_, set_immediate_);
  if (arrive_) napi_delete_reference(env_, arrive_);
}

bool LoopTurns::overdue() {
  if (!set_immediate_ || overdue_) return overdue_;
  if (Clock::now() - since_ < kLongest) return false;
  if (asked_) return overdue_ = true;
  ask();
  return false;
}

bool LoopTurns::wait() {
  if (!set_immediate_) return false;
  if (!asked_) ask();
  return overdue_ = true;
}

void LoopTurns::ask() {
  napi_value global, set_immediate, function;
  ok(napi_get_global(env_, &global));
  ok(napi_get_reference_value(env_, set_immediate_, &set_immediate));
  ok(napi_get_reference_value(env_, arrive_, &function));
  ok(napi_call_function(env_, global, set_immediate, 1, &function, nullptr));
  asked_ = true;
  since_ = Clock::now();
}

napi_value LoopTurns::arrive(napi_env env, napi_callback_info info) {
  void* data = nullptr;
  if (napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data) != napi_ok) return nullptr;
  LoopTurns& turns = *static_cast<LoopTurns*>(data);
  turns.since_ = Clock::now();
  turns.asked_ = false;
  if (std::exchange(turns.overdue_, false)) turns.turned_(turns.context_);
  return nullptr;
}

}  // namespace stm::binding
