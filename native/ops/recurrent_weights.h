#pragma once
#include <vector>

#include "ops/ops.h"

namespace stm::ops {

/// Refuses weights that are not those of the problem, in the order of for_each_weight.
void check_weights(const char* op, const std::vector<Tensor>& weights, const RecurrentProblem& problem);

/// The same of a quantised problem, on the device of its input: `weights` are its matrices, of i8, and `scales` one of
/// f32 for each row of them, then the biases.
void check_quantized_weights(const char* op, const Tensor& x, const std::vector<Tensor>& weights,
                             const std::vector<Tensor>& scales, const RecurrentProblem& problem);

/// Those of layer `layer` alone, in the same order.
std::vector<Tensor> weights_of_layer(const std::vector<Tensor>& weights, const RecurrentProblem& problem,
                                     int64_t layer);

/// Whether they lie behind each other, as the layers make them.
bool in_one_blob(const std::vector<Tensor>& weights);

/// The weights as one dense vector: a view where they already lie behind each other (as the layers make them), else a
/// copy. Without history.
Tensor blob_of(const std::vector<Tensor>& weights, int64_t elements);

/// The other way: views of a vector with the shapes of the weights; empty ones of an empty vector.
std::vector<Tensor> weights_in(const Tensor& blob, const RecurrentProblem& problem);

}  // namespace stm::ops
