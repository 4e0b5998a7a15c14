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

/// The same of a quantised problem. `weights`: the matrices, of i8; `scales`: RecurrentForward::scales.
StackOutput run_quantized_stack(const StackProblem& problem, const Tensor& x, const Tensor& h0, const Tensor& c0,
                                const std::vector<Tensor>& weights, const std::vector<Tensor>& scales);

/// Begins the step from h0 that comes next, where the device can and it pays: what it needs of h0 is computed now, and
/// run_stack finds it. `problem`: that step's.
void run_ahead(const StackProblem& problem, const Tensor& h0, const std::vector<Tensor>& weights);

}  // namespace stm::ops
