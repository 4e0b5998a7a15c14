#pragma once
#include "ops/ops.h"

namespace stm::ops {

/// The kernels for weights of 8 bits of the device of `x`. Refuses another device, another dtype than f32, and an input
/// whose gradient is wanted.
QuantizedKernels& quantized_kernels(const char* op, const Tensor& x);

/// Refuses a weight, scale or bias that is not on the device of `x`.
void check_beside(const char* op, const Tensor& x, const Tensor& other);

}  // namespace stm::ops
