#pragma once
#include "backend/math_mode.h"
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

/// Operands are matrices in the last two axes, read as they lie: rows or columns of each must be dense (stride 1).
class MatmulKernels {
 public:
  /// out[…] = a[…] · b[…]: [M, K] · [K, N] for every place of the leading axes, which are equal (broadcast by stride
  /// 0). `out` is dense.
  virtual Status matmul(MathMode math, const View& a, const View& b, const View& out) noexcept = 0;
  /// out = x · weightᵀ + bias: x [rows, in] dense, weight [out, in] dense, bias [out] dense or absent.
  virtual Status linear(MathMode math, const View& x, const View& weight, const View& bias,
                        const View& out) noexcept = 0;

 protected:
  ~MatmulKernels() = default;
};

}  // namespace stm
