#pragma once
// The point-wise losses, written once for every device and both precisions: their list, and the scalar maths, which is
// value, derivative by the prediction x and by the target t; `a` the parameter, `w` the weight.
#include <algorithm>
#include <cmath>

#include "backend/functors.h"

/// X(Name, op) for each loss: NameOf below is its maths, op the function that users call. Prediction x, target t, `a`
/// PointwiseLoss::parameter, w the element's weight:
///
///   SquaredError          (x - t)²
///   AbsoluteError         |x - t|
///   SmoothAbsoluteError   (x - t)² / 2a below |x - t| = a, else |x - t| - a / 2
///   Huber                 (x - t)² / 2 up to |x - t| = a, else a · (|x - t| - a / 2)
///   BinaryCrossEntropy    -(t · log x + (1 - t) · log(1 - x)), logarithms not below -100; x and t in [0, 1]
///   BinaryCrossEntropyWithLogits   the same with σ(x) for x, the first term weighted by w; t in [0, 1]
///   Divergence            t · (log t - x), 0 where t is; t in [0, 1]
///   DivergenceFromLog     e^t · (t - x)
#define STM_POINTWISE_LOSSES(X)                                   \
  X(SquaredError, "mseLoss")                                      \
  X(AbsoluteError, "l1Loss")                                      \
  X(SmoothAbsoluteError, "smoothL1Loss")                          \
  X(Huber, "huberLoss")                                           \
  X(BinaryCrossEntropy, "binaryCrossEntropy")                     \
  X(BinaryCrossEntropyWithLogits, "binaryCrossEntropyWithLogits") \
  X(Divergence, "klDivergence")                                   \
  X(DivergenceFromLog, "klDivergenceFromLog")

namespace stm {

enum class Pointwise : int32_t {
#define STM_ENTRY(Name, op) Name,
  STM_POINTWISE_LOSSES(STM_ENTRY)
#undef STM_ENTRY
};

template <class T>
struct SquaredErrorOf {
  static STM_DEVICE T value(T x, T t, T, T) { return (x - t) * (x - t); }
  static STM_DEVICE T by_x(T x, T t, T, T) { return 2 * (x - t); }
  static STM_DEVICE T by_t(T x, T t, T, T) { return 2 * (t - x); }
};

template <class T>
struct AbsoluteErrorOf {
  static STM_DEVICE T value(T x, T t, T, T) { return std::abs(x - t); }
  static STM_DEVICE T by_x(T x, T t, T, T) { return functors::sign(x - t); }
  static STM_DEVICE T by_t(T x, T t, T, T) { return functors::sign(t - x); }
};

template <class T>
struct SmoothAbsoluteErrorOf {
  static STM_DEVICE T value(T x, T t, T a, T) {
    const T d = std::abs(x - t);
    return d < a ? d * d / (2 * a) : d - a / 2;
  }
  static STM_DEVICE T by_x(T x, T t, T a, T) {
    const T d = x - t;
    return d >= a || d <= -a || a == 0 ? functors::sign(d) : d / a;
  }
  static STM_DEVICE T by_t(T x, T t, T a, T w) { return by_x(t, x, a, w); }
};

template <class T>
struct HuberOf {
  static STM_DEVICE T value(T x, T t, T a, T) {
    const T d = std::abs(x - t);
    return d <= a ? d * d / 2 : a * (d - a / 2);
  }
  static STM_DEVICE T by_x(T x, T t, T a, T) {
    const T d = x - t;
    return std::abs(d) > a ? a * functors::sign(d) : d;
  }
  static STM_DEVICE T by_t(T x, T t, T a, T w) { return by_x(t, x, a, w); }
};

template <class T>
struct BinaryCrossEntropyOf {
  static STM_DEVICE T bounded_log(T x) { return std::max(std::log(x), T(-100)); }
  static STM_DEVICE T bounded_log_of_rest(T x) { return std::max(std::log1p(-x), T(-100)); }
  static STM_DEVICE T value(T x, T t, T, T) { return t * -bounded_log(x) + (1 - t) * -bounded_log_of_rest(x); }
  static STM_DEVICE T by_x(T x, T t, T, T) { return (x - t) / std::max(x * (1 - x), T(1e-12)); }
  static STM_DEVICE T by_t(T x, T, T, T) { return bounded_log_of_rest(x) - bounded_log(x); }
};

// (1 - t) · x + (1 - t + w · t) · log(1 + e^-x), arranged so that nothing large cancels; without a positive part a
// weight counts for nothing, even an infinite one.
template <class T>
struct BinaryCrossEntropyWithLogitsOf {
  static STM_DEVICE T weighed(T t, T w) { return t == 0 ? T(0) : w * t; }
  static STM_DEVICE T value(T x, T t, T, T w) {
    const T positive = weighed(t, w), linear = x < 0 ? -positive * x : (1 - t) * x;
    return linear + (1 - t + positive) * std::log1p(std::exp(-std::abs(x)));
  }
  static STM_DEVICE T by_x(T x, T t, T, T w) {
    return (1 - t) * functors::logistic(x) - weighed(t, w) * functors::logistic(-x);
  }
  static STM_DEVICE T by_t(T x, T, T, T w) { return w * functors::log1p_exp(-x) - functors::log1p_exp(x); }
};

template <class T>
struct DivergenceOf {
  static STM_DEVICE T value(T x, T t, T, T) { return t == 0 ? T(0) : t * (std::log(t) - x); }
  static STM_DEVICE T by_x(T, T t, T, T) { return -t; }
  static STM_DEVICE T by_t(T x, T t, T, T) { return t == 0 ? T(0) : std::log(t) + 1 - x; }
};

template <class T>
struct DivergenceFromLogOf {
  static STM_DEVICE T value(T x, T t, T, T) { return std::exp(t) * (t - x); }
  static STM_DEVICE T by_x(T, T t, T, T) { return -std::exp(t); }
  static STM_DEVICE T by_t(T x, T t, T, T) { return std::exp(t) * (t - x + 1); }
};

/// Calls `f(functor)` with the functor of a loss.
template <class T, class F>
STM_DEVICE auto with_pointwise(Pointwise function, F f) {
  switch (function) {
#define STM_CASE(Name, op) \
  case Pointwise::Name: return f(Name##Of<T>{});
    STM_POINTWISE_LOSSES(STM_CASE)
#undef STM_CASE
  }
  return f(SquaredErrorOf<T>{});  // there is no other function
}

template <class T>
STM_DEVICE bool is_probability(T p) {
  return p >= 0 && p <= 1;
}

}  // namespace stm
