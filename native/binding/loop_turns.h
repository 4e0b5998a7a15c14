#pragma once
#include <chrono>

#include "binding/napi.h"

namespace stm::binding {

/// Watches that callbacks of a thread-safe function leave the event loop its turns.
///
/// Node calls them back as long as there are new ones, up to a thousand times. A program that awaits one result after
/// the other has the next one soon after each, so that timers and sockets would wait for all of them. So once the loop
/// has not turned for a while, `overdue` says that what is to be called back is to wait until `turned`. What takes long
/// on the JavaScript thread is done in parts, with a `wait` between them.
class LoopTurns {
 public:
  /// @param turned  called with `context` once the loop has turned, if `overdue` was true before
  LoopTurns(napi_env env, void (*turned)(void* context), void* context);
  ~LoopTurns();
  LoopTurns(const LoopTurns&) = delete;
  LoopTurns& operator=(const LoopTurns&) = delete;

  /// To be asked in each callback. False where the program had no setImmediate of Node's when this was made.
  bool overdue();
  /// Makes `overdue` true until the loop has turned. False, changing nothing, where the program has no setImmediate.
  bool wait();

 private:
  using Clock = std::chrono::steady_clock;
  static napi_value arrive(napi_env env, napi_callback_info info);
  void ask();

  napi_env env_;
  void (*turned_)(void* context);
  void* context_;
  napi_ref set_immediate_ = nullptr, arrive_ = nullptr;
  Clock::time_point since_ = Clock::now();  ///< when it was asked for, or seen last
  bool asked_ = false, overdue_ = false;
};

}  // namespace stm::binding
