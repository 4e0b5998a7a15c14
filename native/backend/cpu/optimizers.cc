#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/backend.h"
#include "backend/cpu/dispatch.h"
#include "backend/cpu/team.h"
#include "backend/optimizer_maths.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/optimizers.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// One vector of elements: `step(d, p, g, m0, m1, m2)` changes all but g.
template <int kMoments, class D, class Step, class T = hn::TFromD<D>>
HWY_ATTR HWY_INLINE void StepVector(D d, const OptimizerSlot& slot, int64_t at, const Step& step) {
  T* const parameter = static_cast<T*>(slot.parameter) + at;
  const auto moment = [&](int i) HWY_ATTR { return static_cast<T*>(slot.moment[i]) + at; };
  auto p = hn::LoadU(d, parameter);
  const auto g = hn::LoadU(d, static_cast<const T*>(slot.gradient) + at);
  auto m0 = hn::Zero(d), m1 = hn::Zero(d), m2 = hn::Zero(d);
  if constexpr (kMoments > 0) m0 = hn::LoadU(d, moment(0));
  if constexpr (kMoments > 1) m1 = hn::LoadU(d, moment(1));
  if constexpr (kMoments > 2) m2 = hn::LoadU(d, moment(2));
  step(d, p, g, m0, m1, m2);
  hn::StoreU(p, d, parameter);
  if constexpr (kMoments > 0) hn::StoreU(m0, d, moment(0));
  if constexpr (kMoments > 1) hn::StoreU(m1, d, moment(1));
  if constexpr (kMoments > 2) hn::StoreU(m2, d, moment(2));
}

template <class T, int kMoments, class Step>
HWY_ATTR void StepElements(const OptimizerSlot& slot, int64_t begin, int64_t end, const Step& step) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  int64_t at = begin;
  for (; at + lanes <= end; at += lanes) StepVector<kMoments>(d, slot, at, step);
  if (at == end) return;
  // The last elements, fewer than a vector holds, take the same way in a copy: their results do not depend on where a
  // part ends.
  T copies[2 + kMaxOptimizerMoments][HWY_MAX_BYTES / sizeof(T)] = {};
  const size_t bytes = static_cast<size_t>(end - at) * sizeof(T);
  OptimizerSlot last = slot;
  last.parameter = copies[0];
  last.gradient = copies[1];
  std::memcpy(copies[0], static_cast<const T*>(slot.parameter) + at, bytes);
  std::memcpy(copies[1], static_cast<const T*>(slot.gradient) + at, bytes);
  for (int i = 0; i < kMoments; ++i) {
    last.moment[i] = copies[2 + i];
    std::memcpy(copies[2 + i], static_cast<const T*>(slot.moment[i]) + at, bytes);
  }
  StepVector<kMoments>(d, last, 0, step);
  std::memcpy(static_cast<T*>(slot.parameter) + at, copies[0], bytes);
  for (int i = 0; i < kMoments; ++i) std::memcpy(static_cast<T*>(slot.moment[i]) + at, copies[2 + i], bytes);
}

template <int kMoments, class Step>
HWY_ATTR void StepSlot(const OptimizerSlot& slot, int64_t begin, int64_t end, const Step& step) {
  if (slot.dtype == DType::F32) StepElements<float, kMoments>(slot, begin, end, step);
  else StepElements<double, kMoments>(slot, begin, end, step);
}

/// The number `x` in every lane. A macro's work, but typed: `d` says which precision.
template <class D>
HWY_ATTR HWY_INLINE hn::Vec<D> All(D d, double x) {
  return hn::Set(d, static_cast<hn::TFromD<D>>(x));
}

template <class D, class V>
HWY_ATTR HWY_INLINE V Decayed(D d, V g, V p, double weight_decay) {
  return hn::MulAdd(All(d, weight_decay), p, g);
}

// What the factors are stands at each rule's begin_step.

HWY_ATTR void Sgd(const SgdRule& rule, const StepFactors& factors, const OptimizerSlot& slot, int64_t begin,
                  int64_t end) {
  const bool first = factors.b == 1;
  const auto step = [&](auto d, auto& p, auto g, auto& velocity, auto&, auto&) HWY_ATTR {
    auto change = Decayed(d, g, p, rule.weight_decay);
    if (rule.momentum != 0) {
      velocity =
          first ? change : hn::MulAdd(All(d, rule.momentum), velocity, hn::Mul(All(d, 1 - rule.dampening), change));
      change = rule.nesterov ? hn::MulAdd(All(d, rule.momentum), velocity, change) : velocity;
    }
    p = hn::NegMulAdd(All(d, factors.a), change, p);
  };
  if (rule.momentum != 0) StepSlot<1>(slot, begin, end, step);
  else StepSlot<0>(slot, begin, end, step);
}

HWY_ATTR void Adam(const AdamRule& rule, const StepFactors& factors, const OptimizerSlot& slot, int64_t begin,
                   int64_t end) {
  const double decay = rule.decoupled ? 0 : rule.weight_decay;
  const auto step = [&](auto d, auto& p, auto g, auto& mean, auto& square, auto& largest) HWY_ATTR {
    g = Decayed(d, g, p, decay);
    mean = hn::MulAdd(All(d, 1 - rule.beta1), hn::Sub(g, mean), mean);
    square = hn::MulAdd(All(d, rule.beta2), square, hn::Mul(hn::Mul(All(d, 1 - rule.beta2), g), g));
    if (rule.amsgrad) largest = hn::Max(largest, square);
    const auto root = hn::MulAdd(hn::Sqrt(rule.amsgrad ? largest : square), All(d, factors.b), All(d, rule.eps));
    p = hn::NegMulAdd(All(d, factors.a), hn::Div(mean, root), hn::Mul(All(d, factors.c), p));
  };
  if (rule.amsgrad) StepSlot<3>(slot, begin, end, step);
  else StepSlot<2>(slot, begin, end, step);
}

HWY_ATTR void Nadam(const NadamRule& rule, const StepFactors& factors, const OptimizerSlot& slot, int64_t begin,
                    int64_t end) {
  const double decay = rule.decoupled ? 0 : rule.weight_decay;
  StepSlot<2>(slot, begin, end, [&](auto d, auto& p, auto g, auto& mean, auto& square, auto&) HWY_ATTR {
    g = Decayed(d, g, p, decay);
    mean = hn::MulAdd(All(d, 1 - rule.beta1), hn::Sub(g, mean), mean);
    square = hn::MulAdd(All(d, rule.beta2), square, hn::Mul(hn::Mul(All(d, 1 - rule.beta2), g), g));
    const auto root = hn::MulAdd(hn::Sqrt(square), All(d, factors.b), All(d, rule.eps));
    const auto change = hn::MulAdd(All(d, factors.a), g, hn::Mul(All(d, factors.d), mean));
    p = hn::Sub(hn::Mul(All(d, factors.c), p), hn::Div(change, root));
  });
}

HWY_ATTR void Adamax(const AdamaxRule& rule, const StepFactors& factors, const OptimizerSlot& slot, int64_t begin,
                     int64_t end) {
  StepSlot<2>(slot, begin, end, [&](auto d, auto& p, auto g, auto& mean, auto& largest, auto&) HWY_ATTR {
    g = Decayed(d, g, p, rule.weight_decay);
    mean = hn::MulAdd(All(d, 1 - rule.beta1), hn::Sub(g, mean), mean);
    largest = hn::Max(hn::Mul(All(d, rule.beta2), largest), hn::Add(hn::Abs(g), All(d, rule.eps)));
    p = hn::NegMulAdd(All(d, factors.a), hn::Div(mean, largest), p);
  });
}

/// The moments that are kept lie without gaps: square, then mean if centered, then velocity.
HWY_ATTR void Rmsprop(const RmspropRule& rule, const StepFactors& factors, const OptimizerSlot& slot, int64_t begin,
                      int64_t end) {
  const auto step = [&](auto d, auto& p, auto g, auto& square, auto& second, auto& third) HWY_ATTR {
    auto& velocity = rule.centered ? third : second;
    g = Decayed(d, g, p, rule.weight_decay);
    square = hn::MulAdd(All(d, rule.alpha), square, hn::Mul(hn::Mul(All(d, 1 - rule.alpha), g), g));
    auto spread = square;
    if (rule.centered) {
      second = hn::MulAdd(All(d, 1 - rule.alpha), hn::Sub(g, second), second);
      spread = hn::Max(hn::NegMulAdd(second, second, square), hn::Zero(d));  // rounding may take it below 0
    }
    auto change = hn::Div(g, hn::Add(hn::Sqrt(spread), All(d, rule.eps)));
    if (rule.momentum != 0) change = velocity = hn::MulAdd(All(d, rule.momentum), velocity, change);
    p = hn::NegMulAdd(All(d, factors.a), change, p);
  };
  if (rule.centered && rule.momentum != 0) StepSlot<3>(slot, begin, end, step);
  else if (rule.centered || rule.momentum != 0) StepSlot<2>(slot, begin, end, step);
  else StepSlot<1>(slot, begin, end, step);
}

HWY_ATTR void Adagrad(const AdagradRule& rule, const StepFactors& factors, const OptimizerSlot& slot, int64_t begin,
                      int64_t end) {
  StepSlot<1>(slot, begin, end, [&](auto d, auto& p, auto g, auto& sum, auto&, auto&) HWY_ATTR {
    g = Decayed(d, g, p, rule.weight_decay);
    sum = hn::MulAdd(g, g, sum);
    p = hn::NegMulAdd(All(d, factors.a), hn::Div(g, hn::Add(hn::Sqrt(sum), All(d, rule.eps))), p);
  });
}

HWY_ATTR void Adadelta(const AdadeltaRule& rule, const StepFactors& factors, const OptimizerSlot& slot, int64_t begin,
                       int64_t end) {
  StepSlot<2>(slot, begin, end, [&](auto d, auto& p, auto g, auto& square, auto& changes, auto&) HWY_ATTR {
    const auto rest = All(d, 1 - rule.rho), eps = All(d, rule.eps);
    g = Decayed(d, g, p, rule.weight_decay);
    square = hn::MulAdd(All(d, rule.rho), square, hn::Mul(hn::Mul(rest, g), g));
    const auto change = hn::Mul(hn::Div(hn::Sqrt(hn::Add(changes, eps)), hn::Sqrt(hn::Add(square, eps))), g);
    changes = hn::MulAdd(All(d, rule.rho), changes, hn::Mul(hn::Mul(rest, change), change));
    p = hn::NegMulAdd(All(d, factors.a), change, p);
  });
}

/// Sum of squares in double, whatever the elements are.
HWY_ATTR double SumOfSquares(const float* x, int64_t n) {
  const hn::ScalableTag<double> d;
  const hn::Rebind<float, decltype(d)> narrow;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  auto even = hn::Zero(d), odd = hn::Zero(d);
  int64_t at = 0;
  for (; at + 2 * lanes <= n; at += 2 * lanes) {
    const auto a = hn::PromoteTo(d, hn::LoadU(narrow, x + at)), b = hn::PromoteTo(d, hn::LoadU(narrow, x + at + lanes));
    even = hn::MulAdd(a, a, even);
    odd = hn::MulAdd(b, b, odd);
  }
  double sum = hn::GetLane(hn::SumOfLanes(d, hn::Add(even, odd)));
  for (; at < n; ++at) sum += static_cast<double>(x[at]) * x[at];
  return sum;
}

}  // namespace stm::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {
namespace {

HWY_EXPORT(Sgd);
HWY_EXPORT(Adam);
HWY_EXPORT(Nadam);
HWY_EXPORT(Adamax);
HWY_EXPORT(Rmsprop);
HWY_EXPORT(Adagrad);
HWY_EXPORT(Adadelta);
HWY_EXPORT(SumOfSquares);

// The walk of each rule, on the instruction set chosen at run time.
#define STM_WALK(Rule, Walk)                                                                                       \
  void walk(const Rule& rule, const StepFactors& factors, const OptimizerSlot& slot, int64_t begin, int64_t end) { \
    HWY_DYNAMIC_DISPATCH(Walk)(rule, factors, slot, begin, end);                                                   \
  }
STM_WALK(SgdRule, Sgd)
STM_WALK(AdamRule, Adam)
STM_WALK(NadamRule, Nadam)
STM_WALK(AdamaxRule, Adamax)
STM_WALK(RmspropRule, Rmsprop)
STM_WALK(AdagradRule, Adagrad)
STM_WALK(AdadeltaRule, Adadelta)
#undef STM_WALK

/// Work is shared out in pieces of this many elements, and norms are summed by such pieces, so that the number of
/// threads does not show.
constexpr int64_t kPiece = 16'384;

/// Calls `f(item, begin, end)` for the parts of the items that cover all of their elements, taken as one row and shared
/// out over the team.
template <class Size, class F>
void for_elements(int64_t count, const Size& size, const F& f) {
  int64_t total = 0;
  for (int64_t i = 0; i < count; ++i) total += size(i);
  parallel_for(total, kPiece, [&](int64_t begin, int64_t end) {
    for (int64_t item = 0, start = 0; item < count && start < end; start += size(item++)) {
      const int64_t from = std::max(begin, start), to = std::min(end, start + size(item));
      if (from < to) f(item, from - start, to - start);
    }
  });
}

/// Begins the step of each parameter; then the elements of all of them are shared out. Takes no memory: a step that
/// fails half-way would cost the parameters.
template <class Rule>
Status step_all(const Rule& rule, const OptimizerSlot* slots, int64_t count) {
  constexpr int64_t kAtOnce = 128;
  if (rule.skip && *rule.skip != 0) return Status::ok();
  const FlushDenormals flush;
  StepFactors factors[kAtOnce];
  for (int64_t first = 0; first < count; first += kAtOnce) {
    const int64_t here = std::min(kAtOnce, count - first);
    const OptimizerSlot* const some = slots + first;
    for (int64_t i = 0; i < here; ++i) factors[i] = begin_step(rule, some[i].scalars);
    for_elements(
        here, [&](int64_t i) { return some[i].size; },
        [&](int64_t i, int64_t begin, int64_t end) { walk(rule, factors[i], some[i], begin, end); });
  }
  return Status::ok();
}

/// The p-norm of a part is p_root(sum over its elements of |x|^p), or the largest |x|, which a NaN wins.
template <class T>
double part_of_norm(double p, const T* x, int64_t n) {
  double part = 0;
  for (int64_t i = 0; i < n; ++i) {
    const double magnitude = std::abs(static_cast<double>(x[i]));
    if (!std::isinf(p)) part += p == 1 ? magnitude : p == 2 ? magnitude * magnitude : std::pow(magnitude, p);
    else if (magnitude > part || magnitude != magnitude) part = magnitude;
  }
  return part;
}

class CpuOptimizerKernels final : public OptimizerKernels {
 public:
  Status step(const SgdRule& rule, const OptimizerSlot* slots, int64_t count) noexcept override {
    return guarded([&] { return step_all(rule, slots, count); });
  }
  Status step(const AdamRule& rule, const OptimizerSlot* slots, int64_t count) noexcept override {
    return guarded([&] { return step_all(rule, slots, count); });
  }
  Status step(const NadamRule& rule, const OptimizerSlot* slots, int64_t count) noexcept override {
    return guarded([&] { return step_all(rule, slots, count); });
  }
  Status step(const AdamaxRule& rule, const OptimizerSlot* slots, int64_t count) noexcept override {
    return guarded([&] { return step_all(rule, slots, count); });
  }
  Status step(const RmspropRule& rule, const OptimizerSlot* slots, int64_t count) noexcept override {
    return guarded([&] { return step_all(rule, slots, count); });
  }
  Status step(const AdagradRule& rule, const OptimizerSlot* slots, int64_t count) noexcept override {
    return guarded([&] { return step_all(rule, slots, count); });
  }
  Status step(const AdadeltaRule& rule, const OptimizerSlot* slots, int64_t count) noexcept override {
    return guarded([&] { return step_all(rule, slots, count); });
  }

  Status total_norm(double p, const View* gradients, int64_t count, const View& norm) noexcept override {
    return guarded([&] { return norm_of_all(p, gradients, count, norm); });
  }

  Status scale_to_norm(double max_norm, const View& norm, const View* gradients, int64_t count) noexcept override {
    const double total = norm.dtype == DType::F64 ? *norm.as<double>() : static_cast<double>(*norm.as<float>());
    const double factor = max_norm / (total + 1e-6);
    if (factor >= 1) return Status::ok();
    return guarded([&] {
      return change_all(gradients, count, [factor](auto x) { return static_cast<decltype(x)>(x * factor); });
    });
  }

  Status clamp(double limit, const View* gradients, int64_t count) noexcept override {
    return guarded([&] {
      return change_all(gradients, count, [limit](auto x) {
        const auto bound = static_cast<decltype(x)>(limit);
        return x > bound ? bound : x < -bound ? -bound : x;
      });
    });
  }

 private:
  static Status norm_of_all(double p, const View* gradients, int64_t count, const View& norm) {
    struct Part {
      const View* gradient;
      int64_t begin, size;
      double value;
    };
    std::vector<Part> parts;
    for (int64_t i = 0; i < count; ++i)
      for (int64_t begin = 0, size = gradients[i].size(); begin < size; begin += kPiece)
        parts.push_back({&gradients[i], begin, std::min(kPiece, size - begin), 0});
    parallel_for(static_cast<int64_t>(parts.size()), 1, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        Part& part = parts[i];
        if (part.gradient->dtype == DType::F64)
          part.value = part_of_norm(p, part.gradient->as<double>() + part.begin, part.size);
        else if (p == 2)
          part.value = HWY_DYNAMIC_DISPATCH(SumOfSquares)(part.gradient->as<float>() + part.begin, part.size);
        else part.value = part_of_norm(p, part.gradient->as<float>() + part.begin, part.size);
      }
    });
    double total = 0;
    for (const Part& part : parts) {
      if (!std::isinf(p)) total += part.value;
      else if (part.value > total || part.value != part.value) total = part.value;
    }
    if (!std::isinf(p)) total = p == 2 ? std::sqrt(total) : std::pow(total, 1 / p);
    return dispatch_floating(norm.dtype, [&](auto zero) {
      *norm.as<decltype(zero)>() = static_cast<decltype(zero)>(total);
      return Status::ok();
    });
  }

  template <class Change>
  static Status change_all(const View* gradients, int64_t count, const Change& change) {
    for_elements(
        count, [&](int64_t i) { return gradients[i].size(); },
        [&](int64_t i, int64_t begin, int64_t end) {
          const auto walk = [&](auto* x) {
            for (int64_t at = begin; at < end; ++at) x[at] = change(x[at]);
          };
          if (gradients[i].dtype == DType::F64) walk(gradients[i].as<double>());
          else walk(gradients[i].as<float>());
        });
    return Status::ok();
  }
};

}  // namespace

OptimizerKernels& cpu_optimizers() noexcept {
  static CpuOptimizerKernels kernels;
  return kernels;
}

}  // namespace stm
#endif  // HWY_ONCE
