#include "backend/cpu/backend.h"

namespace stm {
namespace {

class CpuReduceKernels final : public ReduceKernels {};

}  // namespace

ReduceKernels& cpu_reduce() noexcept {
  static CpuReduceKernels kernels;
  return kernels;
}

}  // namespace stm
