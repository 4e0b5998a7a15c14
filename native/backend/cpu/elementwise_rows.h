#pragma once
#include <cstdint>

#include "backend/kernels/elementwise.h"

namespace stm {

// Element-wise ops on dense f32, in vectors of the best instruction set. `out` may be one of the operands, but may not
// overlap it otherwise. A number's result depends on nothing but the number: not on its place, and not on the count.

/// out[i] = op(x[i]); `parameter` is the op's, if it has one.
using UnaryRow = void (*)(const float* x, float* out, int64_t count, float parameter);
/// out[i] = dy[i] · op'(x[i], y[i]), of which only what the op saves is looked at.
using DerivativeRow = void (*)(const float* x, const float* y, const float* dy, float* out, int64_t count,
                               float parameter);
/// out[i] = op(a[i], b[i])
using BinaryRow = void (*)(const float* a, const float* b, float* out, int64_t count);
/// out[i] = op(x[i], number), or op(number, x[i])
using ScalarRow = void (*)(const float* x, float number, float* out, int64_t count);

/// Whether there are rows of this op, values and derivatives; the others are rare, and computed by libm.
constexpr bool has_rows(Unary op) { return op != Unary::sin && op != Unary::cos && op != Unary::erf; }
constexpr bool has_rows(Binary op) { return op != Binary::floorDivide && op != Binary::remainder && op != Binary::pow; }

// Of an op that has them. Values are within 4 units in the last place, of gelu 6; arithmetic and roots are rounded
// correctly, and what is not a number, infinite, denormal or a zero with a sign is treated as by the functor.
UnaryRow unary_row(Unary op);
DerivativeRow derivative_row(Unary op);
BinaryRow binary_row(Binary op);
ScalarRow scalar_row(Binary op, bool reversed);

}  // namespace stm
