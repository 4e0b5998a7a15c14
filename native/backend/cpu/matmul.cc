#include "backend/cpu/backend.h"

namespace stm {
namespace {

class CpuMatmulKernels final : public MatmulKernels {};

}  // namespace

MatmulKernels& cpu_matmul() noexcept {
  static CpuMatmulKernels kernels;
  return kernels;
}

}  // namespace stm
