#include "backend/cuda/recurrent/trial.h"

#include <algorithm>
#include <cmath>

#include "backend/cuda/recurrent/run.h"
#include "backend/cuda/recurrent/trial_kernels.h"

namespace stm::cuda {
namespace {

constexpr int kWarmUps = 3, kRuns = 10;
constexpr float kEnough = 500;  // milliseconds that the runs of one algorithm may take before there are fewer of them

/// How far algorithms may differ, relative to the largest number. Sums in another order; with 16-bit elements each result may fall on the other side of
/// a rounding, and such differences feed back.
double tolerance(const RecurrentProblem& problem) {
  if (problem.dtype == DType::F64) return 1e-5;
  switch (problem.math) {
    case MathMode::Tf32: return 1e-3;
    case MathMode::F16: return 1e-2;
    case MathMode::Bf16: return 3e-2;
    case MathMode::Fma: break;
  }
  return 1e-5;
}

class Event {
 public:
  ~Event() {
    if (event_) (void)cudaEventDestroy(event_);
  }
  Status record(Context& context) {
    if (!event_) STM_CUDA(context, cudaEventCreateWithFlags(&event_, cudaEventDefault));
    STM_CUDA(context, cudaEventRecord(event_, context.stream));
    return Status::ok();
  }
  cudaEvent_t get() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

}  // namespace

Status TrialMemory::take(Context& context, size_t bytes) {
  if (bytes) STM_CUDA(context, cudaMalloc(&data_, bytes));
  return Status::ok();
}

Status TrialOperands::make(Context& context, const RecurrentProblem& of) {
  problem = of;
  uint32_t seed = 1;
  const auto draw = [&](TrialMemory& memory, int64_t count, double scale) {
    STM_TRY(memory.take(context, static_cast<size_t>(count) * size_of(of.dtype)));
    return fill_for_trial(context, of.dtype, memory.data(), count, scale, seed++);
  };
  const int64_t states = of.L * of.K * of.N, h = states * of.width(), c = of.cell == Cell::Lstm ? states * of.H : 0, y = of.N * of.T * of.K * of.width();
  STM_TRY(draw(x, of.N * of.T * of.D, 1));
  STM_TRY(draw(weights, of.weight_elements(), 1 / std::sqrt(static_cast<double>(of.H))));
  STM_TRY(draw(h0, h, 1));
  STM_TRY(draw(c0, c, 1));
  if (!of.training) return Status::ok();
  STM_TRY(draw(dy, y, 1));
  STM_TRY(draw(dhn, h, 1));
  return draw(dcn, c, 1);
}

Status Trial::take(Result& result, int64_t count) {
  result.count = count;
  return result.memory.take(context_, static_cast<size_t>(count) * size_of(operands_.problem.dtype));
}

Status Trial::make(Planner& planner, Algorithm algorithm) {
  const RecurrentProblem& p = operands_.problem;
  STM_TRY(planner.plan(p, arrange(p, p.T), algorithm, &plan_));
  const int64_t states = p.L * p.K * p.N, h = states * p.width(), c = p.cell == Cell::Lstm ? states * p.H : 0;
  STM_TRY(packed_.take(context_, plan_->sizes.packed));
  STM_TRY(reserve_.take(context_, plan_->sizes.reserve));
  STM_TRY(workspace_.take(context_, std::max(plan_->sizes.forward_workspace, plan_->sizes.backward_workspace)));
  STM_TRY(take(y_, p.N * p.T * p.K * p.width()));
  STM_TRY(take(hn_, h));
  STM_TRY(take(cn_, c));
  if (p.training) {
    STM_TRY(take(dx_, p.N * p.T * p.D));
    STM_TRY(take(dh0_, h));
    STM_TRY(take(dc0_, c));
    STM_TRY(take(dweights_, p.weight_elements()));
  }
  return run_pack(context_, *plan_, operands_.weights.data(), packed_.data());
}

Status Trial::run() {
  const TrialOperands& o = operands_;
  STM_TRY(run_forward(context_, *plan_,
                      {o.x.data(), o.h0.data(), o.c0.data(), o.weights.data(), packed_.data(), y_.memory.data(), hn_.memory.data(), cn_.memory.data(),
                       reserve_.data(), workspace_.data()}));
  if (!o.problem.training) return Status::ok();
  return run_backward(
      context_, *plan_,
      {o.x.data(), o.h0.data(), o.c0.data(), o.weights.data(), packed_.data(), y_.memory.data(), hn_.memory.data(), cn_.memory.data(), o.dy.data(),
       o.dhn.data(), o.dcn.data(), dx_.memory.data(), dh0_.memory.data(), dc0_.memory.data(), dweights_.memory.data(), reserve_.data(), workspace_.data()});
}

Status Trial::time(float* milliseconds) {
  std::vector<float> times;
  float sum = 0;
  for (int i = 0; i < 2 || (i < kWarmUps + kRuns && sum < kEnough); ++i) {
    Event before, after;
    STM_TRY(before.record(context_));
    STM_TRY(run());
    STM_TRY(after.record(context_));
    STM_CUDA(context_, cudaEventSynchronize(after.get()));
    float time = 0;
    STM_CUDA(context_, cudaEventElapsedTime(&time, before.get(), after.get()));
    sum += i ? time : 0;  // the very first run loads code
    if (i == 1 || i == kWarmUps) times.clear();
    times.push_back(time);
  }
  std::sort(times.begin(), times.end());
  *milliseconds = times[times.size() / 2];
  return Status::ok();
}

Status Trial::difference(const Result& mine, const Result& other, double* out) {
  TrialMemory memory;
  std::vector<double> parts(2 * kComparisons);
  const size_t bytes = parts.size() * sizeof(double);
  STM_TRY(memory.take(context_, bytes));
  STM_TRY(compare_trials(context_, operands_.problem.dtype, mine.memory.data(), other.memory.data(), mine.count, static_cast<double*>(memory.data())));
  STM_CUDA(context_, cudaMemcpyAsync(parts.data(), memory.data(), bytes, cudaMemcpyDeviceToHost, context_.stream));
  STM_CUDA(context_, cudaStreamSynchronize(context_.stream));
  double apart = 0, largest = 0;
  for (size_t i = 0; i < parts.size(); i += 2) {
    if (parts[i] > apart || std::isnan(parts[i])) apart = parts[i];
    if (std::isnan(apart)) break;
    largest = std::max(largest, parts[i + 1]);
  }
  *out = apart == 0 ? 0 : apart / largest;
  return Status::ok();
}

Status Trial::agrees(const Trial& other, bool* out) {
  const Result* const pairs[][2] = {
      {&y_, &other.y_}, {&hn_, &other.hn_}, {&cn_, &other.cn_}, {&dx_, &other.dx_}, {&dh0_, &other.dh0_}, {&dc0_, &other.dc0_}, {&dweights_, &other.dweights_}};
  *out = true;
  for (const auto& pair : pairs) {
    if (pair[0]->count == 0) continue;
    double apart = 0;
    STM_TRY(difference(*pair[0], *pair[1], &apart));
    *out = *out && apart <= tolerance(operands_.problem);
  }
  return Status::ok();
}

}  // namespace stm::cuda
