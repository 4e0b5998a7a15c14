#include "backend/cpu/backend.h"

namespace stm {
namespace {

class CpuNormalizationKernels final : public NormalizationKernels {};

}  // namespace

NormalizationKernels& cpu_normalization() noexcept {
  static CpuNormalizationKernels kernels;
  return kernels;
}

}  // namespace stm
