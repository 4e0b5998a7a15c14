#pragma once
#include "backend/kernels/recurrent.h"

namespace stm {

/// The f32 engine: a stack of recurrent layers, forward and backward, on the process's thread team. The contract is
/// that of RecurrentKernels. A training forward leaves a reserve that serves one backward; a second one on the same
/// reserve is an error.
Status fused_sizes(const RecurrentProblem& problem, RecurrentSizes* out);
Status fused_pack(const RecurrentProblem& problem, const void* weights, void* packed);
bool fused_ahead_pays(const RecurrentProblem& problem);
Status fused_ahead(const RecurrentProblem& problem, const void* packed, const void* h0, void* sums);
Status fused_forward(const RecurrentProblem& problem, const RecurrentForward& buffers);
Status fused_backward(const RecurrentProblem& problem, const RecurrentBackward& buffers);

}  // namespace stm
