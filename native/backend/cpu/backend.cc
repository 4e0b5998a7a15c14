#include "backend/cpu/backend.h"

#ifdef __linux__
#include <unistd.h>
#endif
#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include "backend/cpu/blas_kernels.h"
#include "backend/cpu/simd_dispatch.h"
#include "backend/cpu/team.h"
#include "backend/cpu/time_slice.h"
#include "backend/large_pages.h"

namespace stm {
namespace {

void move_bytes(void* to, const void* from, size_t bytes) {
  constexpr int64_t kBlock = int64_t{16} << 20;
  stoppable([&] {
    in_blocks(0, static_cast<int64_t>(bytes), kBlock, [&](int64_t begin, int64_t end) {
      std::memcpy(static_cast<char*>(to) + begin, static_cast<const char*>(from) + begin,
                  static_cast<size_t>(end - begin));
    });
  });
}

class CpuBackend final : public Backend {
 public:
  void facts(DeviceFacts* out) noexcept override {
    *out = {};
    const char* const kernels = blas_kernels();
    std::snprintf(out->vectors, sizeof out->vectors, "%s", simd_label());
    std::snprintf(out->products, sizeof out->products, "%s%s", *kernels ? "BLIS " : "BLAS", kernels);
    std::snprintf(out->details, sizeof out->details, "%s vectors, %s products, %d threads", out->vectors, out->products,
                  stm::num_threads());
    const std::string vectors = simd_limit(), products = blas_limit();
    std::snprintf(out->limit, sizeof out->limit, "%s%s%s", vectors.c_str(),
                  vectors.empty() || products.empty() ? "" : "; ", products.c_str());
    out->memory_bytes = memory().total_bytes;
  }
  int32_t num_threads() noexcept override { return stm::num_threads(); }
  void set_num_threads(int32_t count) noexcept override { stm::set_num_threads(count); }

  void starting(const std::atomic<bool>& stopping) noexcept override {
    begin_kernels(stopping);
    give_way_to_waking_threads();
  }

  Status allocate(size_t bytes, void** data) noexcept override {
    constexpr size_t kLine = 64;
    const size_t alignment = bytes >= 2 * kLargePage ? kLargePage : kLine;
    *data = std::aligned_alloc(alignment, (bytes + alignment - 1) / alignment * alignment);
    if (*data) prefer_large_pages(*data, bytes);
    if (*data) return Status::ok();
    return Status::fail(StatusKind::OutOfMemory, {"could not get %zu bytes", bytes});
  }
  void release(void* data) noexcept override { std::free(data); }
  void trim() noexcept override {
#ifdef __GLIBC__
    malloc_trim(0);
#endif
  }
  DeviceMemory memory() noexcept override {
#ifdef __linux__
    const int64_t page = sysconf(_SC_PAGESIZE);
    return {sysconf(_SC_AVPHYS_PAGES) * page, sysconf(_SC_PHYS_PAGES) * page};
#else
    return {};
#endif
  }
  Status upload(void* to, const void* host, size_t bytes) noexcept override {
    move_bytes(to, host, bytes);
    return Status::ok();
  }
  Status download(void* host, const void* from, size_t bytes) noexcept override {
    move_bytes(host, from, bytes);
    return Status::ok();
  }

  Status copy(void* to, const void* from, size_t bytes) noexcept override { return upload(to, from, bytes); }

  // Every call has completed when it returns.
  Status entering(const char*) noexcept override { return Status::ok(); }
  void notify(Done done, void* context) noexcept override { done(context, Status::ok(), ""); }
  void stop() noexcept override {}
  void close() noexcept override {}
  bool captures() noexcept override { return false; }
  const char* why_no_graphs() noexcept override { return nullptr; }
  Status begin_capture() noexcept override { return Status::ok(); }
  Status end_capture(void**) noexcept override { return Status::ok(); }
  Status launch(void*) noexcept override { return Status::ok(); }
  void release_graph(void*) noexcept override {}

  ElementwiseKernels& elementwise() noexcept override { return cpu_elementwise(); }
  IndexingKernels& indexing() noexcept override { return cpu_indexing(); }
  LossKernels& losses() noexcept override { return cpu_losses(); }
  MatmulKernels& matmul() noexcept override { return cpu_matmul(); }
  NormalizationKernels& normalization() noexcept override { return cpu_normalization(); }
  OptimizerKernels& optimizers() noexcept override { return cpu_optimizers(); }
  RandomKernels& random() noexcept override { return cpu_random(); }
  RecurrentKernels& recurrent() noexcept override { return cpu_recurrent(); }
  CellKernels& cells() noexcept override { return cpu_cells(); }
  QuantizedKernels* quantized() noexcept override { return &cpu_quantized(); }
  ReduceKernels& reduce() noexcept override { return cpu_reduce(); }
};

}  // namespace

Backend& cpu_backend() noexcept {
  static CpuBackend backend;
  return backend;
}

}  // namespace stm
