#pragma once
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include "cuda-standin/memory.h"
#include "cuda-standin/numbers.h"

namespace stm::standin {

/// A handle of cuBLAS's, which is one of cuBLASLt's too.
struct Blas {
  static constexpr const char* kWhat = "cuBLAS handles";
  int device = 0;
  cudaStream_t stream = nullptr;
  Range workspace{nullptr, 0};
  cublasMath_t math = CUBLAS_DEFAULT_MATH;
};

/// How the inputs are rounded before they are multiplied.
enum class Rounding { None, Tf32, Bf16, F16 };

struct Operand {
  const void* data;
  cudaDataType type;
  int rows, columns, ld;  ///< as stored, column by column
  long long stride;       ///< between the products of a batch
};

/// One that is stored transposed where `trans` says so; rows and columns are those of the product.
Operand operand(const void* data, cudaDataType type, bool trans, int rows, int columns, int ld, long long stride);

/// c = alpha · op(a) · op(b) + beta · c + bias, `count` times.
struct Gemm {
  bool trans_a, trans_b;
  int m, n, k, count;
  Operand a, b, c;
  double alpha = 1, beta = 0;
  const void* bias = nullptr;     ///< of c's type, a number for each row of c
  void* gradient = nullptr;       ///< of c's type: the sums over k of op(b), or of op(a)
  bool gradient_of_a = false;     ///< what is summed there
  Number number_a = Number::F32;  ///< settle_types() sets what follows
  Number number_c = Number::F32;
  Rounding rounding = Rounding::None;
};

/// Whether cuBLAS takes the types together; sets how it rounds.
bool settle_types(cublasComputeType_t compute, cublasMath_t math, Gemm* g);
/// What is wrong with the extents, strides and addresses.
cublasStatus_t check_shapes(const Gemm& g);
/// Reads alpha and beta, of the type that the product is computed in.
cublasStatus_t take_scalars(const void* alpha, const void* beta, Gemm* g);
/// Appends the product to the stream.
cublasStatus_t submit_product(const char* function, cudaStream_t stream, const Gemm& g, Range workspace);

/// CUBLAS_STATUS_INVALID_VALUE, with the reason on stderr.
cublasStatus_t bad(const char* what);

}  // namespace stm::standin
