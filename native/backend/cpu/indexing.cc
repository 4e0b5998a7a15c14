#include "backend/cpu/backend.h"

namespace stm {
namespace {

class CpuIndexingKernels final : public IndexingKernels {};

}  // namespace

IndexingKernels& cpu_indexing() noexcept {
  static CpuIndexingKernels kernels;
  return kernels;
}

}  // namespace stm
