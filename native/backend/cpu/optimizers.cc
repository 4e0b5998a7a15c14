#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "backend/cpu/backend.h"
#include "backend/cpu/stopping.h"
#include "backend/dispatch.h"
#include "backend/cpu/team.h"
#include "backend/kernels/optimizers.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/optimizers.cc"
#include "hwy/foreach_target.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm::HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

/// A vector as the number of optimizer_updates-inl.h.
template <class D>
struct Number {
  hn::Vec<D> vector;
  HWY_INLINE Number(hn::Vec<D> vector) : vector(vector) {}
  HWY_INLINE explicit Number(double x) : vector(hn::Set(D(), static_cast<hn::TFromD<D>>(x))) {}

  friend HWY_INLINE Number operator+(Number a, Number b) { return hn::Add(a.vector, b.vector); }
  friend HWY_INLINE Number operator-(Number a, Number b) { return hn::Sub(a.vector, b.vector); }
  friend HWY_INLINE Number operator*(Number a, Number b) { return hn::Mul(a.vector, b.vector); }
  friend HWY_INLINE Number operator/(Number a, Number b) { return hn::Div(a.vector, b.vector); }
  friend HWY_INLINE Number mul_add(Number a, Number b, Number c) { return hn::MulAdd(a.vector, b.vector, c.vector); }
  friend HWY_INLINE Number neg_mul_add(Number a, Number b, Number c) {
    return hn::NegMulAdd(a.vector, b.vector, c.vector);
  }
  friend HWY_INLINE Number sqrt(Number x) { return hn::Sqrt(x.vector); }
  friend HWY_INLINE Number abs(Number x) { return hn::Abs(x.vector); }
  friend HWY_INLINE Number larger(Number a, Number b) {
#if HWY_ARCH_X86
    return hn::Max(a.vector, b.vector);
#else  // here Max gives the number of a number and a NaN
    return hn::IfThenElse(hn::Gt(a.vector, b.vector), a.vector, b.vector);
#endif
  }
  // 0 of a NaN too, unlike the scalar's
  friend HWY_INLINE Number not_negative(Number x) { return hn::Max(x.vector, hn::Zero(D())); }
};
#include "backend/optimizer_updates-inl.h"

/// One vector of elements.
template <class D, class Rule, class T = hn::TFromD<D>>
HWY_ATTR HWY_INLINE void StepVector(D d, const Rule& rule, const typename Rule::Factors& factors,
                                    const OptimizerSlot& slot, int64_t at) {
  using N = Number<D>;
  T* const parameter = static_cast<T*>(slot.parameter) + at;
  const auto moment = [&](int i) HWY_ATTR { return static_cast<T*>(slot.moment[i]) + at; };
  N p = hn::LoadU(d, parameter);
  Moments<N> m = {N(0.0), N(0.0), N(0.0)};
  for (int i = 0; i < kMaxOptimizerMoments; ++i)
    if (i < rule.moments()) m[i] = hn::LoadU(d, moment(i));
  update(rule, factors, p, N(hn::LoadU(d, static_cast<const T*>(slot.gradient) + at)), m);
  hn::StoreU(p.vector, d, parameter);
  for (int i = 0; i < kMaxOptimizerMoments; ++i)
    if (i < rule.moments()) hn::StoreU(m[i].vector, d, moment(i));
}

/// Rule and factors are copies, which stay in registers: what is stored might lie in others, as far as a compiler sees.
template <class T, class Rule>
HWY_ATTR HWY_FLATTEN void StepElements(Rule rule, typename Rule::Factors factors, const OptimizerSlot& slot,
                                       int64_t begin, int64_t end) {
  const hn::ScalableTag<T> d;
  const int64_t lanes = static_cast<int64_t>(hn::Lanes(d));
  const size_t moments = static_cast<size_t>(rule.moments());
  int64_t at = begin;
  for (; at + lanes <= end; at += lanes) StepVector(d, rule, factors, slot, at);
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
  for (size_t i = 0; i < moments; ++i) {
    last.moment[i] = copies[2 + i];
    std::memcpy(copies[2 + i], static_cast<const T*>(slot.moment[i]) + at, bytes);
  }
  StepVector(d, rule, factors, last, 0);
  std::memcpy(static_cast<T*>(slot.parameter) + at, copies[0], bytes);
  for (size_t i = 0; i < moments; ++i) std::memcpy(static_cast<T*>(slot.moment[i]) + at, copies[2 + i], bytes);
}

#define STM_WALK(Name)                                                                                      \
  HWY_ATTR void Name(const Name##Rule& rule, const Name##Rule::Factors& factors, const OptimizerSlot& slot, \
                     int64_t begin, int64_t end) {                                                          \
    if (slot.dtype == DType::F32) StepElements<float>(rule, factors, slot, begin, end);                     \
    else StepElements<double>(rule, factors, slot, begin, end);                                             \
  }
STM_OPTIMIZER_RULES(STM_WALK)
#undef STM_WALK

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

#define STM_EXPORT(Name) HWY_EXPORT(Name);
STM_OPTIMIZER_RULES(STM_EXPORT)
#undef STM_EXPORT
HWY_EXPORT(SumOfSquares);

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
/// fails half-way would cost the parameters. `walk` is that of the rule, on the instruction set chosen at run time.
template <class Rule, class Walk>
Status step_all(const Rule& rule, const OptimizerSlot* slots, int64_t count, const Walk& walk) {
  constexpr int64_t kAtOnce = 128;
  if (rule.skip && *rule.skip != 0) return Status::ok();
  const FlushDenormals flush;
  typename Rule::Factors factors[kAtOnce];
  for (int64_t first = 0; first < count; first += kAtOnce) {
    const int64_t here = std::min(kAtOnce, count - first);
    const OptimizerSlot* const some = slots + first;
    for (int64_t i = 0; i < here; ++i) factors[i] = rule.begin(some[i].scalars);
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

class CpuOptimizers final : public OptimizerKernels {
 public:
#define STM_STEP(Name)                                                                                      \
  Status step(const Name##Rule& rule, const OptimizerSlot* slots, int64_t count) noexcept override {        \
    return guarded_until_stopped([&] { return step_all(rule, slots, count, HWY_DYNAMIC_DISPATCH(Name)); }); \
  }
  STM_OPTIMIZER_RULES(STM_STEP)
#undef STM_STEP

  Status total_norm(double p, const View* gradients, int64_t count, const View& norm) noexcept override {
    return guarded_until_stopped([&] { return norm_of_all(p, gradients, count, norm); });
  }

  Status scale_to_norm(double max_norm, const View& norm, const View* gradients, int64_t count) noexcept override {
    const double total = norm.dtype == DType::F64 ? *norm.as<double>() : static_cast<double>(*norm.as<float>());
    const double factor = max_norm / (total + 1e-6);
    if (factor >= 1) return Status::ok();
    return guarded_until_stopped([&] {
      return change_all(gradients, count, [factor](auto x) { return static_cast<decltype(x)>(x * factor); });
    });
  }

  Status clamp(double limit, const View* gradients, int64_t count) noexcept override {
    return guarded_until_stopped([&] {
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
  static CpuOptimizers kernels;
  return kernels;
}

}  // namespace stm
#endif  // HWY_ONCE
