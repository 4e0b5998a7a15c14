#pragma once
#include <cstddef>
#include <cstdint>

#ifdef __linux__
#include <sys/mman.h>
#endif

namespace stm {

constexpr size_t kLargePage = size_t{2} << 20;

/// Asks for pages of 2 MB below what is about to be written, if it is so large that some fit, also where one holds
/// other things of the process at its ends: an array is then faulted in by a few faults in place of thousands. A hint,
/// which the system may ignore.
inline void prefer_large_pages([[maybe_unused]] void* data, [[maybe_unused]] size_t bytes) noexcept {
#ifdef __linux__
  if (bytes < 2 * kLargePage) return;
  const uintptr_t first = reinterpret_cast<uintptr_t>(data) & ~(kLargePage - 1);
  const uintptr_t end = (reinterpret_cast<uintptr_t>(data) + bytes + kLargePage - 1) & ~(kLargePage - 1);
  madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
}

}  // namespace stm
