#pragma once
#include "backend/backend.h"

namespace stm {

// One function a family, each in the file of its name.
ElementwiseKernels& cpu_elementwise() noexcept;
IndexingKernels& cpu_indexing() noexcept;
LossKernels& cpu_losses() noexcept;
MatmulKernels& cpu_matmul() noexcept;
NormalizationKernels& cpu_normalization() noexcept;
OptimizerKernels& cpu_optimizers() noexcept;
RandomKernels& cpu_random() noexcept;
RecurrentKernels& cpu_recurrent() noexcept;
CellKernels& cpu_cells() noexcept;
QuantizedKernels& cpu_quantized() noexcept;
ReduceKernels& cpu_reduce() noexcept;

}  // namespace stm
