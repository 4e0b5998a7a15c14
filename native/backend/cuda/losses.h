#pragma once
#include "backend/cuda/device/context.h"
#include "backend/kernels/losses.h"

namespace stm::cuda {

/// The point-wise losses are in losses.cu, the others in files of their own.
class CudaLosses final : public LossKernels {
 public:
  explicit CudaLosses(Context& context) : context_(context) {}

  Status pointwise(const PointwiseLoss& loss, const View& input, const View& target, const View& weight,
                   const View& result, const View& partial) noexcept override;
  Status pointwise_backward(const PointwiseLoss& loss, const View& input, const View& target, const View& weight,
                            const View& dresult, const View& dinput, const View& dtarget) noexcept override;

  Status cross_entropy(const CrossEntropyLoss& loss, const View& input, const View& target, const View& class_weight,
                       const View& step_weight, const View& result, const View& saved) noexcept override;
  Status cross_entropy_backward(const CrossEntropyLoss& loss, const View& input, const View& target,
                                const View& class_weight, const View& step_weight, const View& saved,
                                const View& dresult, const View& dinput) noexcept override;

  Status ctc(const CtcLoss& loss, const View& input, const View& target, const View& result, const View& losses,
             const View& alpha) noexcept override;
  Status ctc_backward(const CtcLoss& loss, const View& input, const View& target, const View& losses, const View& alpha,
                      const View& dresult, const View& beta, const View& dinput) noexcept override;

 private:
  Context& context_;
};

}  // namespace stm::cuda
