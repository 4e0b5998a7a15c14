#pragma once
// What the tests of core run on: a device that counts, and can be told to run out of memory.
#include <atomic>
#include <cstdlib>
#include <memory>
#include <string>

#include "backend/backend.h"
#include "check.h"

namespace stm::testing {

/// Memory of the host, counted; kernels are the CPU's. Blocks above `kPretended` bytes are handed out but must not be
/// touched.
class CountingBackend final : public Backend {
 public:
  static constexpr size_t kPretended = size_t{16} << 20;

  std::atomic<int64_t> allocations{0}, live{0};
  std::atomic<int> refusals{0};  ///< how many of the next allocations fail

  /// For a device that captures: what was called, and which call is to fail. A graph is an empty block.
  bool captures_graphs = false;
  std::atomic<int> begun{0}, ended{0}, launched{0}, graphs{0};
  std::atomic<bool> capturing{false};
  const char* failing = "";
  StatusKind failure = StatusKind::Internal;
  const char* why_not = nullptr;

  void facts(DeviceFacts* out) noexcept override { *out = {}; }
  int32_t num_threads() noexcept override { return 1; }
  void set_num_threads(int32_t) noexcept override {}
  void starting(const std::atomic<bool>& stopping) noexcept override { cpu_backend().starting(stopping); }

  Status allocate(size_t bytes, void** data) noexcept override {
    if (refusals > 0) {
      --refusals;
      return Status::fail(StatusKind::OutOfMemory, {"refused %zu bytes", bytes});
    }
    *data = std::malloc(bytes > kPretended ? 1 : bytes);
    ++allocations;
    ++live;
    return Status::ok();
  }
  void release(void* data) noexcept override {
    std::free(data);
    --live;
  }
  void trim() noexcept override {}
  DeviceMemory memory() noexcept override { return {}; }
  Status upload(void* to, const void* host, size_t bytes) noexcept override {
    return cpu_backend().upload(to, host, bytes);
  }
  Status download(void* host, const void* from, size_t bytes) noexcept override {
    return cpu_backend().download(host, from, bytes);
  }

  Status copy(void* to, const void* from, size_t bytes) noexcept override {
    return cpu_backend().copy(to, from, bytes);
  }
  Status entering(const char*) noexcept override { return Status::ok(); }
  void notify(Done done, void* context) noexcept override { done(context, Status::ok(), ""); }
  void stop() noexcept override {}
  void close() noexcept override {}
  bool captures() noexcept override { return captures_graphs; }
  const char* why_no_graphs() noexcept override { return why_not; }
  Status begin_capture() noexcept override {
    ++begun;
    const Status status = outcome("begin");
    capturing = status.is_ok();
    return status;
  }
  Status end_capture(void** graph) noexcept override {
    ++ended;
    capturing = false;
    const Status status = outcome("end");
    *graph = status.is_ok() ? std::malloc(1) : nullptr;
    if (*graph) ++graphs;
    return status;
  }
  Status launch(void*) noexcept override {
    ++launched;
    return outcome("launch");
  }
  void release_graph(void* graph) noexcept override {
    std::free(graph);
    --graphs;
  }

  ElementwiseKernels& elementwise() noexcept override { return cpu_backend().elementwise(); }
  IndexingKernels& indexing() noexcept override { return cpu_backend().indexing(); }
  LossKernels& losses() noexcept override { return cpu_backend().losses(); }
  MatmulKernels& matmul() noexcept override { return cpu_backend().matmul(); }
  NormalizationKernels& normalization() noexcept override { return cpu_backend().normalization(); }
  OptimizerKernels& optimizers() noexcept override { return cpu_backend().optimizers(); }
  RandomKernels& random() noexcept override { return cpu_backend().random(); }
  RecurrentKernels& recurrent() noexcept override { return cpu_backend().recurrent(); }
  CellKernels& cells() noexcept override { return cpu_backend().cells(); }
  ReduceKernels& reduce() noexcept override { return cpu_backend().reduce(); }

 private:
  Status outcome(const char* call) const {
    return std::string(failing) == call ? Status::fail(failure, {"%s was told to fail", call}) : Status::ok();
  }
};

/// For owners that share a backend: this one belongs to the test.
inline std::shared_ptr<Backend> borrowed(Backend& backend) {
  return {&backend, [](Backend*) {}};
}

}  // namespace stm::testing
