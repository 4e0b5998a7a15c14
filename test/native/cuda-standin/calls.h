#pragma once
#include <cublas_v2.h>
#include <cuda_runtime_api.h>
#include <cudnn.h>

#include <string>

#include "cuda-standin/device.h"

namespace stm::standin {

/// One call of an exported function: counted, logged, and failed if a fault was asked for. Every exported function
/// makes one.
class Call {
 public:
  Call(const char* function, const char* format, ...) __attribute__((format(printf, 3, 4)));
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  /// The code to give instead of running; 0: none.
  int fault() const { return fault_; }
  void log_result(long long result);

  /// The body's result for functions of the CUDA run-time library that need a device that works. Keeps it for
  /// cudaGetLastError.
  template <class F>
  cudaError_t cuda(F body) {
    return finish(fault_ ? injected(fault_) : unusable() ? unusable() : body());
  }
  /// Likewise for those that work without.
  template <class F>
  cudaError_t cuda_anyway(F body) {
    return finish(fault_ ? injected(fault_) : body());
  }
  /// And for those that tell the thread's last error, which they must not set.
  template <class F>
  cudaError_t cuda_silently(F body) {
    const cudaError_t error = fault_ ? injected(fault_) : body();
    log_result(error);
    return error;
  }
  template <class F>
  cublasStatus_t cublas(F body) {
    const cublasStatus_t status = fault_       ? static_cast<cublasStatus_t>(fault_)
                                  : unusable() ? CUBLAS_STATUS_EXECUTION_FAILED
                                               : body();
    log_result(status);
    return status;
  }
  /// For cuDNN's functions that only keep descriptors, and need no device.
  template <class F>
  cudnnStatus_t cudnn(F body) {
    const cudnnStatus_t status = fault_ ? cudnn_fault() : body();
    log_result(status);
    return status;
  }

 private:
  cudaError_t finish(cudaError_t error);
  cudnnStatus_t cudnn_fault();

  /// Of this thread.
  struct Depth {
    Depth();
    ~Depth();
  };
  const Depth depth_;
  const char* function_;
  int fault_;
  bool logged_;
  std::string arguments_;
};

/// Says why in words, for cudnnGetLastErrorString, and gives `status`.
cudnnStatus_t refuse(cudnnStatus_t status, const char* format, ...) __attribute__((format(printf, 2, 3)));
std::string& last_cudnn_error();

/// What is logged of an array of integers.
std::string listed(const int* values, int count);

}  // namespace stm::standin
