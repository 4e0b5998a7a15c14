#include "cuda-standin/cublas_products.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

#include "backend/cpu/gemm.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

bool number_of(cudaDataType type, Number* number) {
  switch (type) {
    case CUDA_R_32F: *number = Number::F32; return true;
    case CUDA_R_64F: *number = Number::F64; return true;
    case CUDA_R_16F: *number = Number::F16; return true;
    case CUDA_R_16BF: *number = Number::Bf16; return true;
    default: return false;
  }
}

// Elements from the first that is touched to the last.
size_t span(const Operand& x, int count) {
  if (!x.rows || !x.columns) return 0;
  return static_cast<size_t>(x.stride) * static_cast<size_t>(count - 1) +
         static_cast<size_t>(x.ld) * static_cast<size_t>(x.columns - 1) + static_cast<size_t>(x.rows);
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
    for (int64_t i = 0; i < x.rows; ++i)
      values.push_back(rounded<T>(load(x.data, number, x.stride * index + j * x.ld + i), rounding));
  }
  return values;
}

// op(a) has a number for each row of c, op(b) one for each column.
void sum_gradient(const Gemm& g) {
  const Operand& x = g.gradient_of_a ? g.a : g.b;
  const bool along_columns = g.gradient_of_a ? g.trans_a : !g.trans_b;  // k runs down the stored columns
  const int length = g.gradient_of_a ? g.m : g.n;
  for (int64_t i = 0; i < length; ++i) {
    double sum = 0;
    for (int64_t l = 0; l < g.k; ++l) sum += load(x.data, g.number_a, along_columns ? i * x.ld + l : l * x.ld + i);
    store(g.gradient, g.number_c, i, sum);
  }
}

template <class T>
void multiply(const Gemm& g) {
  for (int index = 0; index < g.count; ++index) {
    std::vector<T> product(static_cast<size_t>(g.m) * static_cast<size_t>(g.n));
    if (g.k && g.alpha != 0) {
      const std::vector<T> a = gathered<T>(g.a, index, g.number_a, g.rounding),
                           b = gathered<T>(g.b, index, g.number_a, g.rounding);
      // Columns read as rows: Cᵀ = op(B)ᵀ op(A)ᵀ.
      gemm_parallel(Product<T>{g.trans_b, g.trans_a, g.n, g.m, g.k, b.data(), g.b.rows, a.data(), g.a.rows, false,
                               product.data(), g.m});
    }
    void* const c = const_cast<void*>(g.c.data);
    for (int64_t j = 0; j < g.n; ++j) {
      for (int64_t i = 0; i < g.m; ++i) {
        const int64_t at = g.c.stride * index + j * g.c.ld + i;
        const double before = g.beta != 0 ? g.beta * load(c, g.number_c, at) : 0;  // beta 0 does not read C
        const double bias = g.bias ? load(g.bias, g.number_c, i) : 0;
        store(c, g.number_c, at,
              g.alpha * static_cast<double>(product[static_cast<size_t>(j * g.m + i)]) + before + bias);
      }
    }
  }
  if (g.gradient) sum_gradient(g);
}

}  // namespace

Operand operand(const void* data, cudaDataType type, bool trans, int rows, int columns, int ld, long long stride) {
  return {data, type, trans ? columns : rows, trans ? rows : columns, ld, stride};
}

cublasStatus_t bad(const char* what) {
  std::fprintf(stderr, "cuda stand-in: cuBLAS: %s\n", what);
  return CUBLAS_STATUS_INVALID_VALUE;
}

bool settle_types(cublasComputeType_t compute, cublasMath_t math, Gemm* g) {
  if (g->a.type != g->b.type || !number_of(g->a.type, &g->number_a) || !number_of(g->c.type, &g->number_c))
    return false;
  g->rounding = Rounding::None;
  const bool f64 = compute == CUBLAS_COMPUTE_64F || compute == CUBLAS_COMPUTE_64F_PEDANTIC;
  if (f64 || g->number_a == Number::F64 || g->number_c == Number::F64)
    return f64 && g->number_a == Number::F64 && g->number_c == Number::F64;
  if (g->number_c != Number::F32 && g->number_c != g->number_a) return false;
  if (g->number_a == Number::Bf16 && settings().capability < 80) return false;
  switch (compute) {
    case CUBLAS_COMPUTE_32F_PEDANTIC: return true;
    case CUBLAS_COMPUTE_32F:
      if (g->number_a == Number::F32 && (math & 15) == CUBLAS_TF32_TENSOR_OP_MATH) g->rounding = Rounding::Tf32;
      return true;
    case CUBLAS_COMPUTE_32F_FAST_TF32: g->rounding = Rounding::Tf32; break;
    case CUBLAS_COMPUTE_32F_FAST_16BF: g->rounding = Rounding::Bf16; break;
    case CUBLAS_COMPUTE_32F_FAST_16F: g->rounding = Rounding::F16; break;
    default: return false;
  }
  return g->number_a == Number::F32;
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
  if (g.count > 1 && g.c.stride < static_cast<long long>(g.c.ld) * (g.n - 1) + g.m && g.c.stride < g.m)
    return bad("the products overlap");
  if (g.c.data == g.a.data || g.c.data == g.b.data) return bad("C is A or B");
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t take_scalars(const void* alpha, const void* beta, Gemm* g) {
  if (!alpha || !beta) return bad("alpha or beta is null");
  if (touches_device({alpha, 1}) || touches_device({beta, 1}))
    return bad("alpha or beta is in device memory, but the pointer mode is host");
  const Number number = g->number_a == Number::F64 ? Number::F64 : Number::F32;
  g->alpha = load(alpha, number, 0);
  g->beta = load(beta, number, 0);
  return CUBLAS_STATUS_SUCCESS;
}

cublasStatus_t submit_product(const char* function, cudaStream_t stream, const Gemm& g, Range workspace) {
  if (!g.m || !g.n || !g.count) return CUBLAS_STATUS_SUCCESS;
  std::vector<Range> ranges = {{g.c.data, span(g.c, g.count) * size_of(g.number_c)}};
  if (g.k) {
    ranges.push_back({g.a.data, span(g.a, g.count) * size_of(g.number_a)});
    ranges.push_back({g.b.data, span(g.b, g.count) * size_of(g.number_a)});
  }
  if (g.bias) ranges.push_back({g.bias, static_cast<size_t>(g.m) * size_of(g.number_c)});
  if (g.gradient)
    ranges.push_back({g.gradient, static_cast<size_t>(g.gradient_of_a ? g.m : g.n) * size_of(g.number_c)});
  if (workspace.data) ranges.push_back(workspace);
  const cudaError_t error = submit_touching(stream, function, std::move(ranges), [g, workspace] {
    if (workspace.data) spoil(workspace);
    g.number_a == Number::F64 ? multiply<double>(g) : multiply<float>(g);
  });
  return error == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

}  // namespace stm::standin
