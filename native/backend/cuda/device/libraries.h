#pragma once
// cuBLAS, cuDNN and NVRTC, opened at run time: none is needed to build or to load the plug-in.
#include <cublasLt.h>
#include <cublas_v2.h>
#include <cudnn.h>

#include <string>

namespace stm::cuda {

#define STM_CUBLAS_FUNCTIONS(X) \
  X(cublasCreate_v2)            \
  X(cublasDestroy_v2)           \
  X(cublasSetStream_v2)         \
  X(cublasSetWorkspace_v2)      \
  X(cublasGetVersion_v2)        \
  X(cublasGetStatusString)

/// Of cuBLASLt, which comes with cuBLAS. All of them are null if one is missing.
#define STM_CUBLASLT_FUNCTIONS(X)         \
  X(cublasLtMatmulDescCreate)             \
  X(cublasLtMatmulDescDestroy)            \
  X(cublasLtMatmulDescSetAttribute)       \
  X(cublasLtMatrixLayoutCreate)           \
  X(cublasLtMatrixLayoutDestroy)          \
  X(cublasLtMatmulPreferenceCreate)       \
  X(cublasLtMatmulPreferenceDestroy)      \
  X(cublasLtMatmulPreferenceSetAttribute) \
  X(cublasLtMatmulAlgoGetHeuristic)       \
  X(cublasLtMatmul)

#define STM_CUDNN_FUNCTIONS(X)     \
  X(cudnnGetVersion)               \
  X(cudnnGetCudartVersion)         \
  X(cudnnGetErrorString)           \
  X(cudnnGetLastErrorString)       \
  X(cudnnAdvVersionCheck)          \
  X(cudnnCreate)                   \
  X(cudnnDestroy)                  \
  X(cudnnSetStream)                \
  X(cudnnCreateTensorDescriptor)   \
  X(cudnnSetTensorNdDescriptor)    \
  X(cudnnGetTensorNdDescriptor)    \
  X(cudnnDestroyTensorDescriptor)  \
  X(cudnnCreateDropoutDescriptor)  \
  X(cudnnSetDropoutDescriptor)     \
  X(cudnnDestroyDropoutDescriptor) \
  X(cudnnCreateRNNDescriptor)      \
  X(cudnnSetRNNDescriptor_v8)      \
  X(cudnnDestroyRNNDescriptor)     \
  X(cudnnCreateRNNDataDescriptor)  \
  X(cudnnSetRNNDataDescriptor)     \
  X(cudnnDestroyRNNDataDescriptor) \
  X(cudnnBuildRNNDynamic)          \
  X(cudnnGetRNNTempSpaceSizes)     \
  X(cudnnGetRNNWeightSpaceSize)    \
  X(cudnnGetRNNWeightParams)       \
  X(cudnnRNNForward)               \
  X(cudnnRNNBackwardData_v8)       \
  X(cudnnRNNBackwardWeights_v8)

/// Functions of the libraries, under their own names. These two are overloaded in C++, so their types are written out.
struct Libraries {
#define STM_MEMBER(name) decltype(&::name) name = nullptr;
  STM_CUBLAS_FUNCTIONS(STM_MEMBER)
  STM_CUBLASLT_FUNCTIONS(STM_MEMBER)
  STM_CUDNN_FUNCTIONS(STM_MEMBER)
#undef STM_MEMBER
  cublasStatus_t (*cublasGemmEx)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int, const void*,
                                 const void*, cudaDataType, int, const void*, cudaDataType, int, const void*, void*,
                                 cudaDataType, int, cublasComputeType_t, cublasGemmAlgo_t) = nullptr;
  cublasStatus_t (*cublasGemmStridedBatchedEx)(cublasHandle_t, cublasOperation_t, cublasOperation_t, int, int, int,
                                               const void*, const void*, cudaDataType, int, long long, const void*,
                                               cudaDataType, int, long long, const void*, void*, cudaDataType, int,
                                               long long, int, cublasComputeType_t, cublasGemmAlgo_t) = nullptr;
};

/// One library that was looked for.
struct LibraryReport {
  std::string path;      ///< where it was found; empty if not
  std::string version;   ///< as it says itself
  std::string problem;   ///< why it is of no use; empty if it is fine
  std::string searched;  ///< the places that were tried
};

/// The libraries and what became of them. Opened on first use, once for the process, and never closed.
struct LoadedLibraries {
  Libraries functions;
  LibraryReport cublas, cudnn;
  LibraryReport
      /// by which cuDNN compiles: without it, or if it has a problem, CUDNN_RNN_ALGO_PERSIST_DYNAMIC is not to be had
      nvrtc;
  bool usable() const { return cublas.problem.empty() && cudnn.problem.empty(); }
};
const LoadedLibraries& libraries();

}  // namespace stm::cuda
