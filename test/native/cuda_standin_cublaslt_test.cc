// The stand-in for cuBLASLt: products with a bias or with the gradient of one, and what it refuses.
#include <cublasLt.h>
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

constexpr size_t kWorkspace = 1 << 16;
constexpr int kM = 5, kN = 7, kK = 40;  // odd leading dimensions follow: 42, 43 and 8

/// Descriptors of a product, [5, 40] · [40, 7] column by column, with its arrays.
struct Product {
  Product(cublasLtHandle_t lt, cudaStream_t stream, bool ta, bool tb, cublasLtEpilogue_t epilogue,
          cublasComputeType_t compute = CUBLAS_COMPUTE_32F_PEDANTIC, cudaDataType type = CUDA_R_32F)
      : lt(lt), stream(stream), ta(ta), tb(tb) {
    std::mt19937 generator(1);
    std::uniform_real_distribution<float> uniform(-1, 1);
    const auto numbers = [&](size_t count) {
      std::vector<float> values(count);
      for (float& value : values) value = uniform(generator);
      return values;
    };
    a = numbers(static_cast<size_t>(lda * (ta ? kM : kK))), b = numbers(static_cast<size_t>(ldb * (tb ? kK : kN)));
    bias = numbers(8), d = numbers(static_cast<size_t>(ldd * kN));
    da = to_device(a, stream), db = to_device(b, stream), dbias = to_device(bias, stream), dd = to_device(d, stream);
    workspace = device_array<char>(kWorkspace, stream);
    OK(cublasLtMatmulDescCreate(&matmul, compute, CUDA_R_32F));
    const cublasOperation_t op_a = ta ? CUBLAS_OP_T : CUBLAS_OP_N, op_b = tb ? CUBLAS_OP_T : CUBLAS_OP_N;
    OK(cublasLtMatmulDescSetAttribute(matmul, CUBLASLT_MATMUL_DESC_TRANSA, &op_a, sizeof op_a));
    OK(cublasLtMatmulDescSetAttribute(matmul, CUBLASLT_MATMUL_DESC_TRANSB, &op_b, sizeof op_b));
    OK(cublasLtMatmulDescSetAttribute(matmul, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
    point_bias(dbias);
    OK(cublasLtMatrixLayoutCreate(&la, type, ta ? kK : kM, ta ? kM : kK, lda));
    OK(cublasLtMatrixLayoutCreate(&lb, type, tb ? kN : kK, tb ? kK : kN, ldb));
    OK(cublasLtMatrixLayoutCreate(&ld, CUDA_R_32F, kM, kN, ldd));
    OK(cublasLtMatmulPreferenceCreate(&preference));
    const uint64_t bytes = kWorkspace;
    OK(cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                            sizeof bytes));
  }
  ~Product() {
    OK(cublasLtMatmulDescDestroy(matmul));
    for (const cublasLtMatrixLayout_t layout : {la, lb, ld}) OK(cublasLtMatrixLayoutDestroy(layout));
    OK(cublasLtMatmulPreferenceDestroy(preference));
    for (void* const data : {static_cast<void*>(da), static_cast<void*>(db), static_cast<void*>(dbias),
                             static_cast<void*>(dd), static_cast<void*>(workspace)})
      OK(cudaFreeAsync(data, stream));
  }

  void point_bias(void* pointer) {
    OK(cublasLtMatmulDescSetAttribute(matmul, CUBLASLT_MATMUL_DESC_BIAS_POINTER, &pointer, sizeof pointer));
  }
  void align(cublasLtMatmulPreferenceAttributes_t matrix, uint32_t bytes) {
    OK(cublasLtMatmulPreferenceSetAttribute(preference, matrix, &bytes, sizeof bytes));
  }
  cublasStatus_t choose() {
    chosen = {};
    count = -1;
    return cublasLtMatmulAlgoGetHeuristic(lt, matmul, la, lb, ld, ld, preference, 1, &chosen, &count);
  }
  cublasStatus_t run(const void* left = nullptr, char* space = nullptr, size_t bytes = kWorkspace) {
    const float one = 1, zero = 0;
    return cublasLtMatmul(lt, matmul, &one, left ? left : da, la, db, lb, &zero, dd, ld, dd, ld, &chosen.algo,
                          space ? space : workspace, bytes, stream);
  }

  float left(int i, int l) const { return a[static_cast<size_t>(ta ? i * lda + l : l * lda + i)]; }
  float right(int l, int j) const { return b[static_cast<size_t>(tb ? l * ldb + j : j * ldb + l)]; }
  /// The largest error of D, [ldd, 7], where nothing may change below its rows.
  double worst(bool biased) {
    const std::vector<float> got = to_host(dd, d.size(), stream);
    double worst = 0;
    for (int j = 0; j < kN; ++j)
      for (int i = 0; i < ldd; ++i) {
        double sum = biased && i < kM ? static_cast<double>(bias[static_cast<size_t>(i)]) : 0;
        for (int l = 0; l < kK && i < kM; ++l)
          sum += static_cast<double>(left(i, l)) * static_cast<double>(right(l, j));
        const size_t at = static_cast<size_t>(j * ldd + i);
        worst = std::max(worst, std::fabs(static_cast<double>(got[at]) - (i < kM ? sum : static_cast<double>(d[at]))));
      }
    return worst;
  }

  static constexpr int lda = 42, ldb = 43, ldd = 8;
  cublasLtHandle_t lt;
  cudaStream_t stream;
  bool ta, tb;
  std::vector<float> a, b, bias, d;
  float *da = nullptr, *db = nullptr, *dbias = nullptr, *dd = nullptr;
  char* workspace = nullptr;
  cublasLtMatmulDesc_t matmul = nullptr;
  cublasLtMatrixLayout_t la = nullptr, lb = nullptr, ld = nullptr;
  cublasLtMatmulPreference_t preference = nullptr;
  cublasLtMatmulHeuristicResult_t chosen{};
  int count = 0;
};

void check_products(cublasLtHandle_t lt, cudaStream_t stream) {
  for (int i = 0; i < 4; ++i) {
    const bool ta = i % 2 == 1, tb = i / 2 == 1;
    Product with(lt, stream, ta, tb, CUBLASLT_EPILOGUE_BIAS);
    OK(with.choose());
    CHECK(with.count == 1 && with.chosen.state == CUBLAS_STATUS_SUCCESS && with.chosen.workspaceSize <= kWorkspace);
    OK(with.run());
    CHECK(with.worst(true) < 1e-5);
    Product without(lt, stream, ta, tb, CUBLASLT_EPILOGUE_DEFAULT, CUBLAS_COMPUTE_32F_FAST_TF32);
    OK(without.choose());
    OK(without.run());
    const double rounded = without.worst(false);
    CHECK(rounded > 2e-4 && rounded < 0.1);
    for (const bool of_a : {true, false}) {
      Product gradient(lt, stream, ta, tb, of_a ? CUBLASLT_EPILOGUE_BGRADA : CUBLASLT_EPILOGUE_BGRADB);
      OK(gradient.choose());
      OK(gradient.run());
      CHECK(gradient.worst(false) < 1e-5);
      const std::vector<float> got = to_host(gradient.dbias, 8, stream);
      for (int row = 0; row < 8; ++row) {
        double sum = 0;
        for (int l = 0; l < kK && row < (of_a ? kM : kN); ++l)
          sum += static_cast<double>(of_a ? gradient.left(row, l) : gradient.right(l, row));
        const double expected =
            row < (of_a ? kM : kN) ? sum : static_cast<double>(gradient.bias[static_cast<size_t>(row)]);
        CHECK(std::fabs(static_cast<double>(got[static_cast<size_t>(row)]) - expected) < 1e-5);
      }
    }
  }
}

void check_refusals(cublasLtHandle_t lt, cudaStream_t stream) {
  Product product(lt, stream, true, false, CUBLASLT_EPILOGUE_BIAS);
  const cublasLtEpilogue_t epilogue = CUBLASLT_EPILOGUE_BIAS;
  CHECK_CODE(cublasLtMatmulDescSetAttribute(product.matmul, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, 2),
             CUBLAS_STATUS_INVALID_VALUE);
  CHECK_CODE(cublasLtMatmulDescSetAttribute(product.matmul, CUBLASLT_MATMUL_DESC_EPILOGUE, nullptr, sizeof epilogue),
             CUBLAS_STATUS_INVALID_VALUE);
  product.point_bias(nullptr);
  CHECK_CODE(product.choose(), CUBLAS_STATUS_INVALID_VALUE);
  product.point_bias(product.dbias);
  OK(product.choose());
  CHECK_CODE(cublasLtMatmulAlgoGetHeuristic(nullptr, product.matmul, product.la, product.lb, product.ld, product.ld,
                                            product.preference, 1, &product.chosen, &product.count),
             CUBLAS_STATUS_NOT_INITIALIZED);
  CHECK_CODE(cublasLtMatmulAlgoGetHeuristic(lt, product.matmul, product.lb, product.la, product.ld, product.ld,
                                            product.preference, 1, &product.chosen, &product.count),
             CUBLAS_STATUS_INVALID_VALUE);

  // what the algorithm was chosen for
  OK(product.choose());
  CHECK_CODE(product.run(product.da + 1), CUBLAS_STATUS_INVALID_VALUE);
  CHECK_CODE(product.run(nullptr, product.workspace + 16, 1 << 15), CUBLAS_STATUS_INVALID_VALUE);
  CHECK_CODE(product.run(nullptr, nullptr, 16), CUBLAS_STATUS_INVALID_VALUE);
  CHECK_CODE(product.run(nullptr, nullptr, kWorkspace + 1), CUBLAS_STATUS_INVALID_VALUE);
  CHECK_CODE(product.run(product.dd), CUBLAS_STATUS_INVALID_VALUE);
  product.point_bias(product.dbias + 1);
  CHECK_CODE(product.run(), CUBLAS_STATUS_INVALID_VALUE);
  product.point_bias(product.dbias);
  const cublasLtEpilogue_t other = CUBLASLT_EPILOGUE_BGRADB;
  OK(cublasLtMatmulDescSetAttribute(product.matmul, CUBLASLT_MATMUL_DESC_EPILOGUE, &other, sizeof other));
  CHECK_CODE(product.run(), CUBLAS_STATUS_INVALID_VALUE);
  OK(cublasLtMatmulDescSetAttribute(product.matmul, CUBLASLT_MATMUL_DESC_EPILOGUE, &epilogue, sizeof epilogue));
  product.chosen.algo = {};
  CHECK_CODE(product.run(), CUBLAS_STATUS_INVALID_VALUE);

  // a matrix that is not aligned to its elements has no kernel
  product.align(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 2);
  OK(product.choose());
  CHECK_CODE(product.count, 0);
  product.align(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, 4);
  OK(product.choose());
  CHECK_CODE(product.count, 1);

  Product wrong(lt, stream, true, false, CUBLASLT_EPILOGUE_BIAS, CUBLAS_COMPUTE_64F);
  CHECK_CODE(wrong.choose(), CUBLAS_STATUS_NOT_SUPPORTED);
  Product mixed(lt, stream, true, false, CUBLASLT_EPILOGUE_BIAS, CUBLAS_COMPUTE_32F_FAST_TF32, CUDA_R_16F);
  CHECK_CODE(mixed.choose(), CUBLAS_STATUS_NOT_SUPPORTED);
  Product relu(lt, stream, true, false, CUBLASLT_EPILOGUE_RELU_BIAS);
  CHECK_CODE(relu.choose(), CUBLAS_STATUS_NOT_SUPPORTED);
}

/// A graph keeps the addresses of the capture, whatever the descriptor says later.
void check_capture(cublasLtHandle_t lt, cudaStream_t stream) {
  Product product(lt, stream, true, false, CUBLASLT_EPILOGUE_BIAS);
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  OK(cudaStreamSynchronize(stream));
  OK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
  OK(product.choose());
  OK(product.run());
  OK(cudaStreamEndCapture(stream, &graph));
  OK(cudaGraphInstantiate(&executable, graph, 0));
  OK(cudaGraphDestroy(graph));
  product.point_bias(product.da);
  OK(cudaGraphLaunch(executable, stream));
  CHECK(product.worst(true) < 1e-5);
  OK(cudaGraphExecDestroy(executable));
}

}  // namespace

int main() {
  cudaStream_t stream = make_stream();
  cublasHandle_t blas = nullptr;
  OK(cublasCreate(&blas));
  const auto lt = reinterpret_cast<cublasLtHandle_t>(blas);  // as cuBLAS documents it
  check_products(lt, stream);
  check_refusals(lt, stream);
  check_capture(lt, stream);
  OK(cudaStreamSynchronize(stream));
  OK(cublasDestroy(blas));
  OK(cudaStreamDestroy(stream));
  check_leaks();
  return finish("cuda_standin_cublaslt_test");
}
