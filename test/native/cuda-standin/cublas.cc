#include <algorithm>
#include <cstring>
#include <vector>

#include "backend/cpu/gemm.h"
#include "cuda-standin/calls.h"
#include "cuda-standin/handles.h"
#include "cuda-standin/memory.h"
#include "cuda-standin/numbers.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

struct Blas {
  static constexpr const char* kWhat = "cuBLAS handles";
  int device = 0;
  cudaStream_t stream = nullptr;
  Range workspace{nullptr, 0};
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
};

// How the inputs are rounded before they are multiplied.
enum class Rounding { None, Tf32, Bf16, F16 };

struct Operand {
  const void* data;
  cudaDataType type;
  int rows, columns, ld;  // as stored, column by column
  long long stride;       // between the products of a batch
};

struct Gemm {
  bool trans_a, trans_b;
  int m, n, k, count;
  double alpha, beta;
  Number number_a, number_c;
  Rounding rounding;
  Operand a, b, c;
};

bool number_of(cudaDataType type, Number* number) {
  switch (type) {
    case CUDA_R_32F: *number = Number::F32; return true;
    case CUDA_R_64F: *number = Number::F64; return true;
    case CUDA_R_16F: *number = Number::F16; return true;
    case CUDA_R_16BF: *number = Number::Bf16; return true;
    default: return false;
  }
}

// The types that cuBLAS takes together, and how it rounds; false if it does not take them.
bool settle_types(const Blas& blas, cublasComputeType_t compute, Gemm* g) {
  if (g->a.type != g->b.type || !number_of(g->a.type, &g->number_a) || !number_of(g->c.type, &g->number_c)) return false;
  g->rounding = Rounding::None;
  const bool f64 = compute == CUBLAS_COMPUTE_64F || compute == CUBLAS_COMPUTE_64F_PEDANTIC;
  if (f64 || g->number_a == Number::F64 || g->number_c == Number::F64) return f64 && g->number_a == Number::F64 && g->number_c == Number::F64;
  if (g->number_c != Number::F32 && g->number_c != g->number_a) return false;
  if (g->number_a == Number::Bf16 && settings().capability < 80) return false;
  switch (compute) {
    case CUBLAS_COMPUTE_32F_PEDANTIC: return true;
    case CUBLAS_COMPUTE_32F:
      if (g->number_a == Number::F32 && (blas.math & 15) == CUBLAS_TF32_TENSOR_OP_MATH) g->rounding = Rounding::Tf32;
      return true;
    case CUBLAS_COMPUTE_32F_FAST_TF32: g->rounding = Rounding::Tf32; break;
    case CUBLAS_COMPUTE_32F_FAST_16BF: g->rounding = Rounding::Bf16; break;
    case CUBLAS_COMPUTE_32F_FAST_16F: g->rounding = Rounding::F16; break;
    default: return false;
  }
  return g->number_a == Number::F32;
}

// Elements from the first that is touched to the last.
size_t span(const Operand& x, int count) {
  if (!x.rows || !x.columns) return 0;
  return static_cast<size_t>(x.stride) * static_cast<size_t>(count - 1) + static_cast<size_t>(x.ld) * static_cast<size_t>(x.columns - 1) +
         static_cast<size_t>(x.rows);
}

template <class T>
T rounded(double x, Rounding rounding) {
  switch (rounding) {
    case Rounding::None: return static_cast<T>(x);
    case Rounding::Tf32: return round_to_tf32(static_cast<float>(x));
    case Rounding::Bf16: return round_to_bf16(static_cast<float>(x));
    case Rounding::F16: return round_to_f16(static_cast<float>(x));
  }
  return 0;
}

// One matrix of a batch as dense columns of T.
template <class T>
std::vector<T> gathered(const Operand& x, int index, Number number, Rounding rounding) {
  std::vector<T> values;
  values.reserve(static_cast<size_t>(x.rows) * static_cast<size_t>(x.columns));
  for (int64_t j = 0; j < x.columns; ++j) {
    for (int64_t i = 0; i < x.rows; ++i) values.push_back(rounded<T>(load(x.data, number, x.stride * index + j * x.ld + i), rounding));
  }
  return values;
}

template <class T>
void multiply(const Gemm& g) {
  for (int index = 0; index < g.count; ++index) {
    std::vector<T> product(static_cast<size_t>(g.m) * static_cast<size_t>(g.n));
    if (g.k && g.alpha != 0) {
      const std::vector<T> a = gathered<T>(g.a, index, g.number_a, g.rounding), b = gathered<T>(g.b, index, g.number_a, g.rounding);
      // Columns read as rows: Cᵀ = op(B)ᵀ op(A)ᵀ.
      gemm_parallel<T>(g.trans_b, g.trans_a, g.n, g.m, g.k, b.data(), g.b.rows, a.data(), g.a.rows, T(0), product.data(), g.m);
    }
    void* const c = const_cast<void*>(g.c.data);
    for (int64_t j = 0; j < g.n; ++j) {
      for (int64_t i = 0; i < g.m; ++i) {
        const int64_t at = g.c.stride * index + j * g.c.ld + i;
        const double before = g.beta != 0 ? g.beta * load(c, g.number_c, at) : 0;  // beta 0 does not read C
        store(c, g.number_c, at, g.alpha * static_cast<double>(product[static_cast<size_t>(j * g.m + i)]) + before);
      }
    }
  }
}

cublasStatus_t bad(const char* what) {
  std::fprintf(stderr, "cuda stand-in: cuBLAS: %s\n", what);
  return CUBLAS_STATUS_INVALID_VALUE;
}

cublasStatus_t check_shapes(const Gemm& g) {
  if (g.m < 0 || g.n < 0 || g.k < 0 || g.count < 0) return bad("m, n, k or the number of products is negative");
  for (const Operand* const x : {&g.a, &g.b, &g.c}) {
    if (x->ld < std::max(1, x->rows)) return bad("a leading dimension is less than the number of rows");
    if (x->rows && x->columns && !x->data) return bad("a matrix is null");
    Number number = Number::F32;
    number_of(x->type, &number);
    if (reinterpret_cast<uintptr_t>(x->data) % size_of(number)) return bad("a matrix is not aligned to its elements");
  }
  if (g.a.stride < 0 || g.b.stride < 0 || g.c.stride < 0) return bad("a stride is negative");
  if (g.count > 1 && g.c.stride < static_cast<long long>(g.c.ld) * (g.n - 1) + g.m && g.c.stride < g.m) return bad("the products overlap");
  if (g.c.data == g.a.data || g.c.data == g.b.data) return bad("C is A or B");
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t run(const char* function, cublasHandle_t handle, cublasComputeType_t compute, const void* alpha, const void* beta, Gemm g) {
  const auto blas = handles<Blas>().find(handle);
  if (!blas) return CUBLAS_STATUS_NOT_INITIALIZED;
  if (blas->device != current_device()) return bad("the handle belongs to another device than the current one");
  if (!alpha || !beta) return bad("alpha or beta is null");
  if (!settle_types(*blas, compute, &g)) return CUBLAS_STATUS_NOT_SUPPORTED;
  const cublasStatus_t status = check_shapes(g);
  if (status != CUBLAS_STATUS_SUCCESS) return status;
  if (touches_device({alpha, 1}) || touches_device({beta, 1})) return bad("alpha or beta is in device memory, but the pointer mode is host");
  if (!blas->stream) return bad("the handle has no stream: cublasSetStream first");
  if (!blas->workspace.data && capturing(blas->stream)) {
    invalidate_capture(blas->stream);
    bad("without a workspace of the user's a product in a capture would allocate: cublasSetWorkspace after cublasSetStream");
    return CUBLAS_STATUS_ALLOC_FAILED;
  }
  if (!g.m || !g.n || !g.count) return CUBLAS_STATUS_SUCCESS;
  const bool f64 = g.number_a == Number::F64;
  g.alpha = load(alpha, f64 ? Number::F64 : Number::F32, 0);
  g.beta = load(beta, f64 ? Number::F64 : Number::F32, 0);
  std::vector<Range> ranges = {{g.c.data, span(g.c, g.count) * size_of(g.number_c)}};
  if (g.k) {
    ranges.push_back({g.a.data, span(g.a, g.count) * size_of(g.number_a)});
    ranges.push_back({g.b.data, span(g.b, g.count) * size_of(g.number_a)});
  }
  if (blas->workspace.data) ranges.push_back(blas->workspace);
  const cudaError_t error = submit_touching(blas->stream, function, std::move(ranges), [g, f64, workspace = blas->workspace] {
    if (workspace.data) spoil(workspace);
    f64 ? multiply<double>(g) : multiply<float>(g);
  });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

Operand operand(const void* data, cudaDataType type, bool trans, int rows, int columns, int ld, long long stride) {
  return {data, type, trans ? columns : rows, trans ? rows : columns, ld, stride};
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
  if (!call.fault() && (unusable() == cudaErrorNoDevice || unusable() == cudaErrorInsufficientDriver)) return CUBLAS_STATUS_NOT_INITIALIZED;
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
    if (!workspace) return bytes ? bad("the workspace is null") : (blas->workspace = {nullptr, 0}, CUBLAS_STATUS_SUCCESS);
    if (reinterpret_cast<uintptr_t>(workspace) % 256) return bad("the workspace is not aligned to 256 bytes");
    if (!on_device({workspace, bytes}, blas->device)) return bad("the workspace is not all in one live device allocation");
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

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t trans_a, cublasOperation_t trans_b, int m, int n, int k, const void* alpha, const void* a,
                            cudaDataType type_a, int lda, const void* b, cudaDataType type_b, int ldb, const void* beta, void* c, cudaDataType type_c, int ldc,
                            cublasComputeType_t compute, cublasGemmAlgo_t algo) {
  Call call("cublasGemmEx", "trans=%d,%d m=%d n=%d k=%d ld=%d,%d,%d types=%d,%d,%d compute=%d algo=%d", trans_a, trans_b, m, n, k, lda, ldb, ldc, type_a,
            type_b, type_c, compute, algo);
  return call.cublas([&] {
    const bool ta = trans_a != CUBLAS_OP_N, tb = trans_b != CUBLAS_OP_N;
    const Gemm g{ta,
                 tb,
                 m,
                 n,
                 k,
                 1,
                 0,
                 0,
                 Number::F32,
                 Number::F32,
                 Rounding::None,
                 operand(a, type_a, ta, m, k, lda, 0),
                 operand(b, type_b, tb, k, n, ldb, 0),
                 operand(c, type_c, false, m, n, ldc, 0)};
    return run("cublasGemmEx", handle, compute, alpha, beta, g);
  });
}

cublasStatus_t cublasGemmStridedBatchedEx(cublasHandle_t handle, cublasOperation_t trans_a, cublasOperation_t trans_b, int m, int n, int k, const void* alpha,
                                          const void* a, cudaDataType type_a, int lda, long long stride_a, const void* b, cudaDataType type_b, int ldb,
                                          long long stride_b, const void* beta, void* c, cudaDataType type_c, int ldc, long long stride_c, int count,
                                          cublasComputeType_t compute, cublasGemmAlgo_t algo) {
  Call call("cublasGemmStridedBatchedEx", "trans=%d,%d m=%d n=%d k=%d ld=%d,%d,%d strides=%lld,%lld,%lld count=%d types=%d,%d,%d compute=%d algo=%d", trans_a,
            trans_b, m, n, k, lda, ldb, ldc, stride_a, stride_b, stride_c, count, type_a, type_b, type_c, compute, algo);
  return call.cublas([&] {
    const bool ta = trans_a != CUBLAS_OP_N, tb = trans_b != CUBLAS_OP_N;
    const Gemm g{ta,
                 tb,
                 m,
                 n,
                 k,
                 count,
                 0,
                 0,
                 Number::F32,
                 Number::F32,
                 Rounding::None,
                 operand(a, type_a, ta, m, k, lda, stride_a),
                 operand(b, type_b, tb, k, n, ldb, stride_b),
                 operand(c, type_c, false, m, n, ldc, stride_c)};
    return run("cublasGemmStridedBatchedEx", handle, compute, alpha, beta, g);
  });
}
