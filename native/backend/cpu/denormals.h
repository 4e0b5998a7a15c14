#pragma once
#include <cstdint>

#if defined(__x86_64__) || defined(_M_X64)
#include <immintrin.h>
#endif

namespace stm {

#if defined(__x86_64__) || defined(_M_X64)
constexpr uint64_t kFlushBits = 0x8040;  // FTZ and DAZ of MXCSR
inline uint64_t floating_point_mode() { return _mm_getcsr(); }
inline void set_floating_point_mode(uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode)); }
#elif defined(__aarch64__)
constexpr uint64_t kFlushBits = uint64_t{1} << 24;  // FZ of FPCR
inline uint64_t floating_point_mode() {
  uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
inline void set_floating_point_mode(uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }
#else
constexpr uint64_t kFlushBits = 0;
inline uint64_t floating_point_mode() { return 0; }
inline void set_floating_point_mode(uint64_t) {}
#endif

/// Flushes denormal results to zero and reads denormal operands as zero while it lives, on this thread and on the
/// members of every Team::run that it begins meanwhile. For recurrent layers, matrix products and optimizer steps:
/// numbers that vanish come up there in earnest, and some processors take a hundred times as long for them. All other
/// kernels keep denormals.
class FlushDenormals {
 public:
  FlushDenormals() : before_(floating_point_mode()) { set_floating_point_mode(before_ | kFlushBits); }
  ~FlushDenormals() { set_floating_point_mode(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  uint64_t before_;
};

}  // namespace stm
