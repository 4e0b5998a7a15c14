#pragma once
// cuBLAS and cuDNN for the tests of the families that need them: handles on a test's device, functions of the stand-in
// that the test is linked with.
#include "cuda_kernels.h"

namespace stm::cuda::test {

inline void must(cublasStatus_t status, const char* what) {
  if (status != CUBLAS_STATUS_SUCCESS) give_up(std::string(what) + ": cuBLAS says " + std::to_string(status));
}
inline void must(cudnnStatus_t status, const char* what) {
  if (status != CUDNN_STATUS_SUCCESS) give_up(std::string(what) + ": cuDNN says " + std::to_string(status));
}

/// A device with both libraries.
class DeviceWithLibraries : public Device {
 public:
  DeviceWithLibraries() {
#define STM_TAKE(name) functions_.name = &::name;
    STM_CUBLAS_FUNCTIONS(STM_TAKE)
    STM_CUBLASLT_FUNCTIONS(STM_TAKE)
    STM_CUDNN_FUNCTIONS(STM_TAKE)
#undef STM_TAKE
    functions_.cublasGemmEx = &::cublasGemmEx;
    functions_.cublasGemmStridedBatchedEx = &::cublasGemmStridedBatchedEx;
    context.libraries = &functions_;
    context.compiles = true;
    must(::cublasCreate_v2(&context.cublas), "cublasCreate");
    must(::cublasSetStream_v2(context.cublas, context.stream), "cublasSetStream");
    must(::cudnnCreate(&context.cudnn), "cudnnCreate");
    must(::cudnnSetStream(context.cudnn, context.stream), "cudnnSetStream");
  }
  ~DeviceWithLibraries() {
    wait();
    must(::cudnnDestroy(context.cudnn), "cudnnDestroy");
    must(::cublasDestroy_v2(context.cublas), "cublasDestroy");
  }

  /// As if cuBLAS had come without it.
  void leave_cublaslt_out() {
#define STM_FORGET(name) functions_.name = nullptr;
    STM_CUBLASLT_FUNCTIONS(STM_FORGET)
#undef STM_FORGET
  }

 private:
  Libraries functions_;
};

}  // namespace stm::cuda::test
