#pragma once
#include "core/op_table.h"
#include "ops/ops.h"

// What the files of the elementwise ops share.

namespace stm::ops {

/// The extents of `a` and `b` side by side, of which those that are 1 are stretched.
Shape broadcast_shape(const char* op, const Tensor& a, const Tensor& b);

/// `x` seen with the extents of `shape`; without history, because gradients are summed back by sum_to.
Tensor stretched(const Tensor& x, const Shape& shape);

/// A unary function; differentiable. `parameter`: of functors that have one.
Tensor unary(Unary functor, const Tensor& x, double parameter);

/// The op of the table that computes a functor.
const char* name_of(Binary functor);

/// Refuses elements that have no such arithmetic.
void check_arithmetic(Binary functor, const Tensor& a);

/// Refuses numbers that the tensor's dtype, which they take, does not hold.
double checked_scalar(const char* op, const Tensor& x, double value);

/// Values with broadcasting, and of a tensor and a number (the number first if `reversed`); without history. `op` is
/// what the user called.
Tensor binary_value(Binary functor, const Tensor& a, const Tensor& b);
Tensor scalar_value(const char* op, Binary functor, const Tensor& x, double value, bool reversed);
inline Tensor scalar_value(Binary functor, const Tensor& x, double value, bool reversed = false) {
  return scalar_value(name_of(functor), functor, x, value, reversed);
}

/// A single 0 of the dtype and on the device of `x`.
inline Tensor zero_like(const Tensor& x) { return full({}, 0, x.dtype(), x.device()); }

/// Notes in the history that the gradient of `y` is that of `x`.
inline void pass_gradient(const char* op, const Tensor& y, const Tensor& x) {
  on_backward(op, y, {x}, {}, [](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {dy}; });
}

// Their parts of declare_elementwise.
void declare_arithmetic(OpTable& table);
void declare_in_place(OpTable& table);

}  // namespace stm::ops
