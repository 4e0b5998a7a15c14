#include "backend/cpu/backend.h"

namespace stm {
namespace {

class CpuLossKernels final : public LossKernels {};

}  // namespace

LossKernels& cpu_losses() noexcept {
  static CpuLossKernels kernels;
  return kernels;
}

}  // namespace stm
