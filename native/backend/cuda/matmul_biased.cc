#include "backend/cuda/matmul_biased.h"

#include <algorithm>

#include "backend/cuda/device/descriptor.h"

namespace stm::cuda {
namespace {

using MatmulDescriptor =
    Descriptor<cublasLtMatmulDesc_t, &Libraries::cublasLtMatmulDescCreate, &Libraries::cublasLtMatmulDescDestroy>;
using LayoutDescriptor =
    Descriptor<cublasLtMatrixLayout_t, &Libraries::cublasLtMatrixLayoutCreate, &Libraries::cublasLtMatrixLayoutDestroy>;
using PreferenceDescriptor = Descriptor<cublasLtMatmulPreference_t, &Libraries::cublasLtMatmulPreferenceCreate,
                                        &Libraries::cublasLtMatmulPreferenceDestroy>;

/// cuBLASLt's kernels read the bias in vectors of up to so many bytes, and its heuristic is not told how the bias lies.
constexpr uint32_t kBiasAlignment = 16;

/// Plans that are kept. No call reads a descriptor after it has returned, so that all may go at once.
constexpr size_t kMostPlans = 1024;

/// The largest power of two that divides the address, up to what cuBLASLt asks about.
uint32_t alignment_of(const void* data) {
  const auto address = reinterpret_cast<uintptr_t>(data) | 256;
  return static_cast<uint32_t>(address & (~address + 1));
}

/// A handle of cuBLAS's is one of cuBLASLt's.
cublasLtHandle_t handle_of(const Context& context) { return reinterpret_cast<cublasLtHandle_t>(context.cublas); }

/// A product with a bias is never worth an error that two passes would not have. These they would have too.
bool is_fatal(const Status& status) {
  return status.kind == StatusKind::DeviceLost || status.kind == StatusKind::OutOfMemory;
}

}  // namespace

struct BiasedProducts::Plan {
  MatmulDescriptor matmul;
  LayoutDescriptor a, b, out;
  cublasLtMatmulAlgo_t algorithm{};
  bool usable = false;  ///< cuBLASLt has a kernel, which has not failed
};

BiasedProducts::BiasedProducts(Context& context) : context_(context) {}
BiasedProducts::~BiasedProducts() = default;

BiasedProducts::Problem BiasedProducts::problem_of(const BiasedProduct& p) {
  return {p.trans_a,
          p.trans_b,
          p.m,
          p.n,
          p.k,
          p.lda,
          p.ldb,
          int{p.type},
          int{p.compute},
          alignment_of(p.a),
          alignment_of(p.b),
          alignment_of(p.out)};
}

Status BiasedProducts::run(const BiasedProduct& product, bool* launched) {
  *launched = false;
  const Libraries& library = *context_.libraries;
  // Some versions of cuBLASLt refuse matrices of a single row or column, whose strides say nothing. So few numbers gain
  // little by one pass anyway.
  const bool thin = product.m == 1 || product.n == 1 || product.k == 1;
  if (!library.cublasLtMatmul || thin || alignment_of(product.bias) < kBiasAlignment) return Status::ok();
  Plan* plan = nullptr;
  STM_TRY(find(product, &plan));
  if (!plan->usable) return Status::ok();
  void* workspace = nullptr;
  STM_TRY(context_.scratch(Context::kCublas, context_.cublas_workspace(), &workspace));
  Status status = point_bias(*plan, product.bias);
  if (status.is_ok()) status = multiply(*plan, product, workspace);
  if (is_fatal(status)) return status;
  *launched = plan->usable = status.is_ok();
  return Status::ok();
}

Status BiasedProducts::multiply(const Plan& plan, const BiasedProduct& p, void* workspace) {
  const double one = 1, zero = 0;
  const float one_f = 1, zero_f = 0;
  const bool wide = p.type == CUDA_R_64F;
  const void *const alpha = wide ? static_cast<const void*>(&one) : &one_f, *const beta =
                                                                                wide ? static_cast<const void*>(&zero)
                                                                                     : &zero_f;
  STM_CUDA(context_, context_.libraries->cublasLtMatmul(handle_of(context_), plan.matmul.get(), alpha, p.a,
                                                        plan.a.get(), p.b, plan.b.get(), beta, p.out, plan.out.get(),
                                                        p.out, plan.out.get(), &plan.algorithm, workspace,
                                                        context_.cublas_workspace(), context_.stream));
  return Status::ok();
}

Status BiasedProducts::find(const BiasedProduct& product, Plan** out) {
  const Problem problem = problem_of(product);
  const auto known = plans_.find(problem);
  if (known != plans_.end()) {
    *out = known->second.get();
    return Status::ok();
  }
  auto plan = std::make_unique<Plan>();
  Status status = describe(product, *plan);
  if (status.is_ok()) status = choose(problem, *plan);
  if (is_fatal(status)) return status;
  if (plans_.size() >= kMostPlans) plans_.clear();
  *out = plan.get();
  plans_[problem] = std::move(plan);
  return Status::ok();
}

Status BiasedProducts::describe(const BiasedProduct& p, Plan& plan) {
  const Libraries& library = *context_.libraries;
  const auto lay_out = [&](LayoutDescriptor& layout, bool turned, int64_t rows, int64_t columns, int64_t ld) {
    return layout.create(context_, p.type, static_cast<uint64_t>(turned ? columns : rows),
                         static_cast<uint64_t>(turned ? rows : columns), ld);
  };
  STM_TRY(lay_out(plan.a, p.trans_a, p.m, p.k, p.lda));
  STM_TRY(lay_out(plan.b, p.trans_b, p.k, p.n, p.ldb));
  STM_TRY(lay_out(plan.out, false, p.m, p.n, p.m));
  STM_TRY(plan.matmul.create(context_, p.compute, p.type));
  const auto set = [&](cublasLtMatmulDescAttributes_t attribute, const auto& value) {
    return context_.check(library.cublasLtMatmulDescSetAttribute(plan.matmul.get(), attribute, &value, sizeof value),
                          "cublasLtMatmulDescSetAttribute");
  };
  const cublasOperation_t a = p.trans_a ? CUBLAS_OP_T : CUBLAS_OP_N, b = p.trans_b ? CUBLAS_OP_T : CUBLAS_OP_N;
  STM_TRY(set(CUBLASLT_MATMUL_DESC_TRANSA, a));
  STM_TRY(set(CUBLASLT_MATMUL_DESC_TRANSB, b));
  STM_TRY(set(CUBLASLT_MATMUL_DESC_EPILOGUE, CUBLASLT_EPILOGUE_BIAS));
  return point_bias(plan, p.bias);  // the heuristic wants one to be there
}

Status BiasedProducts::choose(const Problem& problem, Plan& plan) {
  const Libraries& library = *context_.libraries;
  PreferenceDescriptor preference;
  STM_TRY(preference.create(context_));
  const auto prefer = [&](cublasLtMatmulPreferenceAttributes_t attribute, const auto& value) {
    return context_.check(
        library.cublasLtMatmulPreferenceSetAttribute(preference.get(), attribute, &value, sizeof value),
        "cublasLtMatmulPreferenceSetAttribute");
  };
  const uint64_t workspace = context_.cublas_workspace();
  STM_TRY(prefer(CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, workspace));
  STM_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, problem.a_alignment));
  STM_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_B_BYTES, problem.b_alignment));
  STM_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_C_BYTES, problem.out_alignment));
  STM_TRY(prefer(CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_D_BYTES, problem.out_alignment));
  cublasLtMatmulHeuristicResult_t best{};
  int found = 0;
  STM_CUDA(context_,
           library.cublasLtMatmulAlgoGetHeuristic(handle_of(context_), plan.matmul.get(), plan.a.get(), plan.b.get(),
                                                  plan.out.get(), plan.out.get(), preference.get(), 1, &best, &found));
  plan.usable = found == 1 && best.state == CUBLAS_STATUS_SUCCESS;
  plan.algorithm = best.algo;
  return Status::ok();
}

Status BiasedProducts::point_bias(const Plan& plan, const void* bias) {
  return context_.check(context_.libraries->cublasLtMatmulDescSetAttribute(
                            plan.matmul.get(), CUBLASLT_MATMUL_DESC_BIAS_POINTER, &bias, sizeof bias),
                        "cublasLtMatmulDescSetAttribute");
}

}  // namespace stm::cuda
