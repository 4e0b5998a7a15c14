#include "backend/cpu/backend.h"

namespace stm {
namespace {

class CpuOptimizerKernels final : public OptimizerKernels {};

}  // namespace

OptimizerKernels& cpu_optimizers() noexcept {
  static CpuOptimizerKernels kernels;
  return kernels;
}

}  // namespace stm
