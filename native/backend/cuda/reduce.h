#pragma once
#include "backend/cuda/device/context.h"
#include "backend/kernels/reduce.h"

namespace stm::cuda {

/// reduce_cumsum.cu holds cumsum, reduce.cu the others.
class CudaReduce final : public ReduceKernels {
 public:
  explicit CudaReduce(Context& context) : context_(context) {}
  Status reduce(Fold op, const View& x, int32_t reduced, const View& out) noexcept override;
  Status arg_extreme(bool largest, const View& x, const View& out) noexcept override;
  Status cumsum(const View& x, bool reversed, const View& out) noexcept override;

 private:
  Context& context_;
};

}  // namespace stm::cuda
