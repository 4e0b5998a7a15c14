#include "backend/cuda/recurrent/tuning.h"

#include <algorithm>
#include <cstring>

#include "backend/cuda/device/locks.h"
#include "backend/cuda/device/switches.h"
#include "backend/cuda/recurrent/trial.h"

namespace stm::cuda {
namespace {

constexpr int kUses = 4;               // after so many it is worth to be measured
constexpr float kWorthwhile = 0.98f;   // of the plain way's time: what is nearer is not told apart
constexpr int64_t kProvingSteps = 8;   // whether an algorithm computes a problem does not depend on the time
constexpr size_t kMostNotes = 65'536;  // of problems of each kind, before they are forgotten and made anew

int attribute(int device, cudaDeviceAttr attribute) {
  int value = 0;
  if (cudaDeviceGetAttribute(&value, attribute, device) == cudaSuccess) return value;
  (void)cudaGetLastError();  // or the next launch would report it
  return 0;
}

/// What is the same for all problems of a process and decides what is fast, or possible: the device or the part of it
/// that there is, who shares it, and the libraries.
std::string beginning_of_keys(const Context& context) {
  constexpr auto kMpsEnabled = static_cast<cudaDeviceAttr>(133);  // has no name in older headers
  cudaDeviceProp properties;
  std::string name = "unknown";
  if (cudaGetDeviceProperties(&properties, context.device) == cudaSuccess) name = properties.name;
  else (void)cudaGetLastError();
  for (char& c : name)
    if (std::strchr(" \t\n:", c)) c = '-';
  const struct {
    const char* name;
    int64_t value;
  } facts[] = {{"sm", context.capability},
               {"multiprocessors", context.multiprocessors},
               {"mode", attribute(context.device, cudaDevAttrComputeMode)},
               {"mps", attribute(context.device, kMpsEnabled)},
               {"cuda", CUDART_VERSION / 1000},
               {"cudnn", static_cast<int64_t>(context.libraries->cudnnGetVersion())},
               {"nvrtc", context.compiles ? 1 : 0}};
  std::string key = TuningCache::kForm + name;
  for (const auto& fact : facts) key += std::string(":") + fact.name + std::to_string(fact.value);
  return key;
}

int64_t power_of_two_from(int64_t n) {
  int64_t power = 1;
  while (power < n) power *= 2;
  return power;
}

/// The reason, as a part of a line that others read.
std::string refused(const Status& status) {
  std::string reason = "refused(" + status.message().sentence();
  for (char& c : reason)
    if (c == '\n' || c == '\r' || c == '=') c = ' ';
  return reason.substr(0, 200) + ")";
}

/// What a trial of the problem's chunk computes.
RecurrentProblem without_lengths(const RecurrentProblem& problem, const Chunk& chunk) {
  RecurrentProblem p = problem;
  p.N = chunk.batch;
  p.T = chunk.steps;
  p.lengths = nullptr;
  p.choice = 0;
  return p;
}

}  // namespace

const char* obstacle(Algorithm algorithm, const RecurrentProblem& p, const Arrangement& arrangement) {
  if (algorithm == Algorithm::Auto || algorithm == Algorithm::Standard) return nullptr;
  if (arrangement.varies()) return "rows of different lengths";
  if (arrangement.chunks.size() > 1) return "so many steps";
  if (p.P) return "a projection";
  if (!p.bias) return "no biases";
  if (p.dtype == DType::F64 && algorithm != Algorithm::PersistDynamic) return "f64";
  const bool gated = p.cell == Cell::Lstm || p.cell == Cell::Gru;
  if (algorithm == Algorithm::PersistStaticSmallH && p.H > (gated ? 192 : 384))
    return gated ? "more than 192 hidden units" : "more than 384 hidden units";
  return nullptr;
}

Tuner::Tuner(Context& context, Planner& planner)
    : context_(context), planner_(planner), layout_(is(Switch::Layout, "any") ? "" : word_of(Switch::Layout)) {
  enabled_ = !is(Switch::Autotune, "0");
  everything_ = is(Switch::Autotune, "all");
  if (enabled_) device_ = beginning_of_keys(context) + (layout_.empty() ? "" : ":only-" + layout_);
}

Choice Tuner::plain(const RecurrentProblem& problem) const {
  return {problem.algorithm == Algorithm::Auto ? Algorithm::Standard : problem.algorithm, orders(problem).front()};
}

std::vector<bool> Tuner::orders(const RecurrentProblem& problem) const {
  if (!layout_.empty()) return {layout_ == "batch"};
  if (problem.batch_first) return {true, false};
  return {false};
}

/// Persistent kernels of two backends wait for multiprocessors that the other holds: whoever is not alone takes none
/// that was not there before.
bool Tuner::idle(const RecurrentProblem& problem) const {
  return problem.algorithm == Algorithm::Auto &&
         (!enabled_ || problem.deterministic || (context_.presence && !context_.presence->alone()));
}

Status Tuner::choose(const RecurrentProblem& problem, const Arrangement& arrangement, bool repeated, Choice* out,
                     bool* settled) {
  *out = plain(problem);
  *settled = true;
  if (obstacle(Algorithm::PersistDynamic, problem, arrangement)) return Status::ok();
  const Chunk& chunk = arrangement.chunks[0];
  Verdict found;
  STM_TRY(verdict(problem, chunk, everything_ ? Scope::Everything : Scope::Static, repeated, &found, settled));
  if (*settled && !everything_ && problem.training && context_.compiles && !found.has_static())
    STM_TRY(verdict(problem, chunk, Scope::WithDynamic, repeated, &found, settled));
  if (found.choice == *out) return Status::ok();
  std::optional<bool> proven;
  STM_TRY(prove(problem, arrangement, found.choice, &proven));
  if (proven.value_or(false)) *out = found.choice;
  *settled = *settled && proven.has_value();
  return Status::ok();
}

Status Tuner::verdict(const RecurrentProblem& problem, const Chunk& chunk, Scope scope, bool repeated, Verdict* out,
                      bool* known) {
  const std::string key = key_of(problem, chunk, scope);
  *known = cache_.find(key, out);
  if (*known) return Status::ok();
  if (scope != Scope::WithDynamic) out->choice = plain(problem);
  cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
  STM_CUDA(context_, cudaStreamIsCapturing(context_.stream, &capturing));
  if (capturing != cudaStreamCaptureStatusNone) return Status::ok();
  if (uses_.size() > kMostNotes) uses_.clear();
  if (!repeated && ++uses_[key] < kUses) return Status::ok();
  bool lasting = true;
  STM_TRY(measure(problem, chunk, scope, out, &lasting));
  uses_.erase(key);
  cache_.put(key, *out, lasting);
  *known = true;
  return Status::ok();
}

/// All that the times depend on; T and, but for what is compiled for each, N by their powers of two.
std::string Tuner::key_of(const RecurrentProblem& p, const Chunk& chunk, Scope scope) const {
  static const char* const cells[] = {"lstm", "gru", "rnnTanh", "rnnRelu"};
  static const char* const elements[] = {"f32", "f64", "f16", "bf16"};
  static const char* const scopes[] = {"", ":compiled", ":all"};
  const bool tf32 = p.dtype == DType::F32 && p.math == MathMode::Tf32;
  std::string key = device_ + ":" + cells[static_cast<int>(p.cell)] + ":" +
                    (tf32 ? "tf32" : elements[static_cast<int>(element_of(p))]);
  const struct {
    const char* name;
    int64_t value;
  } sizes[] = {{"D", p.D},
               {"H", p.H},
               {"L", p.L},
               {"K", p.K},
               {"N", scope == Scope::Static ? power_of_two_from(chunk.batch) : chunk.batch},
               {"T", power_of_two_from(chunk.steps)}};
  for (const auto& size : sizes) key += std::string(":") + size.name + std::to_string(size.value);
  return key + (p.batch_first ? ":batchFirst" : ":timeFirst") + (p.training ? ":training" : ":inference") +
         scopes[static_cast<int>(scope)];
}

struct Tuner::Candidate {
  Choice choice;
  std::unique_ptr<Plan> plan;  ///< null: refused
  float time = 0;              ///< 0: none
  std::string finding;
};

/// What can be planned, and the reasons of what cannot; the plain way first.
Status Tuner::candidates(const RecurrentProblem& p, Scope scope, std::vector<Candidate>& all, bool* lasting) {
  std::vector<Algorithm> algorithms{Algorithm::Standard};
  if (scope != Scope::WithDynamic)
    algorithms.insert(algorithms.end(), {Algorithm::PersistStatic, Algorithm::PersistStaticSmallH});
  if (scope != Scope::Static && context_.compiles) algorithms.push_back(Algorithm::PersistDynamic);
  const Arrangement arrangement = arrange(p, p.T);
  for (const Algorithm algorithm : algorithms) {
    for (const bool batch_major : orders(p)) {
      Candidate& candidate = all.emplace_back();
      candidate.choice = {algorithm, batch_major};
      const char* const why = obstacle(algorithm, p, arrangement);
      const Status status = why ? Status::fail(StatusKind::Unsupported, {"%s", why})
                                : planner_.plan(p, arrangement, candidate.choice, &candidate.plan);
      if (context_.lost || (!status.is_ok() && all.size() == 1)) return status;
      if (status.kind == StatusKind::OutOfMemory) *lasting = false;
      if (!status.is_ok()) candidate.finding = refused(status);
    }
  }
  return Status::ok();
}

/// The fastest of the candidates whose results are those of the plain way. A problem that leaves no room for a trial
/// gets that; `lasting` is false then.
Status Tuner::measure(const RecurrentProblem& problem, const Chunk& chunk, Scope scope, Verdict* out, bool* lasting) {
  const ExclusiveLock lock(
      context_.device);  // what is compiled and loaded waits for the device, and nobody else shall slow what is timed
  const RecurrentProblem p = without_lengths(problem, chunk);
  std::vector<Candidate> all;
  STM_TRY(candidates(p, scope, all, lasting));
  STM_TRY(compare(p, all, lasting));
  const Candidate* best = &all.front();
  out->findings.clear();
  for (const Candidate& candidate : all) {
    if (computes_.size() > kMostNotes) computes_.clear();
    if (*lasting) computes_[key_of(p, chunk, Scope::Everything) + candidate.choice.text()] = candidate.time > 0;
    out->findings += (out->findings.empty() ? "" : " ") + candidate.choice.text() + "=" + candidate.finding;
    if (candidate.time > 0 && candidate.time < best->time) best = &candidate;
  }
  out->choice = best->time < kWorthwhile * all.front().time ? best->choice : all.front().choice;
  return Status::ok();
}

/// Times them. What fails says why, and does not count.
Status Tuner::compare(const RecurrentProblem& p, std::vector<Candidate>& all, bool* lasting) {
  std::vector<const Plan*> plans;
  for (const Candidate& candidate : all)
    if (candidate.plan) plans.push_back(candidate.plan.get());
  Trial trial(context_, p);
  Status status = trial.begin(plans);
  float fastest = 0;
  for (Candidate& candidate : all) {
    const bool plain = &candidate == &all.front();
    if (!candidate.plan) continue;
    bool agrees = true;
    const auto attempt = [&] {
      STM_TRY(trial.enter(*candidate.plan));
      STM_TRY(trial.run());
      if (plain) trial.keep_results();
      else STM_TRY(trial.agrees(&agrees));
      return agrees ? trial.time(fastest, &candidate.time) : Status::ok();
    };
    if (status.is_ok()) status = attempt();
    if (context_.lost) return status;
    if (status.kind == StatusKind::OutOfMemory) *lasting = false;
    if (!status.is_ok()) candidate.time = 0;
    if (!status.is_ok() && plain) return status.kind == StatusKind::OutOfMemory ? Status::ok() : status;
    if (candidate.time > 0) fastest = fastest > 0 ? std::min(fastest, candidate.time) : candidate.time;
    char text[32];
    std::snprintf(text, sizeof text, "%.3fms", static_cast<double>(candidate.time));
    candidate.finding = !status.is_ok() ? refused(status) : agrees ? text : "differs";
    status = Status::ok();
  }
  return Status::ok();
}

Status Tuner::prove(const RecurrentProblem& problem, const Arrangement& arrangement, Choice choice,
                    std::optional<bool>* proven) {
  const std::string key = key_of(problem, arrangement.chunks[0], Scope::Everything) + choice.text();
  const auto known = computes_.find(key);
  if (known != computes_.end()) {
    *proven = known->second;
    return Status::ok();
  }
  proven->reset();
  cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
  STM_CUDA(context_, cudaStreamIsCapturing(context_.stream, &capturing));
  if (capturing != cudaStreamCaptureStatusNone) return Status::ok();
  const ExclusiveLock lock(context_.device);
  RecurrentProblem p = without_lengths(problem, arrangement.chunks[0]);
  p.T = std::min(p.T, kProvingSteps);
  std::unique_ptr<Plan> plan, standard;
  Trial trial(context_, p);
  bool agrees = false;
  const auto attempt = [&] {
    STM_TRY(planner_.plan(p, arrange(p, p.T), choice, &plan));
    STM_TRY(planner_.plan(p, arrange(p, p.T), {Algorithm::Standard, orders(p).front()}, &standard));
    STM_TRY(trial.begin({standard.get(), plan.get()}));
    STM_TRY(trial.enter(*standard));
    STM_TRY(trial.run());
    trial.keep_results();
    STM_TRY(trial.enter(*plan));
    STM_TRY(trial.run());
    return trial.agrees(&agrees);
  };
  const Status status = attempt();
  if (context_.lost) return status;
  if (status.kind == StatusKind::OutOfMemory) return Status::ok();  // it is tried again
  if (computes_.size() > kMostNotes) computes_.clear();
  *proven = computes_[key] = status.is_ok() && agrees;
  return Status::ok();
}

void Tuner::refuse(const RecurrentProblem& problem, const Arrangement& arrangement, Choice choice) {
  computes_[key_of(problem, arrangement.chunks[0], Scope::Everything) + choice.text()] = false;
}

}  // namespace stm::cuda
