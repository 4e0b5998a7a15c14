#include "backend/cuda/recurrent/trial.h"

#include <algorithm>
#include <cmath>

#include "backend/cuda/recurrent/run.h"
#include "backend/cuda/recurrent/trial_kernels.h"

namespace stm::cuda {
namespace {

constexpr int kWarmUps = 3, kRuns = 10;
constexpr float kEnough = 500;  // milliseconds that the runs of one algorithm may take before there are fewer of them
constexpr float kHopeless = 2;  // times the fastest: no more runs will make it the fastest

/// How far algorithms may differ, relative to the largest number. Sums in another order; with 16-bit elements each
/// result may fall on the other side of a rounding, and such differences feed back.
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

Trial::Trial(Context& context, const RecurrentProblem& problem) : context_(context), problem_(problem) {}

/// Plans go with their descriptors, which cuDNN may still read: nothing of a trial is left in the queue.
Trial::~Trial() {
  if (!memory_) return;
  context_.release(memory_);
  if (cudaStreamSynchronize(context_.stream) != cudaSuccess) (void)cudaGetLastError();
}

Trial::Results Trial::take_results(DeviceCarver& carver) const {
  const auto gradient = [&](int64_t elements) { return carver.take(problem_.training ? bytes(elements) : 0); };
  Results r{};
  r.y = carver.take(bytes(y_size()));
  r.hn = carver.take(bytes(h_size()));
  r.cn = carver.take(bytes(c_size()));
  r.dx = gradient(x_size());
  r.dh0 = gradient(h_size());
  r.dc0 = gradient(c_size());
  r.dweights = gradient(problem_.weight_elements());
  return r;
}

/// Gives everything its part of the block, and says how large that is.
size_t Trial::carve(void* base, const std::vector<const Plan*>& plans) {
  DeviceCarver carver(base);
  const auto given = [&](int64_t elements) { return carver.take(problem_.training ? bytes(elements) : 0); };
  operands_.x = carver.take(bytes(x_size()));
  operands_.h0 = carver.take(bytes(h_size()));
  operands_.c0 = carver.take(bytes(c_size()));
  operands_.weights = carver.take(bytes(problem_.weight_elements()));
  operands_.dy = given(y_size());
  operands_.dhn = given(h_size());
  operands_.dcn = given(c_size());
  results_ = take_results(carver);
  kept_ = take_results(carver);
  size_t packed = 0, reserve = 0, workspace = 0;
  for (const Plan* const plan : plans) {
    packed = std::max(packed, plan->sizes.packed);
    reserve = std::max(reserve, plan->sizes.reserve);
    workspace = std::max({workspace, plan->sizes.forward_workspace, plan->sizes.backward_workspace});
  }
  packed_ = carver.take(packed);
  reserve_ = carver.take(reserve);
  workspace_ = carver.take(workspace);
  comparison_ = carver.take(2 * kComparisons * sizeof(double));
  return carver.bytes();
}

Status Trial::begin(const std::vector<const Plan*>& plans) {
  STM_TRY(context_.allocate(carve(nullptr, plans), &memory_));
  (void)carve(memory_, plans);
  return draw();
}

Status Trial::draw() {
  uint32_t seed = 1;
  const auto fill = [&](void* data, int64_t count, double scale) {
    return data ? fill_for_trial(context_, problem_.dtype, data, count, scale, seed++) : Status::ok();
  };
  STM_TRY(fill(operands_.x, x_size(), 1));
  STM_TRY(fill(operands_.weights, problem_.weight_elements(), 1 / std::sqrt(static_cast<double>(problem_.H))));
  STM_TRY(fill(operands_.h0, h_size(), 1));
  STM_TRY(fill(operands_.c0, c_size(), 1));
  STM_TRY(fill(operands_.dy, y_size(), 1));
  STM_TRY(fill(operands_.dhn, h_size(), 1));
  return fill(operands_.dcn, c_size(), 1);
}

Status Trial::enter(const Plan& plan) {
  plan_ = &plan;
  return run_pack(context_, plan, operands_.weights, packed_);
}

Status Trial::run() {
  const Operands& o = operands_;
  const Results& r = results_;
  STM_TRY(run_forward(context_, *plan_, {o.x, o.h0, o.c0, o.weights, packed_, r.y, r.hn, r.cn, reserve_, workspace_}));
  if (!problem_.training) return Status::ok();
  return run_backward(context_, *plan_,
                      {o.x, o.h0, o.c0, o.weights, packed_, r.y, r.hn, r.cn, o.dy, o.dhn, o.dcn, r.dx, r.dh0, r.dc0,
                       r.dweights, reserve_, workspace_});
}

Status Trial::time(float fastest, float* milliseconds) {
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
    if (i > 0 && fastest > 0 && time > kHopeless * fastest) break;
  }
  std::sort(times.begin(), times.end());
  *milliseconds = times[times.size() / 2];
  return Status::ok();
}

void Trial::keep_results() { std::swap(results_, kept_); }

Status Trial::difference(const void* mine, const void* other, int64_t count, double* out) {
  std::vector<double> parts(2 * kComparisons);
  STM_TRY(compare_trials(context_, problem_.dtype, mine, other, count, static_cast<double*>(comparison_)));
  STM_CUDA(context_, cudaMemcpyAsync(parts.data(), comparison_, parts.size() * sizeof(double), cudaMemcpyDeviceToHost,
                                     context_.stream));
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

Status Trial::agrees(bool* out) {
  const Results &mine = results_, &other = kept_;
  const struct {
    const void *mine, *other;
    int64_t count;
  } pairs[] = {{mine.y, other.y, y_size()},
               {mine.hn, other.hn, h_size()},
               {mine.cn, other.cn, c_size()},
               {mine.dx, other.dx, x_size()},
               {mine.dh0, other.dh0, h_size()},
               {mine.dc0, other.dc0, c_size()},
               {mine.dweights, other.dweights, problem_.weight_elements()}};
  *out = true;
  for (const auto& pair : pairs) {
    if (!pair.mine) continue;
    double apart = 0;
    STM_TRY(difference(pair.mine, pair.other, pair.count, &apart));
    *out = *out && apart <= tolerance(problem_);
  }
  return Status::ok();
}

}  // namespace stm::cuda
