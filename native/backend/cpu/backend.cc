#include "backend/cpu/backend.h"

#ifdef __linux__
#include <sys/mman.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend/cpu/gemm.h"
#include "backend/cpu/simd_dispatch.h"
#include "backend/cpu/team.h"

namespace stm {
namespace {

class CpuBackend final : public Backend {
 public:
  const char* name() noexcept override { return "cpu"; }
  const char* description() noexcept override {
    static char text[128];
    std::snprintf(text, sizeof text, "%s vectors, BLIS %s products, %d threads", simd_target(), blas_kernels(), stm::num_threads());
    return text;
  }
  int32_t num_threads() noexcept override { return stm::num_threads(); }
  void set_num_threads(int32_t count) noexcept override { stm::set_num_threads(count); }

  Status allocate(size_t bytes, void** data) noexcept override {
    constexpr size_t kLine = 64, kHugePage = size_t{2} << 20;
    const size_t alignment = bytes >= 2 * kHugePage ? kHugePage : kLine;
    *data = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
#ifdef __linux__
    if (*data && alignment == kHugePage) madvise(*data, bytes, MADV_HUGEPAGE);  // a hint: fewer page faults where the system grants it
#endif
    if (*data) return Status::ok();
    return Status::fail(StatusKind::OutOfMemory, "could not get %zu bytes. Fix: use a smaller batch, or free tensors.", bytes);
  }
  void release(void* data) noexcept override { std::free(data); }
  Status upload(void* to, const void* host, size_t bytes) noexcept override {
    std::memcpy(to, host, bytes);
    return Status::ok();
  }
  Status download(void* host, const void* from, size_t bytes) noexcept override {
    std::memcpy(host, from, bytes);
    return Status::ok();
  }

  ElementwiseKernels& elementwise() noexcept override { return cpu_elementwise(); }
  IndexingKernels& indexing() noexcept override { return cpu_indexing(); }
  LossKernels& losses() noexcept override { return cpu_losses(); }
  MatmulKernels& matmul() noexcept override { return cpu_matmul(); }
  NormalizationKernels& normalization() noexcept override { return cpu_normalization(); }
  OptimizerKernels& optimizers() noexcept override { return cpu_optimizers(); }
  RandomKernels& random() noexcept override { return cpu_random(); }
  RecurrentKernels& recurrent() noexcept override { return cpu_recurrent(); }
  ReduceKernels& reduce() noexcept override { return cpu_reduce(); }
};

}  // namespace

Backend& cpu_backend() noexcept {
  static CpuBackend backend;
  return backend;
}

}  // namespace stm
