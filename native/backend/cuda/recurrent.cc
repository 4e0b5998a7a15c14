#include "backend/cuda/recurrent.h"

#include <algorithm>
#include <limits>

#include "backend/check_recurrent.h"
#include "backend/cuda/device/switches.h"
#include "backend/cuda/recurrent/plans.h"
#include "backend/cuda/recurrent/run.h"
#include "backend/guard.h"

namespace stm::cuda {
namespace {

long long number(int64_t n) { return static_cast<long long>(n); }

/// Likewise what CUDA's libraries, which count by int, do not take.
Status check_problem(const RecurrentProblem& p) {
  STM_TRY(check_sizes(p));
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max();
  const int64_t widest = std::max({p.D, p.H, p.K * p.width(), p.L * p.K}), largest = std::max({p.N, p.T, widest});
  if (largest > kMost || p.N > kMost / widest)
    return Status::refuse(
        StatusKind::Unsupported,
        {"N %lld, T %lld, D %lld, H %lld on cuda", number(p.N), number(p.T), number(p.D), number(p.H)},
        "each, and N times a width, to be below 2147483648", "use smaller batches");
  return check_lengths(p);
}

}  // namespace

CudaRecurrent::CudaRecurrent(Context& context) : context_(context), most_steps_(most_steps()) {}
CudaRecurrent::~CudaRecurrent() = default;
void CudaRecurrent::release() noexcept {
  captured_.clear();
  plans_.reset();
}

void CudaRecurrent::rest(Held plans) noexcept {
  if (!plans.empty() && plans_) plans_->rest(std::move(plans));
}

Status CudaRecurrent::hold_if_captured(const std::shared_ptr<const Plan>& plan) {
  cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
  STM_CUDA(context_, cudaStreamIsCapturing(context_.stream, &capturing));
  if (capturing == cudaStreamCaptureStatusNone) return Status::ok();
  // Once, though a step may call it hundreds of times: what rests displaces other plans.
  if (std::find(captured_.begin(), captured_.end(), plan) == captured_.end()) captured_.push_back(plan);
  return Status::ok();
}

Status CudaRecurrent::check(const RecurrentProblem& problem) noexcept {
  return guarded([&] {
    STM_TRY(check_problem(problem));
    if (problem.dtype == DType::F32 && problem.math == MathMode::Bf16 && context_.capability < 80)
      return Status::refuse(
          StatusKind::Unsupported,
          {"bf16 on a device of compute capability %d.%d", context_.capability / 10, context_.capability % 10},
          "8.0 or more", "use 'tf32' or 'f16'");
    const char* const why = obstacle(problem.algorithm, problem, arrange(problem, most_steps_));
    if (!why) return Status::ok();
    return Status::fail(
        StatusKind::Unsupported,
        {"got algorithm '%s' with %s, which 'standard' alone computes", name_of(problem.algorithm), why},
        "use 'auto' or 'standard'");
  });
}

Plans& CudaRecurrent::plans() {
  if (!plans_) plans_ = std::make_unique<Plans>(context_, most_steps_);
  return *plans_;
}

template <class F>
Status CudaRecurrent::with_plan(const RecurrentProblem& problem, F f) noexcept {
  return guarded([&] {
    std::shared_ptr<const Plan> plan;
    STM_TRY(plans().find(problem, &plan));
    return f(plan);
  });
}

Status CudaRecurrent::choose(const RecurrentProblem& problem, bool repeated, uint64_t* out) noexcept {
  STM_TRY(check(problem));
  return guarded([&] {
    Choice choice;
    STM_TRY(plans().choose(problem, repeated, &choice));
    *out = choice.number();
    return Status::ok();
  });
}

Status CudaRecurrent::sizes(const RecurrentProblem& problem, RecurrentSizes* out) noexcept {
  STM_TRY(check(problem));
  return with_plan(problem, [&](const std::shared_ptr<const Plan>& plan) {
    *out = plan->sizes;
    return Status::ok();
  });
}

Status CudaRecurrent::pack(const RecurrentProblem& problem, const void* weights, void* packed) noexcept {
  return with_plan(problem,
                   [&](const std::shared_ptr<const Plan>& plan) { return run_pack(context_, *plan, weights, packed); });
}

Status CudaRecurrent::forward(const RecurrentProblem& problem, const RecurrentForward& buffers) noexcept {
  return with_plan(problem, [&](const std::shared_ptr<const Plan>& plan) {
    STM_TRY(hold_if_captured(plan));
    return run_forward(context_, *plan, buffers);
  });
}

Status CudaRecurrent::backward(const RecurrentProblem& problem, const RecurrentBackward& buffers) noexcept {
  return with_plan(problem, [&](const std::shared_ptr<const Plan>& plan) {
    STM_TRY(hold_if_captured(plan));
    return run_backward(context_, *plan, buffers);
  });
}

}  // namespace stm::cuda
