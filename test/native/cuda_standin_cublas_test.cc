// The stand-in for cuBLAS: its products, how it rounds, and what it refuses.
#include <cublas_v2.h>
#include <cuda_runtime_api.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <random>
#include <vector>

#include "cuda_standin_arrays.h"

namespace {

using namespace stm::standin;

struct Shape {
  bool ta, tb;
  int m, n, k;
};

double worst_error(cublasHandle_t blas, cudaStream_t stream, const Shape& s, cublasComputeType_t compute, bool f64) {
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> uniform(-1, 1);
  const int lda = (s.ta ? s.k : s.m) + 1, ldb = (s.tb ? s.n : s.k) + 2, ldc = s.m + 3;
  const auto numbers = [&](int count) {
    std::vector<double> values(static_cast<size_t>(count));
    for (double& value : values) value = static_cast<float>(uniform(generator));
    return values;
  };
  const std::vector<double> a = numbers(lda * (s.ta ? s.m : s.k)), b = numbers(ldb * (s.tb ? s.k : s.n)),
                            c = numbers(ldc * s.n);
  const float alpha = 1.5f, beta = 0.5f;
  const double alpha64 = 1.5, beta64 = 0.5;
  const auto run = [&](auto zero) {
    using T = decltype(zero);
    const auto typed = [](const std::vector<double>& values) { return std::vector<T>(values.begin(), values.end()); };
    T *const da = to_device(typed(a), stream), *const db = to_device(typed(b), stream),
             *const dc = to_device(typed(c), stream);
    const cudaDataType type = f64 ? CUDA_R_64F : CUDA_R_32F;
    OK(cublasGemmEx(blas, s.ta ? CUBLAS_OP_T : CUBLAS_OP_N, s.tb ? CUBLAS_OP_T : CUBLAS_OP_N, s.m, s.n, s.k,
                    f64 ? static_cast<const void*>(&alpha64) : &alpha, da, type, lda, db, type, ldb,
                    f64 ? static_cast<const void*>(&beta64) : &beta, dc, type, ldc, compute, CUBLAS_GEMM_DEFAULT));
    const std::vector<T> got = to_host(dc, c.size(), stream);
    for (T* const data : {da, db, dc}) OK(cudaFreeAsync(data, stream));
    return std::vector<double>(got.begin(), got.end());
  };
  const std::vector<double> got = f64 ? run(double{}) : run(float{});
  double worst = 0;
  for (int j = 0; j < s.n; ++j) {
    for (int i = 0; i < ldc; ++i) {
      const size_t at = static_cast<size_t>(j * ldc + i);
      double sum = 0;
      for (int l = 0; l < s.k && i < s.m; ++l)
        sum += a[static_cast<size_t>(s.ta ? i * lda + l : l * lda + i)] *
               b[static_cast<size_t>(s.tb ? l * ldb + j : j * ldb + l)];
      worst = std::max(worst, std::fabs(got[at] - (i < s.m ? 1.5 * sum + 0.5 * c[at] : c[at])));
    }
  }
  return worst;
}

void check_products() {
  cudaStream_t stream = make_stream();
  cublasHandle_t blas = nullptr;
  OK(cublasCreate(&blas));
  OK(cublasSetStream(blas, stream));
  for (int i = 0; i < 4; ++i) {
    const Shape shape{i % 2 == 1, i / 2 == 1, 5, 7, 40};
    CHECK(worst_error(blas, stream, shape, CUBLAS_COMPUTE_32F_PEDANTIC, false) < 1e-5);
    CHECK(worst_error(blas, stream, shape, CUBLAS_COMPUTE_64F, true) < 1e-13);
    for (const cublasComputeType_t reduced :
         {CUBLAS_COMPUTE_32F_FAST_TF32, CUBLAS_COMPUTE_32F_FAST_16BF, CUBLAS_COMPUTE_32F_FAST_16F}) {
      const double error = worst_error(blas, stream, shape, reduced, false);
      CHECK(error > 2e-4 && error < 0.1);
    }
  }
  OK(cublasSetMathMode(blas, CUBLAS_TF32_TENSOR_OP_MATH));
  CHECK(worst_error(blas, stream, {false, false, 5, 7, 40}, CUBLAS_COMPUTE_32F, false) > 2e-4);
  OK(cublasSetMathMode(blas, CUBLAS_DEFAULT_MATH));
  CHECK(worst_error(blas, stream, {false, false, 5, 7, 40}, CUBLAS_COMPUTE_32F, false) < 1e-5);

  float *a = device_array<float>(6, stream), *c = to_device(std::vector<float>(8, NAN), stream),
        *b = to_device(std::vector<float>{1, 2, 3, 4, 5, 6}, stream);
  OK(cudaMemcpyAsync(a, b, 24, cudaMemcpyDeviceToDevice, stream));
  const float one = 1, zero = 0;
  const auto gemm = [&](int m, int lda, const void* left, int count, cudaDataType type, cublasComputeType_t compute) {
    return cublasGemmStridedBatchedEx(blas, CUBLAS_OP_N, CUBLAS_OP_N, m, 1, 1, &one, left, type, lda, 2, b, type, 1, 1,
                                      &zero, c, CUDA_R_32F, 2, 2, count, compute, CUBLAS_GEMM_DEFAULT);
  };
  OK(gemm(2, 2, a, 3, CUDA_R_32F, CUBLAS_COMPUTE_32F));
  const std::vector<float> products = to_host(c, 8, stream);  // beta 0 does not read the NaN
  CHECK(products[0] == 1 && products[1] == 2 && products[2] == 6 && products[5] == 18 && std::isnan(products[6]));
  CHECK_CODE(gemm(2, 1, a, 3, CUDA_R_32F, CUBLAS_COMPUTE_32F), CUBLAS_STATUS_INVALID_VALUE);
  CHECK_CODE(gemm(2, 2, nullptr, 3, CUDA_R_32F, CUBLAS_COMPUTE_32F), CUBLAS_STATUS_INVALID_VALUE);
  CHECK_CODE(gemm(2, 2, c, 3, CUDA_R_32F, CUBLAS_COMPUTE_32F), CUBLAS_STATUS_INVALID_VALUE);
  CHECK_CODE(gemm(2, 2, a, 3, CUDA_R_64F, CUBLAS_COMPUTE_64F), CUBLAS_STATUS_NOT_SUPPORTED);
  CHECK_CODE(gemm(2, 2, a, 3, CUDA_R_32F, CUBLAS_COMPUTE_64F), CUBLAS_STATUS_NOT_SUPPORTED);

  // a capture must bring a workspace, which cublasSetStream forgets
  cudaGraph_t graph = nullptr;
  OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  CHECK_CODE(gemm(2, 2, a, 3, CUDA_R_32F, CUBLAS_COMPUTE_32F), CUBLAS_STATUS_ALLOC_FAILED);
  CHECK_CODE(cudaStreamEndCapture(stream, &graph), cudaErrorStreamCaptureInvalidated);
  char* workspace = device_array<char>(4096, stream);
  CHECK_CODE(cublasSetWorkspace(blas, workspace + 1, 100), CUBLAS_STATUS_INVALID_VALUE);
  CHECK_CODE(cublasSetWorkspace(blas, workspace, 4097), CUBLAS_STATUS_INVALID_VALUE);
  OK(cublasSetWorkspace(blas, workspace, 4096));
  OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  OK(gemm(2, 2, a, 3, CUDA_R_32F, CUBLAS_COMPUTE_32F));
  OK(cudaStreamEndCapture(stream, &graph));
  OK(cudaGraphDestroy(graph));

  CHECK_CODE(gemm(2, 2, a, 4, CUDA_R_32F, CUBLAS_COMPUTE_32F),
             CUBLAS_STATUS_EXECUTION_FAILED);  // the fourth matrix lies outside
  CHECK_CODE(cudaStreamSynchronize(stream), cudaErrorIllegalAddress);
  recover();
  for (void* const data :
       {static_cast<void*>(a), static_cast<void*>(b), static_cast<void*>(c), static_cast<void*>(workspace)})
    OK(cudaFreeAsync(data, stream));
  OK(cublasDestroy(blas));
  CHECK_CODE(cublasSetMathMode(blas, CUBLAS_DEFAULT_MATH), CUBLAS_STATUS_NOT_INITIALIZED);
  OK(cudaStreamDestroy(stream));
}

}  // namespace

int main() {
  check_products();
  check_leaks();
  return finish("cuda_standin_cublas_test");
}
