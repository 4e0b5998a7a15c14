#pragma once
#include "ops/ops.h"

namespace stm::ops {

/// The kernels for weights of 8 bits of the device of an input, called `name`. Refuses another device, another dtype
/// than f32, and one whose gradient is wanted.
QuantizedKernels& quantized_kernels(const char* op, const char* name, const Tensor& input);

/// Refuses a weight, scale or bias, called `name`, that is not on the device of `x`.
void check_beside(const char* op, std::string_view name, const Tensor& given, const Tensor& x);

}  // namespace stm::ops
