#pragma once
#include <algorithm>
#include <atomic>
#include <cstdint>

#include "backend/guard.h"

namespace stm {

// How a command ends before its work is done. When an executor is told to stop, nobody will see what its running
// command computes; a process or a worker that ends must not wait for it. Loops that may last pass stop points, some
// milliseconds apart at most. After the flag has been set the next one throws Stopped, which unwinds to `stoppable`:
// there the work is left as it is, unfinished, and the kernel returns.
//
// parallel_for, Team::run and guarded_until_stopped are stoppable, and parallel_for passes a stop point between blocks
// of items: a kernel needs stop points of its own only where a single item may take long.

/// Thrown by stop_point.
struct Stopped {};

/// What a thread knows of its stopping. A member of a team has the flag of the executor that it computes for.
struct Stopping {
  const std::atomic<bool>* flag = nullptr;  ///< null: nothing stops it
  bool caught = false;                      ///< whether a `stoppable` is around
};
extern thread_local constinit Stopping stopping;

[[noreturn]] void throw_stopped();

/// Whether what this thread computes is wanted no more.
inline bool stop_requested() { return stopping.flag && stopping.flag->load(std::memory_order_relaxed); }

/// Throws Stopped if that is so and a `stoppable` is around to catch it.
inline void stop_point() {
  if (stop_requested() && stopping.caught) throw_stopped();
}

/// Calls `f()`, which may end at a stop point. Inside another `stoppable` it ends that one too.
template <class F>
void stoppable(const F& f) {
  if (stopping.caught) return f();
  struct Around {
    Around() { stopping.caught = true; }
    ~Around() { stopping.caught = false; }
  };
  try {
    const Around around;
    f();
  } catch (const Stopped&) {
  }
}

/// What `kernel()` returns, or Ok if it ended at a stop point; what it throws as a Status.
template <class F>
Status guarded_until_stopped(const F& kernel) noexcept {
  return guarded([&] {
    Status status = Status::ok();
    stoppable([&] { status = kernel(); });
    return status;
  });
}

/// Calls `f(begin, end)` on blocks that make up [begin, end), in order, with a stop point before each.
template <class F>
void in_blocks(int64_t begin, int64_t end, int64_t block, const F& f) {
  for (; begin < end; begin += std::min(block, end - begin)) {
    stop_point();
    f(begin, begin + std::min(block, end - begin));
  }
}

}  // namespace stm
