#pragma once
#include <cstdint>

namespace stm {

/// The words of cpuid and xgetbv that say which vectors can be used.
struct ProcessorWords {
  uint32_t leaf1_eax = 0, leaf1_ecx = 0, leaf7_ebx = 0;
  uint64_t saved = 0;        ///< XCR0: the registers that the operating system keeps for a thread while others run
  uint32_t leaf7_1_eax = 0;  ///< of the second part of leaf 7
};

/// The instruction sets that a program may use here: those that the processor has and whose registers the operating
/// system saves.
struct Processor {
  bool sse4 = false;    ///< SSE4.2 and POPCNT
  bool avx2 = false;    ///< with FMA, F16C, BMI1 and BMI2
  bool avx512 = false;  ///< F, CD, DQ, BW and VL
  bool bf16 = false;    ///< AVX-512 with products of pairs of bf16
  int family = 0, model = 0;
  char limit[192] = "";  ///< why the best of them is not AVX-512, e.g. "the processor has no AVX-512"; empty if it is
};

/// What these words say.
Processor processor_of(const ProcessorWords& words) noexcept;

/// This processor; nothing but false where it is not an x86.
const Processor& processor() noexcept;

}  // namespace stm
