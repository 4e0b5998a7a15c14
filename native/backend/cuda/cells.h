#pragma once
#include "backend/cuda/device/context.h"
#include "backend/kernels/cells.h"
#include "backend/kernels/matmul.h"

namespace stm::cuda {

/// Gated cells, step by step: a product by cuBLAS, then a kernel with a block for each row of the batch
/// (cells/lstm.h, cells/gru.h). Lengths, shares of zoneout and the mode of products travel with launches: a captured
/// graph is of these alone.
class CudaCells final : public CellKernels {
 public:
  CudaCells(Context& context, MatmulKernels& matmul) : context_(context), matmul_(matmul) {}
  CellSizes sizes(const CellProblem& problem) noexcept override;
  Status forward(const CellProblem& problem, const CellForward& buffers) noexcept override;
  Status backward(const CellProblem& problem, const CellBackward& buffers) noexcept override;

 private:
  Context& context_;
  MatmulKernels& matmul_;
};

}  // namespace stm::cuda
