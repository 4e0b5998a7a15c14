#include "backend/cuda/recurrent/tuning.h"

#include <cstdlib>
#include <cstring>

#include "backend/cuda/device_lock.h"
#include "backend/cuda/recurrent/trial.h"

namespace stm::cuda {
namespace {

constexpr Algorithm kCandidates[] = {Algorithm::PersistStatic, Algorithm::PersistDynamic, Algorithm::PersistStaticSmallH};

std::string name_of_device(const Context& context) {
  cudaDeviceProp properties;
  if (cudaGetDeviceProperties(&properties, context.device) != cudaSuccess) {
    (void)cudaGetLastError();  // or the next launch would report it
    return "unknown";
  }
  std::string name = properties.name;
  for (char& c : name)
    if (c == ' ') c = '-';
  return name;
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
  if (algorithm == Algorithm::PersistStaticSmallH && p.H > (gated ? 192 : 384)) return gated ? "more than 192 hidden units" : "more than 384 hidden units";
  return nullptr;
}

Tuner::Tuner(Context& context, Planner& planner) : context_(context), planner_(planner) {
  const char* const setting = std::getenv("STMNET_CUDNN_AUTOTUNE");
  enabled_ = !setting || std::strcmp(setting, "0") != 0;
  if (enabled_) device_ = name_of_device(context);
}

Status Tuner::choose(const RecurrentProblem& p, const Arrangement& arrangement, Algorithm* out) {
  *out = p.algorithm;
  if (p.algorithm != Algorithm::Auto) return Status::ok();
  *out = Algorithm::Standard;
  if (!enabled_ || p.deterministic || obstacle(Algorithm::PersistDynamic, p, arrangement)) return Status::ok();
  const Chunk& chunk = arrangement.chunks[0];
  const std::string key = key_of(p, chunk);
  if (cache_.find(key, out)) return Status::ok();
  cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
  STM_CUDA(context_, cudaStreamIsCapturing(context_.stream, &capturing));
  bool lasting = false;
  if (capturing == cudaStreamCaptureStatusNone) STM_TRY(measure(p, chunk, out, &lasting));
  cache_.put(key, *out, lasting);
  return Status::ok();
}

/// All that the times depend on; T by its power of two.
std::string Tuner::key_of(const RecurrentProblem& p, const Chunk& chunk) const {
  static const char* const cells[] = {"lstm", "gru", "rnnTanh", "rnnRelu"};
  static const char* const elements[] = {"f32", "f64", "f16", "bf16"};
  int64_t steps = 1;
  while (steps < chunk.steps) steps *= 2;
  const bool tf32 = p.dtype == DType::F32 && p.math == MathMode::Tf32;
  std::string key = device_ + ":" + std::to_string(context_.capability) + ":cudnn" + std::to_string(context_.libraries->cudnnGetVersion()) + ":" +
                    cells[static_cast<int>(p.cell)] + ":" + (tf32 ? "tf32" : elements[static_cast<int>(element_of(p))]);
  const struct {
    char letter;
    int64_t value;
  } sizes[] = {{'D', p.D}, {'H', p.H}, {'L', p.L}, {'K', p.K}, {'N', chunk.batch}, {'T', steps}};
  for (const auto& size : sizes) key += std::string(":") + size.letter + std::to_string(size.value);
  return key + (p.batch_first ? ":batchFirst" : ":timeFirst") + (p.training ? ":training" : ":inference");
}

/// The fastest of the algorithms whose results are those of the standard one. A problem that leaves no room for a trial gets that; `lasting` is false then.
Status Tuner::measure(const RecurrentProblem& problem, const Chunk& chunk, Algorithm* out, bool* lasting) {
  const ExclusiveLock lock(context_.device);  // a trial takes and gives back memory of its own
  *out = Algorithm::Standard;
  *lasting = true;
  RecurrentProblem p = problem;
  p.N = chunk.batch;
  p.T = chunk.steps;
  p.lengths = nullptr;
  const auto tried = [&](Status status) {  // whether the trial says something
    if (status.kind == StatusKind::OutOfMemory) *lasting = false;
    return status.is_ok();
  };
  TrialOperands operands;
  Trial standard(context_, operands);
  float best = 0;
  const auto base = [&] {
    STM_TRY(operands.make(context_, p));
    STM_TRY(standard.make(planner_, Algorithm::Standard));
    return standard.time(&best);
  };
  if (const Status status = base(); !tried(status)) return status.kind == StatusKind::OutOfMemory ? Status::ok() : status;
  for (const Algorithm algorithm : kCandidates) {
    if (obstacle(algorithm, p, arrange(p, p.T))) continue;
    Trial trial(context_, operands);
    float time = 0;
    bool agrees = false;
    const auto attempt = [&] {
      STM_TRY(trial.make(planner_, algorithm));
      STM_TRY(trial.run());
      STM_TRY(trial.agrees(standard, &agrees));
      return agrees ? trial.time(&time) : Status::ok();
    };
    const Status status = attempt();
    if (context_.lost) return status;
    if (!tried(status) || !agrees || time >= best) continue;
    best = time;
    *out = algorithm;
  }
  return Status::ok();
}

}  // namespace stm::cuda
