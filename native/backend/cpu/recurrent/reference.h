#pragma once
#include "backend/kernels/recurrent.h"

namespace stm {

/// The recurrent kernels in f64: one row and one step after the other, straight from the equations, on the calling
/// thread. The f32 engine is tested against it, so the two share nothing. The contract is that of RecurrentKernels;
/// nothing is packed, and a reserve may serve several backward calls.
Status reference_sizes(const RecurrentProblem& problem, RecurrentSizes* out);
Status reference_forward(const RecurrentProblem& problem, const RecurrentForward& buffers);
Status reference_backward(const RecurrentProblem& problem, const RecurrentBackward& buffers);

}  // namespace stm
