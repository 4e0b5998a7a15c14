#pragma once
#include <compare>
#include <map>
#include <memory>

#include "backend/cuda/device/context.h"

namespace stm::cuda {

/// out = op(a) · op(b) + bias, column by column as BLAS reads them: [m, k] · [k, n], one element of the bias for each
/// row.
struct BiasedProduct {
  bool trans_a, trans_b;
  int64_t m, n, k;
  int64_t lda, ldb;  ///< of a and b as they lie; the columns of `out` are dense
  cudaDataType type;
  cublasComputeType_t compute;
  const void *a, *b, *bias;
  void* out;
};

/// Such products in one kernel, by cuBLASLt: it adds the bias before it writes the result. cuBLASLt is asked once for
/// the kernel of a problem; its first answer counts, so that every run of a library takes the same. Executor thread
/// only.
class BiasedProducts {
 public:
  explicit BiasedProducts(Context& context);
  ~BiasedProducts();
  /// `*launched` is false where cuBLASLt is missing, has no kernel for it or fails: then nothing has been done.
  Status run(const BiasedProduct& product, bool* launched);

 private:
  /// All that the choice of a kernel depends on.
  struct Problem {
    bool trans_a, trans_b;
    int64_t m, n, k, lda, ldb;
    int type, compute;
    uint32_t a_alignment, b_alignment, out_alignment;
    auto operator<=>(const Problem&) const = default;
  };
  struct Plan;
  static Problem problem_of(const BiasedProduct& product);
  Status multiply(const Plan& plan, const BiasedProduct& product, void* workspace);
  Status find(const BiasedProduct& product, Plan** out);
  Status describe(const BiasedProduct& product, Plan& plan);
  Status choose(const Problem& problem, Plan& plan);
  Status point_bias(const Plan& plan, const void* bias);

  Context& context_;
  std::map<Problem, std::unique_ptr<Plan>> plans_;
};

}  // namespace stm::cuda
