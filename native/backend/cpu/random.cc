#include "backend/cpu/backend.h"

namespace stm {
namespace {

class CpuRandomKernels final : public RandomKernels {};

}  // namespace

RandomKernels& cpu_random() noexcept {
  static CpuRandomKernels kernels;
  return kernels;
}

}  // namespace stm
