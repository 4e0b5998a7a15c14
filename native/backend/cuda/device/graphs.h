#pragma once
#include <optional>

#include "backend/cuda/device/context.h"
#include "backend/cuda/device/locks.h"

namespace stm::cuda {

class CudaRecurrent;

/// What the stream of one open device is given, captured to be launched again. Executor thread only, but for release().
class Graphs {
 public:
  Graphs(Context& context, CudaRecurrent& recurrent);

  /// Null if work can be captured. Not without a pool: cudaMalloc and cudaFree, of any worker, stop the device, which
  /// would end the capture. So rare a device is not worth a lock around each.
  const char* why_not() const {
    if (!wanted_) return "STMNET_CUDA_GRAPHS is 0";
    return context_.has_pool ? nullptr : "the device has no memory pools";
  }
  bool capturing() const { return lock_.has_value(); }

  Status begin();
  /// Leaves the stream as it was before begin(), also if it fails.
  Status end(void** graph);
  Status launch(void* graph);
  void release(void* graph) noexcept;

 private:
  void leave_capture();
  Status instantiate(cudaGraph_t captured, cudaGraphExec_t* out);

  Context& context_;
  CudaRecurrent& recurrent_;
  const bool wanted_;
  std::optional<CaptureLock> lock_;  ///< while it captures
};

}  // namespace stm::cuda
