#pragma once
#include <memory>
#include <optional>
#include <vector>

#include "ops/ops.h"

namespace stm::ops {

/// A problem that keeps its lengths alive, for commands and histories to hold.
struct StackProblem : RecurrentProblem {
  std::shared_ptr<const std::vector<int32_t>> kept_lengths;  ///< what `lengths` points to

  Shape output_shape() const { return batch_first ? Shape{N, T, K * width()} : Shape{T, N, K * width()}; }
  Shape h_shape() const { return {L * K, N, width()}; }
  Shape c_shape() const { return {L * K, N, H}; }
};

struct RecurrentOptions {
  Cell cell;
  int64_t hidden_size, proj_size, num_layers;
  bool bidirectional, bias, batch_first;
  Algorithm algorithm;
};

/// What the options ask for, for this input, with the session's settings. Refuses what no device, or not the input's,
/// can compute.
StackProblem recurrent_problem(const char* op, const Tensor& x, const RecurrentOptions& options,
                               const std::optional<std::vector<int64_t>>& lengths);

}  // namespace stm::ops
