#pragma once
#include "backend/cuda/matmul_biased.h"
#include "backend/kernels/matmul.h"

namespace stm::cuda {

/// Products by cuBLAS, and by cuBLASLt where a bias is added.
class CudaMatmul final : public MatmulKernels {
 public:
  explicit CudaMatmul(Context& context) : context_(context), biased_(context) {}
  Status matmul(MathMode math, const View& a, const View& b, const View& out) noexcept override;
  Status linear(MathMode math, const View& x, const View& weight, const View& bias, const View& out) noexcept override;

 private:
  Context& context_;
  BiasedProducts biased_;
};

}  // namespace stm::cuda
