#pragma once
#include "ops/recurrent_problem.h"

namespace stm::ops {

/// What a stack of layers gives; c is empty but for LSTM.
struct StackOutput {
  Tensor y, h, c;
};

/// One call of the device's kernels, with its history. h0 and c0 may be empty: zeros.
StackOutput run_stack(StackProblem problem, const Tensor& x, const Tensor& h0, const Tensor& c0,
                      const std::vector<Tensor>& weights);

}  // namespace stm::ops
