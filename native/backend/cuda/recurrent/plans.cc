#include "backend/cuda/recurrent/plans.h"

#include <new>
#include <utility>

namespace stm::cuda {
namespace {

/// Everything that a plan depends on, as bytes.
std::string key_of(const RecurrentProblem& p) {
  const int64_t numbers[] = {
      static_cast<int64_t>(p.cell),
      static_cast<int64_t>(p.dtype),
      p.N,
      p.T,
      p.D,
      p.H,
      p.P,
      p.L,
      p.K,
      int64_t{p.bias} | int64_t{p.batch_first} << 1 | int64_t{p.training} << 2 | int64_t{p.deterministic} << 3 | int64_t{p.lengths != nullptr} << 4,
      static_cast<int64_t>(p.math),
      static_cast<int64_t>(p.algorithm)};
  std::string key(reinterpret_cast<const char*>(numbers), sizeof numbers);
  if (p.lengths) key.append(reinterpret_cast<const char*>(p.lengths), static_cast<size_t>(p.N) * sizeof(int32_t));
  return key;
}

}  // namespace

Status Plans::find(const RecurrentProblem& problem, std::shared_ptr<const Plan>* out) {
  std::string key = key_of(problem);
  {
    const std::lock_guard lock(mutex_);
    const auto place = places_.find(key);
    if (place != places_.end()) {
      entries_.splice(entries_.begin(), entries_, place->second);
      *out = place->second->plan;
      return Status::ok();
    }
  }
  std::unique_ptr<Plan> plan;
  STM_TRY(make(problem, &plan));
  *out = std::move(plan);
  const std::lock_guard lock(mutex_);
  add(key, *out);
  places_[std::move(key)] = entries_.begin();
  return Status::ok();
}

void Plans::rest(std::vector<std::shared_ptr<const Plan>> plans) noexcept try {
  const std::lock_guard lock(mutex_);
  for (auto& plan : plans) add("", std::move(plan));
} catch (const std::bad_alloc&) {
  // Then they end here: a launch that still reads one is unlikely, as is this.
}

/// Puts a plan in front, and lets go of what is too old. mutex_ is held.
void Plans::add(std::string key, std::shared_ptr<const Plan> plan) {
  entries_.push_front({std::move(key), std::move(plan)});
  if (entries_.size() <= kKept) return;
  const auto place = places_.find(entries_.back().key);
  if (place != places_.end() && place->second == std::prev(entries_.end())) places_.erase(place);
  entries_.pop_back();
}

Status Plans::make(const RecurrentProblem& problem, std::unique_ptr<Plan>* out) {
  const Arrangement arrangement = arrange(problem, most_steps_);
  Algorithm algorithm = Algorithm::Standard;
  if (!arrangement.chunks.empty()) STM_TRY(tuner_.choose(problem, arrangement, &algorithm));
  const Status status = planner_.plan(problem, arrangement, algorithm, out);
  if (status.is_ok() || algorithm == Algorithm::Standard || context_.lost || status.kind == StatusKind::OutOfMemory) return status;
  if (problem.algorithm == Algorithm::Auto) {  // what was the fastest elsewhere, or for a similar shape, and is refused here
    tuner_.refuse(problem, arrangement);
    return planner_.plan(problem, arrangement, Algorithm::Standard, out);
  }
  return Status::fail(status.kind, "cuDNN's algorithm '%s' does not compute this shape (%.120s). Fix: use 'auto' or 'standard'.", name_of(algorithm),
                      status.message);
}

}  // namespace stm::cuda
