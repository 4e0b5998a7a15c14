#include "backend/cuda/recurrent/plans.h"

#include <new>
#include <utility>

namespace stm::cuda {
namespace {

constexpr size_t kMostSettled = 4096;  // before they are forgotten and made anew

/// Everything that a plan depends on, as bytes.
std::string key_of(const RecurrentProblem& p, Choice choice) {
  const int64_t numbers[] = {static_cast<int64_t>(p.cell),
                             static_cast<int64_t>(p.dtype),
                             p.N,
                             p.T,
                             p.D,
                             p.H,
                             p.P,
                             p.L,
                             p.K,
                             int64_t{p.bias} | int64_t{p.batch_first} << 1 | int64_t{p.training} << 2 |
                                 int64_t{p.deterministic} << 3 | int64_t{p.lengths != nullptr} << 4,
                             static_cast<int64_t>(p.math),
                             static_cast<int64_t>(p.algorithm),
                             static_cast<int64_t>(choice.number())};
  std::string key(reinterpret_cast<const char*>(numbers), sizeof numbers);
  if (p.lengths) key.append(reinterpret_cast<const char*>(p.lengths), static_cast<size_t>(p.N) * sizeof(int32_t));
  return key;
}

}  // namespace

Status Plans::choose(const RecurrentProblem& problem, bool repeated, Choice* out) {
  *out = tuner_.plain(problem);
  if (problem.algorithm == Algorithm::Standard || tuner_.idle(problem)) return Status::ok();
  std::string key = key_of(problem, Choice());
  if (const auto known = settled_.find(key); known != settled_.end()) {
    *out = known->second;
    return Status::ok();
  }
  bool settled = true;
  const Arrangement arrangement = arrange(problem, most_steps_);
  if (!arrangement.chunks.empty()) {
    if (problem.algorithm == Algorithm::Auto) STM_TRY(choose_fastest(problem, arrangement, repeated, out, &settled));
    else STM_TRY(choose_named(problem, arrangement, out, &settled));
  }
  if (settled_.size() > kMostSettled) settled_.clear();
  if (settled) settled_[std::move(key)] = *out;
  return Status::ok();
}

/// What was the fastest elsewhere, or for a similar shape, may be refused for this one.
Status Plans::choose_fastest(const RecurrentProblem& problem, const Arrangement& arrangement, bool repeated,
                             Choice* out, bool* settled) {
  STM_TRY(tuner_.choose(problem, arrangement, repeated, out, settled));
  const Choice plain = tuner_.plain(problem);
  if (*out == plain) return Status::ok();
  std::shared_ptr<const Plan> plan;
  const Status status = find(problem, *out, &plan);
  if (status.is_ok()) return status;
  if (context_.lost || status.kind == StatusKind::OutOfMemory) return status;
  tuner_.refuse(problem, arrangement, *out);
  *out = plain;
  return Status::ok();
}

/// An algorithm that the caller names may take the steps in one order alone. Where it takes none, the plain way will
/// say why.
Status Plans::choose_named(const RecurrentProblem& problem, const Arrangement& arrangement, Choice* out,
                           bool* settled) {
  const std::vector<bool> orders = tuner_.orders(problem);
  for (const bool batch_major : orders) {
    if (orders.size() == 1) break;
    std::optional<bool> proven;
    STM_TRY(tuner_.prove(problem, arrangement, {problem.algorithm, batch_major}, &proven));
    *settled = proven.has_value();
    if (!*settled) break;
    if (!*proven) continue;
    out->batch_major = batch_major;
    break;
  }
  return Status::ok();
}

Status Plans::find(const RecurrentProblem& problem, std::shared_ptr<const Plan>* out) {
  return find(problem, problem.choice ? Choice::of(problem.choice) : tuner_.plain(problem), out);
}

Status Plans::find(const RecurrentProblem& problem, Choice choice, std::shared_ptr<const Plan>* out) {
  std::string key = key_of(problem, choice);
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
  STM_TRY(make(problem, choice, &plan));
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

Status Plans::make(const RecurrentProblem& problem, Choice choice, std::unique_ptr<Plan>* out) {
  const Status status = planner_.plan(problem, arrange(problem, most_steps_), choice, out);
  if (status.is_ok() || choice.algorithm == Algorithm::Standard || context_.lost ||
      status.kind == StatusKind::OutOfMemory)
    return status;
  return Status::fail(status.kind,
                      {"cuDNN's algorithm '%s' does not compute this shape (%.120s)", name_of(choice.algorithm),
                       status.message().sentence().c_str()},
                      "use 'auto' or 'standard'");
}

}  // namespace stm::cuda
