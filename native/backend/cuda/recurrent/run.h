#pragma once
#include "backend/cuda/recurrent/plan.h"

namespace stm::cuda {

/// `packed` = the weights as the plan's networks want them.
Status run_pack(Context& context, const Plan& plan, const void* weights, void* packed);
Status run_forward(Context& context, const Plan& plan, const RecurrentForward& buffers);
Status run_backward(Context& context, const Plan& plan, const RecurrentBackward& buffers);

/// cuDNN reads up to 16 bytes at once, and views of tensors may begin anywhere. Replaces those of `inputs` (null: none)
/// that lie across such a boundary by copies.
struct Input {
  const void** data;
  size_t bytes;
};
Status align(Context& context, std::initializer_list<Input> inputs);

}  // namespace stm::cuda
