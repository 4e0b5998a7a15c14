#pragma once
#include "backend/kernels/recurrent.h"

namespace stm {

/// The recurrent kernels of the CPU: the fused engine in f32, a plain step-by-step reference in f64. Buffers are
/// fastest on 64-byte boundaries. The f32 reserve serves one backward: an op that keeps its graph hands backward a
/// copy.
RecurrentKernels& cpu_recurrent() noexcept;

}  // namespace stm
