#include "backend/cuda/optimizers.h"

#include <cstdint>

#include "backend/cuda/packs.h"
#include "backend/cuda/pieces.h"
#include "backend/optimizer_maths.h"

namespace stm::cuda {
namespace {

// ---- one element of each rule: parameter p, gradient g, moments m. The CPU's loops say the same in vectors.

template <class T>
STM_DEVICE T decayed(double weight_decay, T g, T p) {
  return static_cast<T>(weight_decay) * p + g;
}
/// keep · mean + (1 - keep) · x, as the step from the mean to x.
template <class T>
STM_DEVICE T moved(double keep, T mean, T x) {
  return static_cast<T>(1 - keep) * (x - mean) + mean;
}
template <class T>
STM_DEVICE T moved_square(double keep, T square, T x) {
  return static_cast<T>(keep) * square + static_cast<T>(1 - keep) * x * x;
}

template <class T>
STM_DEVICE void change(const SgdRule& rule, const StepFactors& factors, T& p, T g, T (&m)[3]) {
  T change = decayed(rule.weight_decay, g, p);
  if (rule.momentum != 0) {
    m[0] = factors.b == 1 ? change : static_cast<T>(rule.momentum) * m[0] + static_cast<T>(1 - rule.dampening) * change;
    change = rule.nesterov ? static_cast<T>(rule.momentum) * m[0] + change : m[0];
  }
  p -= static_cast<T>(factors.a) * change;
}

template <class T>
STM_DEVICE void change(const AdamRule& rule, const StepFactors& factors, T& p, T g, T (&m)[3]) {
  g = decayed(rule.decoupled ? 0 : rule.weight_decay, g, p);
  m[0] = moved(rule.beta1, m[0], g);
  m[1] = moved_square(rule.beta2, m[1], g);
  if (rule.amsgrad) m[2] = m[2] > m[1] ? m[2] : m[1];
  const T root = std::sqrt(rule.amsgrad ? m[2] : m[1]) * static_cast<T>(factors.b) + static_cast<T>(rule.eps);
  p = static_cast<T>(factors.c) * p - static_cast<T>(factors.a) * (m[0] / root);
}

template <class T>
STM_DEVICE void change(const NadamRule& rule, const StepFactors& factors, T& p, T g, T (&m)[3]) {
  g = decayed(rule.decoupled ? 0 : rule.weight_decay, g, p);
  m[0] = moved(rule.beta1, m[0], g);
  m[1] = moved_square(rule.beta2, m[1], g);
  const T root = std::sqrt(m[1]) * static_cast<T>(factors.b) + static_cast<T>(rule.eps);
  p = static_cast<T>(factors.c) * p - (static_cast<T>(factors.a) * g + static_cast<T>(factors.d) * m[0]) / root;
}

template <class T>
STM_DEVICE void change(const AdamaxRule& rule, const StepFactors& factors, T& p, T g, T (&m)[3]) {
  g = decayed(rule.weight_decay, g, p);
  m[0] = moved(rule.beta1, m[0], g);
  const T kept = static_cast<T>(rule.beta2) * m[1], now = std::abs(g) + static_cast<T>(rule.eps);
  m[1] = kept > now ? kept : now;
  p -= static_cast<T>(factors.a) * (m[0] / m[1]);
}

template <class T>
STM_DEVICE void change(const RmspropRule& rule, const StepFactors& factors, T& p, T g, T (&m)[3]) {
  g = decayed(rule.weight_decay, g, p);
  m[0] = moved_square(rule.alpha, m[0], g);
  T spread = m[0];
  if (rule.centered) {
    m[1] = moved(rule.alpha, m[1], g);
    spread -= m[1] * m[1];
    if (spread < 0) spread = 0;  // by rounding
  }
  T change = g / (std::sqrt(spread) + static_cast<T>(rule.eps));
  if (rule.momentum != 0 && rule.centered) change = m[2] = static_cast<T>(rule.momentum) * m[2] + change;
  else if (rule.momentum != 0) change = m[1] = static_cast<T>(rule.momentum) * m[1] + change;
  p -= static_cast<T>(factors.a) * change;
}

template <class T>
STM_DEVICE void change(const AdagradRule& rule, const StepFactors& factors, T& p, T g, T (&m)[3]) {
  g = decayed(rule.weight_decay, g, p);
  m[0] += g * g;
  p -= static_cast<T>(factors.a) * (g / (std::sqrt(m[0]) + static_cast<T>(rule.eps)));
}

template <class T>
STM_DEVICE void change(const AdadeltaRule& rule, const StepFactors& factors, T& p, T g, T (&m)[3]) {
  const T eps = static_cast<T>(rule.eps);
  g = decayed(rule.weight_decay, g, p);
  m[0] = moved_square(rule.rho, m[0], g);
  const T change = std::sqrt(m[1] + eps) / std::sqrt(m[0] + eps) * g;
  m[1] = moved_square(rule.rho, m[1], change);
  p -= static_cast<T>(factors.a) * change;
}

int moments_of(const SgdRule& rule) { return rule.momentum != 0 ? 1 : 0; }
int moments_of(const AdamRule& rule) { return rule.amsgrad ? 3 : 2; }
int moments_of(const NadamRule&) { return 2; }
int moments_of(const AdamaxRule&) { return 2; }
int moments_of(const RmspropRule& rule) { return 1 + (rule.centered ? 1 : 0) + (rule.momentum != 0 ? 1 : 0); }
int moments_of(const AdagradRule&) { return 1; }
int moments_of(const AdadeltaRule&) { return 2; }

// ---- kernels

/// Whether the step is to be left out. Nothing that runs between the two launches of a step changes the answer.
STM_DEVICE bool left_out(const OptimizerRule& rule, const DeviceFault* fault) {
  return (rule.skip && *rule.skip != 0) || fault->code != 0;
}

template <class Rule>
struct BeginSteps {
  static constexpr int kItems = 400;
  Rule rule;
  const DeviceFault* fault;
  StepFactors* factors;
  double* scalars[kItems];
  STM_DEVICE void operator()(int64_t i) const {
    if (!left_out(rule, fault)) factors[i] = begin_step(rule, scalars[i]);
  }
};

struct StepItem {
  void* parameter;
  const void* gradient;
  void* moment[kMaxOptimizerMoments];
  const StepFactors* factors;  ///< null if the rule begins without scalars
  int64_t size;
};

template <class Rule, class T>
struct StepPieces {
  static constexpr int kPiece = 2048, kItems = 60, kWidth = kPackWidth<T>;
  using Table = PieceTable<StepItem, kPiece, kItems>;
  Rule rule;
  const DeviceFault* fault;
  int32_t moments;
  Table table;

  STM_DEVICE void operator()(Block& block, int64_t piece) const {
    if (left_out(rule, fault)) return;
    table.with_piece(piece, [&](const StepItem& item, int64_t begin, int64_t size) {
      const StepFactors factors = item.factors ? *item.factors : begin_step(rule, nullptr);
      each_pack<kWidth>(block, size, lies_in_packs(item),
                        [&](auto width, int64_t i) { step<decltype(width)::value>(item, factors, begin + i); });
    });
  }

 private:
  STM_DEVICE bool lies_in_packs(const StepItem& item) const {
    bool all = lie_in_packs<kWidth>(array(item.parameter), array(item.gradient));
    for (int j = 0; j < moments; ++j) all = all && lie_in_packs<kWidth>(array(item.moment[j]));
    return all;
  }
  STM_DEVICE static T* array(const void* data) { return static_cast<T*>(const_cast<void*>(data)); }
  template <int kSome>
  STM_DEVICE static Pack<T, kSome>& pack(const void* data, int64_t at) {
    return *pack_at<kSome>(array(data) + at);
  }
  template <int kSome>
  STM_DEVICE void step(const StepItem& item, const StepFactors& factors, int64_t at) const {
    using Some = Pack<T, kSome>;
    Some p = pack<kSome>(item.parameter, at), m0 = {}, m1 = {}, m2 = {};
    const Some g = pack<kSome>(item.gradient, at);
    if (moments > 0) m0 = pack<kSome>(item.moment[0], at);
    if (moments > 1) m1 = pack<kSome>(item.moment[1], at);
    if (moments > 2) m2 = pack<kSome>(item.moment[2], at);
    for (int k = 0; k < kSome; ++k) {
      T m[3] = {m0.item[k], m1.item[k], m2.item[k]};
      change(rule, factors, p.item[k], g.item[k], m);
      m0.item[k] = m[0];
      m1.item[k] = m[1];
      m2.item[k] = m[2];
    }
    pack<kSome>(item.parameter, at) = p;
    if (moments > 0) pack<kSome>(item.moment[0], at) = m0;
    if (moments > 1) pack<kSome>(item.moment[1], at) = m1;
    if (moments > 2) pack<kSome>(item.moment[2], at) = m2;
  }
};

template <class Rule>
Status begin_steps(Context& context, const Rule& rule, const OptimizerSlot* slots, int64_t count,
                   StepFactors* factors) {
  using Kernel = BeginSteps<Rule>;
  for (int64_t first = 0; first < count; first += Kernel::kItems) {
    Kernel kernel{rule, context.fault, factors + first, {}};
    const int64_t n = std::min<int64_t>(Kernel::kItems, count - first);
    for (int64_t i = 0; i < n; ++i) kernel.scalars[i] = slots[first + i].scalars;
    STM_TRY(launch_each(context, "begin_steps", n, kernel));
  }
  return Status::ok();
}

/// Steps the parameters of type T.
template <class T, class Rule>
Status step_type(Context& context, const Rule& rule, DType dtype, const OptimizerSlot* slots, int64_t count,
                 const StepFactors* factors) {
  using Kernel = StepPieces<Rule, T>;
  const auto item = [&](int64_t i) {
    const OptimizerSlot& slot = slots[i];
    return StepItem{slot.parameter,
                    slot.gradient,
                    {slot.moment[0], slot.moment[1], slot.moment[2]},
                    factors ? factors + i : nullptr,
                    slot.dtype == dtype ? slot.size : 0};
  };
  return Kernel::Table::for_each(count, item, [&](const typename Kernel::Table& table) {
    return launch_blocks(context, "step_pieces", table.pieces(), Kernel::kPiece,
                         Kernel{rule, context.fault, moments_of(rule), table});
  });
}

template <class Rule>
Status step_all(Context& context, const Rule& rule, const OptimizerSlot* slots, int64_t count) {
  if (count == 0) return Status::ok();
  void* factors = nullptr;
  if (slots[0].scalars) {
    STM_TRY(context.scratch(Context::kOther, static_cast<size_t>(count) * sizeof(StepFactors), &factors));
    STM_TRY(begin_steps(context, rule, slots, count, static_cast<StepFactors*>(factors)));
  }
  STM_TRY(step_type<float>(context, rule, DType::F32, slots, count, static_cast<StepFactors*>(factors)));
  return step_type<double>(context, rule, DType::F64, slots, count, static_cast<StepFactors*>(factors));
}

}  // namespace

Status CudaOptimizers::step(const SgdRule& rule, const OptimizerSlot* slots, int64_t count) noexcept {
  return step_all(context_, rule, slots, count);
}
Status CudaOptimizers::step(const AdamRule& rule, const OptimizerSlot* slots, int64_t count) noexcept {
  return step_all(context_, rule, slots, count);
}
Status CudaOptimizers::step(const NadamRule& rule, const OptimizerSlot* slots, int64_t count) noexcept {
  return step_all(context_, rule, slots, count);
}
Status CudaOptimizers::step(const AdamaxRule& rule, const OptimizerSlot* slots, int64_t count) noexcept {
  return step_all(context_, rule, slots, count);
}
Status CudaOptimizers::step(const RmspropRule& rule, const OptimizerSlot* slots, int64_t count) noexcept {
  return step_all(context_, rule, slots, count);
}
Status CudaOptimizers::step(const AdagradRule& rule, const OptimizerSlot* slots, int64_t count) noexcept {
  return step_all(context_, rule, slots, count);
}
Status CudaOptimizers::step(const AdadeltaRule& rule, const OptimizerSlot* slots, int64_t count) noexcept {
  return step_all(context_, rule, slots, count);
}

}  // namespace stm::cuda
