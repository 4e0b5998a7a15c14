#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>

#include "backend/cores.h"

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace stm {

// How a thread waits for another one: it spins for about as long as going to sleep and being woken would take, and then
// sleeps, so that its core is free for whoever is to make what it waits for. It does not yield in a loop: a system
// takes a thread that yields for one that has had its share, and lets it wait behind a busy neighbour.

inline void pause_briefly() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// How long to spin; 0 where the process is allowed a single core, on which nobody could end the wait meanwhile.
inline std::chrono::nanoseconds spin_time() {
  static const std::chrono::nanoseconds time(allowed_cores() == 1 ? 0 : 50'000);
  return time;
}

/// Spins until `condition()` is true, for about `limit` at most. @returns whether it became true
template <class F>
bool spin_for(std::chrono::nanoseconds limit, const F& condition) {
  constexpr int kPausesBetweenLooks = 16;
  if (condition()) return true;
  if (limit.count() == 0) return false;
  const auto end = std::chrono::steady_clock::now() + limit;
  do {
    for (int i = 0; i < kPausesBetweenLooks; ++i) {
      pause_briefly();
      if (condition()) return true;
    }
  } while (std::chrono::steady_clock::now() < end);
  return false;
}

/// Where threads sleep until a condition has come true.
///
/// What a condition reads and what makes it true are sequentially consistent atomics: a thread says that it sleeps
/// before it looks for the last time, and `wake` asks for that after the change, so that one sees the other.
class Sleepers {
 public:
  Sleepers() = default;
  Sleepers(const Sleepers&) = delete;
  Sleepers& operator=(const Sleepers&) = delete;

  /// Sleeps until `condition()`, or for `limit`. @returns what the condition is then
  template <class F>
  bool sleep_for(std::chrono::nanoseconds limit, const F& condition) {
    const auto end = std::chrono::steady_clock::now() + limit;
    std::unique_lock<std::mutex> lock(mutex_);
    while (!ready(condition)) {
      if (changed_.wait_until(lock, end) == std::cv_status::timeout) return condition();
    }
    return true;
  }

  /// Sleeps until `condition()`.
  template <class F>
  void sleep_until(const F& condition) {
    std::unique_lock<std::mutex> lock(mutex_);
    while (!ready(condition)) changed_.wait(lock);
  }

  /// Spins, then sleeps, until `condition()`.
  template <class F>
  void wait_until(const F& condition) {
    if (!spin_for(spin_time(), condition)) sleep_until(condition);
  }

  /// Whether somebody may sleep whom nobody has woken.
  bool any() const { return asleep_.load(); }

  /// After a change that may have made a condition true. A look at a flag if nobody sleeps, or all are being woken.
  void wake() {
    if (!any() || !asleep_.exchange(false)) return;
    { const std::lock_guard<std::mutex> lock(mutex_); }  // nobody is between a look and sleep
    changed_.notify_all();
  }

 private:
  template <class F>
  bool ready(const F& condition) {
    if (condition()) return true;
    asleep_.store(true);
    return condition();
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  alignas(64) std::atomic<bool> asleep_{false};
};

}  // namespace stm
