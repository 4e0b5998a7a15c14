#pragma once
#include "backend/cuda/device/context.h"
#include "backend/kernels/elementwise.h"

namespace stm::cuda {

class CudaElementwise final : public ElementwiseKernels {
 public:
  explicit CudaElementwise(Context& context) : context_(context) {}
  Status unary(Unary op, double parameter, const View& x, const View& y) noexcept override;
  Status unary_backward(Unary op, double parameter, const View& x, const View& y, const View& dy,
                        const View& dx) noexcept override;
  Status binary(Binary op, const View& a, const View& b, const View& out) noexcept override;
  Status binary_scalar(Binary op, const View& a, double scalar, bool reversed, const View& out) noexcept override;
  Status compare(Compare op, const View& a, const View& b, const View& out) noexcept override;
  Status compare_scalar(Compare op, const View& a, double scalar, const View& out) noexcept override;
  Status where(const View& condition, const View& a, const View& b, const View& out) noexcept override;
  Status copy(const View& from, const View& to) noexcept override;
  Status fill(double value, const View& to) noexcept override;
  Status arange(double start, double step, const View& to) noexcept override;

 private:
  Context& context_;
};

}  // namespace stm::cuda
