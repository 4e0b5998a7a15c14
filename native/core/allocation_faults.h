#pragma once
#include <cstdint>

namespace stm {

// Memory that runs out when a test says so. Asked for host memory by the addon's operator new, for device memory by the
// allocator, and for the array of a result by the read that makes it.

/// Whether this allocation is to fail. Counts it while a test watches. Any thread.
bool allocation_fails() noexcept;

/// Begins to count: the allocations number `after` (from 0) to `after + count - 1` fail.
void fail_allocations(int64_t after, int64_t count) noexcept;

/// Ends it. Returns how many allocations there were, those that failed included.
int64_t stop_failing() noexcept;

}  // namespace stm
