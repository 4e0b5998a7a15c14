#pragma once
#include <thread>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace stm {

constexpr int kSpins = 4000;  // some tens of microseconds

inline void pause_briefly() {
#if defined(__x86_64__) || defined(_M_X64)
  _mm_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

/// Returns once `condition()` is true, which another thread is about to make it: spins for a while, then yields between
/// looks.
template <class F>
void spin_until(F condition) {
  for (int spins = 0; !condition(); ++spins) {
    if (spins < kSpins) {
      pause_briefly();
    } else {
      std::this_thread::yield();
    }
  }
}

}  // namespace stm
