#include "backend/cuda/device/backend.h"

#include <atomic>
#include <cstdio>
#include <new>
#include <system_error>

#include "backend/cuda/device/completion.h"
#include "backend/cuda/device/graphs.h"
#include "backend/guard.h"
#include "backend/cuda/device/locks.h"
#include "backend/cuda/device/staging.h"
#include "backend/cuda/device/switches.h"
#include "backend/cuda/cells.h"
#include "backend/cuda/elementwise.h"
#include "backend/cuda/indexing.h"
#include "backend/cuda/losses.h"
#include "backend/cuda/matmul.h"
#include "backend/cuda/normalization.h"
#include "backend/cuda/optimizers.h"
#include "backend/cuda/random.h"
#include "backend/cuda/recurrent.h"
#include "backend/cuda/reduce.h"

namespace stm::cuda {
namespace {

constexpr size_t kSmallUpload = 4 * 3840;  ///< travels with launches

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int device) : presence_(device), completion_(device), staging_(context_, completion_) {
    context_.device = device;
    context_.libraries = &libraries().functions;
    context_.compiles = libraries().nvrtc.problem.empty();
    context_.presence = &presence_;
    int major = 0, minor = 0;
    ignore(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, device));
    ignore(cudaDeviceGetAttribute(&minor, cudaDevAttrComputeCapabilityMinor, device));
    ignore(cudaDeviceGetAttribute(&context_.multiprocessors, cudaDevAttrMultiProcessorCount, device));
    context_.capability = 10 * major + minor;
    int pools = 1;
    ignore(cudaDeviceGetAttribute(&pools, cudaDevAttrMemoryPoolsSupported, device));
    context_.has_pool = pools != 0;
  }

  void facts(DeviceFacts* out) noexcept override { describe_device(context_.device, out); }
  int32_t num_threads() noexcept override { return 1; }
  void set_num_threads(int32_t) noexcept override {}
  void starting(const std::atomic<bool>&) noexcept override {
  }  // calls return at once, but for cuDNN's and CUDA's own, which nothing ends early

  // ---- memory

  Status allocate(size_t bytes, void** data) noexcept override { return context_.allocate(bytes, data); }
  void release(void* data) noexcept override { context_.release(data); }
  void trim() noexcept override {
    ignore(cudaStreamSynchronize(context_.stream));
    const ExclusiveLock lock(context_.device);
    context_.trim_pool();
    staging_.trim();
  }
  DeviceMemory memory() noexcept override {
    size_t free = 0, total = 0;
    ignore(cudaSetDevice(context_.device));
    if (cudaMemGetInfo(&free, &total) != cudaSuccess) (void)cudaGetLastError();
    return {static_cast<int64_t>(free), static_cast<int64_t>(total)};
  }

  Status upload(void* to, const void* host, size_t bytes) noexcept override {
    if (bytes <= kSmallUpload && reinterpret_cast<uintptr_t>(to) % 4 == 0 && bytes % 4 == 0)
      return context_.store(to, host, bytes);
    if (!graphs_.capturing()) return staging_.upload(to, host, bytes);
    return context_.check(cudaMemcpyAsync(to, host, bytes, cudaMemcpyHostToDevice, context_.stream), "cudaMemcpyAsync");
  }
  Status download(void* host, const void* from, size_t bytes) noexcept override {
    return staging_.download(host, from, bytes);
  }
  Status copy(void* to, const void* from, size_t bytes) noexcept override {
    if (bytes == 0) return Status::ok();
    return context_.check(cudaMemcpyAsync(to, from, bytes, cudaMemcpyDeviceToDevice, context_.stream),
                          "cudaMemcpyAsync");
  }

  // ---- order

  Status entering(const char* op) noexcept override {
    return guarded([&] {
      if (!ready_) STM_TRY(set_up());
      if (context_.lost) return lost();
      context_.op = completion_.number_of(op);
      return Status::ok();
    });
  }

  void notify(Done done, void* context) noexcept override {
    if (!ready_) return done(context, Status::ok(), "");  // nothing has run on this device yet
    Completion::Items one;
    const Status made = guarded([&] {
      one.emplace_back();
      return Status::ok();
    });
    if (!made.is_ok()) {  // after all earlier ones, nevertheless
      staging_.land();
      return done(context, made, "");
    }
    Completion::Item& item = one.front();
    item.done = done;
    item.context = context;
    item.failed = context_.lost ? lost() : staging_.mark(item);
    completion_.submit(std::move(one));
  }

  void stop() noexcept override { completion_.stop(); }

  void close() noexcept override {
    completion_.stop();
    ignore(cudaSetDevice(context_.device));
    if (context_.stream) ignore(cudaStreamSynchronize(context_.stream));
    const int device = context_.device;
    const ExclusiveLock lock(device);
    staging_.release();
    recurrent_.release();
    tear_down();
    delete this;
  }

  // ---- graphs

  bool captures() noexcept override { return !graphs_.why_not(); }
  const char* why_no_graphs() noexcept override { return graphs_.why_not(); }
  Status begin_capture() noexcept override { return graphs_.begin(); }
  Status end_capture(void** graph) noexcept override { return graphs_.end(graph); }
  Status launch(void* graph) noexcept override { return graphs_.launch(graph); }
  void release_graph(void* graph) noexcept override { graphs_.release(graph); }

  CellKernels& cells() noexcept override { return cells_; }
  ElementwiseKernels& elementwise() noexcept override { return elementwise_; }
  IndexingKernels& indexing() noexcept override { return indexing_; }
  LossKernels& losses() noexcept override { return losses_; }
  MatmulKernels& matmul() noexcept override { return matmul_; }
  NormalizationKernels& normalization() noexcept override { return normalization_; }
  OptimizerKernels& optimizers() noexcept override { return optimizers_; }
  RandomKernels& random() noexcept override { return random_; }
  RecurrentKernels& recurrent() noexcept override { return recurrent_; }
  ReduceKernels& reduce() noexcept override { return reduce_; }

 private:
  ~CudaBackend() = default;

  static Status lost() {
    return Status::fail(StatusKind::DeviceLost, "the CUDA context was lost by an earlier fault",
                        "start the process again; the CPU goes on working");
  }

  /// Executor thread. What fails here is tried again by the next command.
  Status set_up() {
    STM_TRY(check_switches());
    const ExclusiveLock lock(context_.device);
    STM_CUDA(context_, cudaSetDevice(context_.device));
    if (!context_.stream) STM_CUDA(context_, cudaStreamCreateWithFlags(&context_.stream, cudaStreamNonBlocking));
    STM_TRY(context_.set_up_pool());
    if (!context_.fault) {
      void* fault = nullptr;
      STM_TRY(context_.allocate(sizeof(DeviceFault), &fault));
      context_.fault = static_cast<DeviceFault*>(fault);
    }
    STM_CUDA(context_, cudaMemsetAsync(context_.fault, 0, sizeof(DeviceFault), context_.stream));
    const Libraries& f = *context_.libraries;
    if (!context_.cublas) STM_CUDA(context_, f.cublasCreate_v2(&context_.cublas));
    STM_CUDA(context_, f.cublasSetStream_v2(context_.cublas, context_.stream));
    // A workspace of its own makes the choice of cuBLAS's kernels the same in every run, and lets graphs capture them.
    const size_t bytes = context_.cublas_workspace();
    void* workspace = nullptr;
    STM_TRY(context_.scratch(Context::kCublas, bytes, &workspace));
    STM_CUDA(context_, f.cublasSetWorkspace_v2(context_.cublas, workspace, bytes));
    if (!context_.cudnn) STM_CUDA(context_, f.cudnnCreate(&context_.cudnn));
    STM_CUDA(context_, f.cudnnSetStream(context_.cudnn, context_.stream));
    ready_ = true;
    return Status::ok();
  }

  void tear_down() {
    const Libraries& f = *context_.libraries;
    if (context_.cudnn) (void)f.cudnnDestroy(context_.cudnn);
    if (context_.cublas) (void)f.cublasDestroy_v2(context_.cublas);
    if (!context_.stream) return;
    context_.release_buffers();
    if (context_.fault) context_.release(context_.fault);
    ignore(cudaStreamSynchronize(context_.stream));
    ignore(cudaStreamDestroy(context_.stream));
  }

  Presence presence_;
  Context context_;
  Completion completion_;
  Staging staging_;
  bool ready_ = false;
  CudaElementwise elementwise_{context_};
  CudaIndexing indexing_{context_};
  CudaLosses losses_{context_};
  CudaMatmul matmul_{context_};
  CudaCells cells_{context_, matmul_};
  CudaNormalization normalization_{context_};
  CudaOptimizers optimizers_{context_};
  CudaRandom random_{context_};
  CudaRecurrent recurrent_{context_};
  Graphs graphs_{context_, recurrent_};
  CudaReduce reduce_{context_};
};

}  // namespace

Status open_device(int device, Backend** out) try {
  *out = new (std::nothrow) CudaBackend(device);
  return *out ? Status::ok() : Status::without_memory();
} catch (const std::system_error& error) {  // from the thread that waits for the device
  return Status::fail(StatusKind::Internal, {"the system gives no thread (%s)", error.what()},
                      "raise the limit of threads (ulimit -u, or the container's limit of pids)");
} catch (const std::bad_alloc&) {
  return Status::without_memory();
}

void describe_device(int device, DeviceFacts* out) {
  *out = {};
  cudaDeviceProp properties{};
  if (cudaGetDeviceProperties(&properties, device) != cudaSuccess) {
    (void)cudaGetLastError();
    return;
  }
  std::snprintf(out->model, sizeof out->model, "%.*s", static_cast<int>(sizeof out->model) - 1, properties.name);
  std::snprintf(out->details, sizeof out->details,
                "compute capability %d.%d, %d multiprocessors, CUDA %d.%d, cuBLAS %s", properties.major,
                properties.minor, properties.multiProcessorCount, CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10,
                libraries().cublas.version.c_str());
  std::snprintf(out->cudnn, sizeof out->cudnn, "%s", libraries().cudnn.version.c_str());
  out->memory_bytes = static_cast<int64_t>(properties.totalGlobalMem);
}

}  // namespace stm::cuda
