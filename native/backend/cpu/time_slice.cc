#include "backend/cpu/time_slice.h"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace stm {

#if defined(__linux__) && defined(SYS_sched_getattr) && defined(SYS_sched_setattr)

namespace {

/// As the kernel has it since 3.14; glibc has none before 2.41.
struct Attributes {
  uint32_t size = sizeof(Attributes), policy = 0;
  uint64_t flags = 0;
  int32_t nice = 0;
  uint32_t priority = 0;
  uint64_t runtime = 0, deadline = 0, period = 0;
};

bool get(int thread, Attributes* attributes) {
  return syscall(SYS_sched_getattr, thread, attributes, sizeof *attributes, 0) == 0 &&
         (attributes->policy == SCHED_OTHER || attributes->policy == SCHED_BATCH);
}

}  // namespace

uint64_t time_slice(int thread) noexcept {
  Attributes attributes;
  return get(thread, &attributes) ? attributes.runtime : 0;
}

void give_way_to_waking_threads() noexcept {
  const uint64_t others = time_slice(getpid());  // and not of this thread, which inherits it from one that has set it
  Attributes own;
  if (others == 0 || !get(0, &own)) return;
  own.runtime = others + others / 4;
  syscall(SYS_sched_setattr, 0, &own, 0);  // where it is forbidden, all stays as it was
}

#else

uint64_t time_slice(int) noexcept { return 0; }
void give_way_to_waking_threads() noexcept {}

#endif

}  // namespace stm
