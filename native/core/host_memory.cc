#include "core/host_memory.h"

#include <cstdlib>
#include <cstring>

#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace stm {
namespace {

#ifdef __GLIBC__
constexpr int kMostKept = 128 << 20, kLargestKept = 32 << 20;  // the second is glibc's maximum

bool set_by_user() {
  const char* const tunables = std::getenv("GLIBC_TUNABLES");
  return std::getenv("MALLOC_TRIM_THRESHOLD_") || std::getenv("MALLOC_MMAP_THRESHOLD_") ||
         (tunables && std::strstr(tunables, "glibc.malloc."));
}
#endif

}  // namespace

void keep_freed_memory() noexcept {
#ifdef __GLIBC__
  if (set_by_user()) return;
  mallopt(M_MMAP_THRESHOLD, kLargestKept);
  mallopt(M_TRIM_THRESHOLD, kMostKept);
#endif
}

}  // namespace stm
