#include <algorithm>
#include <vector>

#include "cuda-standin/calls.h"
#include "cuda-standin/cublas_products.h"
#include "cuda-standin/handles.h"

namespace stm::standin {
namespace {

cublasStatus_t run(const char* function, cublasHandle_t handle, cublasComputeType_t compute, const void* alpha,
                   const void* beta, Gemm g) {
  const auto blas = handles<Blas>().find(handle);
  if (!blas) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (blas->device != current_device()) return bad("the handle belongs to another device than the current one");
  if (!settle_types(compute, blas->math, &g)) return CUBLAS_STATUS_NOT_SUPPORTED;
  const cublasStatus_t status = check_shapes(g),
                       scalars = status == CUBLAS_STATUS_SUCCESS ? take_scalars(alpha, beta, &g) : status;
  if (scalars != CUBLAS_STATUS_SUCCESS) return scalars;
  if (!blas->stream) return bad("the handle has no stream: cublasSetStream first");
  if (!blas->workspace.data && capturing(blas->stream)) {
    invalidate_capture(blas->stream);
    bad("without a workspace of the user's a product in a capture would allocate: cublasSetWorkspace after "
        "cublasSetStream");
    return CUBLAS_STATUS_ALLOC_FAILED;
  }
  return submit_product(function, blas->stream, g, blas->workspace);
}

cudaError_t refused_or_finished() {
  if (const cudaError_t refused = refuse_while_capturing()) return refused;
  (void)spoil_captures(current_device());
  finish_device(current_device());
  return cudaSuccess;
}

}  // namespace
}  // namespace stm::standin

using namespace stm::standin;

cublasStatus_t cublasCreate_v2(cublasHandle_t* out) {
  Call call("cublasCreate_v2", "%s", "");
  if (!call.fault() && (unusable() == cudaErrorNoDevice || unusable() == cudaErrorInsufficientDriver))
    return CUBLAS_STATUS_NOT_INITIALIZED;
  return call.cublas([&] {
    if (!out) return CUBLAS_STATUS_INVALID_VALUE;
    if (refuse_while_capturing()) return CUBLAS_STATUS_ALLOC_FAILED;
    auto blas = std::make_shared<Blas>();
    blas->device = current_device();
    *out = static_cast<cublasHandle_t>(handles<Blas>().add(std::move(blas)));
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle) {
  Call call("cublasDestroy_v2", "handle=%p", static_cast<void*>(handle));
  return call.cublas([&] {
    if (!handles<Blas>().find(handle)) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (refused_or_finished()) return CUBLAS_STATUS_EXECUTION_FAILED;
    handles<Blas>().remove(handle);
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream) {
  Call call("cublasSetStream_v2", "handle=%p stream=%p", static_cast<void*>(handle), static_cast<void*>(stream));
  return call.cublas([&] {
    const auto blas = handles<Blas>().find(handle);
    if (!blas) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!usable_stream(stream)) return bad("the stream is none of the device");
    blas->stream = stream;
    blas->workspace = {nullptr, 0};  // as the real one does
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void* workspace, size_t bytes) {
  Call call("cublasSetWorkspace_v2", "handle=%p workspace=%p bytes=%zu", static_cast<void*>(handle), workspace, bytes);
  return call.cublas([&] {
    const auto blas = handles<Blas>().find(handle);
    if (!blas) return CUBLAS_STATUS_NOT_INITIALIZED;
    if (!workspace)
      return bytes ? bad("the workspace is null") : (blas->workspace = {nullptr, 0}, CUBLAS_STATUS_SUCCESS);
    if (reinterpret_cast<uintptr_t>(workspace) % 256) return bad("the workspace is not aligned to 256 bytes");
    if (!on_device({workspace, bytes}, blas->device))
      return bad("the workspace is not all in one live device allocation");
    blas->workspace = {workspace, bytes};
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode) {
  Call call("cublasSetMathMode", "handle=%p mode=%d", static_cast<void*>(handle), static_cast<int>(mode));
  return call.cublas([&] {
    const auto blas = handles<Blas>().find(handle);
    if (!blas) return CUBLAS_STATUS_NOT_INITIALIZED;
    if ((mode & 15) > CUBLAS_TF32_TENSOR_OP_MATH) return CUBLAS_STATUS_INVALID_VALUE;
    blas->math = mode;
    return CUBLAS_STATUS_SUCCESS;
  });
}

cublasStatus_t cublasGetVersion_v2(cublasHandle_t handle, int* version) {
  Call call("cublasGetVersion_v2", "handle=%p", static_cast<void*>(handle));
  return call.cublas([&] {
    if (!version) return CUBLAS_STATUS_INVALID_VALUE;
    *version = 130000;
    return CUBLAS_STATUS_SUCCESS;
  });
}

const char* cublasGetStatusString(cublasStatus_t status) {
  Call call("cublasGetStatusString", "status=%d", static_cast<int>(status));
  call.log_result(0);
  switch (status) {
    case CUBLAS_STATUS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
    case CUBLAS_STATUS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
    case CUBLAS_STATUS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
    case CUBLAS_STATUS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
    case CUBLAS_STATUS_ARCH_MISMATCH: return "CUBLAS_STATUS_ARCH_MISMATCH";
    case CUBLAS_STATUS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
    case CUBLAS_STATUS_INTERNAL_ERROR: return "CUBLAS_STATUS_INTERNAL_ERROR";
    case CUBLAS_STATUS_NOT_SUPPORTED: return "CUBLAS_STATUS_NOT_SUPPORTED";
    default: return "<unknown>";
  }
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t trans_a, cublasOperation_t trans_b, int m, int n,
                            int k, const void* alpha, const void* a, cudaDataType type_a, int lda, const void* b,
                            cudaDataType type_b, int ldb, const void* beta, void* c, cudaDataType type_c, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algo) {
  Call call("cublasGemmEx", "trans=%d,%d m=%d n=%d k=%d ld=%d,%d,%d types=%d,%d,%d compute=%d algo=%d", trans_a,
            trans_b, m, n, k, lda, ldb, ldc, type_a, type_b, type_c, compute, algo);
  return call.cublas([&] {
    const bool ta = trans_a != CUBLAS_OP_N, tb = trans_b != CUBLAS_OP_N;
    const Gemm g{ta,
                 tb,
                 m,
                 n,
                 k,
                 1,
                 operand(a, type_a, ta, m, k, lda, 0),
                 operand(b, type_b, tb, k, n, ldb, 0),
                 operand(c, type_c, false, m, n, ldc, 0)};
    return run("cublasGemmEx", handle, compute, alpha, beta, g);
  });
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t trans_a, cublasOperation_t trans_b,
                                          int m, int n, int k, const void* alpha, const void* a, cudaDataType type_a,
                                          int lda, long long stride_a, const void* b, cudaDataType type_b, int ldb,
                                          long long stride_b, const void* beta, void* c, cudaDataType type_c, int ldc,
                                          long long stride_c, int count, cublasComputeType_t compute,
                                          cublasGemmAlgo_t algo) {
  Call call("cublasGemmStridedBatchedEx",
            "trans=%d,%d m=%d n=%d k=%d ld=%d,%d,%d strides=%lld,%lld,%lld count=%d types=%d,%d,%d compute=%d algo=%d",
            trans_a, trans_b, m, n, k, lda, ldb, ldc, stride_a, stride_b, stride_c, count, type_a, type_b, type_c,
            compute, algo);
  return call.cublas([&] {
    const bool ta = trans_a != CUBLAS_OP_N, tb = trans_b != CUBLAS_OP_N;
    const Gemm g{ta,
                 tb,
                 m,
                 n,
                 k,
                 count,
                 operand(a, type_a, ta, m, k, lda, stride_a),
                 operand(b, type_b, tb, k, n, ldb, stride_b),
                 operand(c, type_c, false, m, n, ldc, stride_c)};
    return run("cublasGemmStridedBatchedEx", handle, compute, alpha, beta, g);
  });
}
