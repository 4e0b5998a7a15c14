#pragma once
#include <cstdint>

namespace stm {

/// How products of f32 numbers may be computed: exactly, or on the device's matrix units with the operands rounded to a
/// shorter mantissa; sums are f32 always. The CPU rounds to bf16 where that is allowed, and computes in f32 otherwise.
enum class MathMode : int32_t {
  Fma,   ///< f32
  Tf32,  ///< 10 bits of mantissa
  Bf16,  ///< 7 bits of mantissa, the exponents of f32
  F16    ///< 10 bits of mantissa, at most 65504
};

}  // namespace stm
