#include "core/allocation_faults.h"

#include <atomic>

namespace stm {
namespace {
// Of the process, as its memory is; no test in it runs beside another.
std::atomic<bool> watching{false};
std::atomic<int64_t> seen{0}, first{0}, end{0};
}  // namespace

bool allocation_fails() noexcept {
  if (!watching.load(std::memory_order_relaxed)) return false;
  const int64_t place = seen.fetch_add(1, std::memory_order_relaxed);
  return place >= first.load(std::memory_order_relaxed) && place < end.load(std::memory_order_relaxed);
}

void fail_allocations(int64_t after, int64_t count) noexcept {
  seen = 0;
  first = after;
  end = after + count;
  watching = true;
}

int64_t stop_failing() noexcept {
  watching = false;
  return seen;
}

}  // namespace stm
