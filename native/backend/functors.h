#pragma once
// Scalar maths of the element-wise ops, written once, with derivatives, for every device and both precisions.
#include <cmath>
#include <cstdint>
#include <type_traits>

#ifdef __CUDACC__
#define STM_DEVICE __host__ __device__ inline
#else
#define STM_DEVICE inline
#endif

namespace stm::functors {

/// What element-wise ops compute in: whole numbers in 64 bits, so that what 32 do not hold is seen.
template <class T>
using Arithmetic = std::conditional_t<std::is_floating_point_v<T>, T, int64_t>;

/// What stands for a result that is no whole number of 32 bits: the nearest that they do not hold.
constexpr int64_t kNoWhole = int64_t{1} << 31;

/// What a number is compared with elements of T in: f32 with it as an f32, whole numbers with it as it was given.
template <class T>
using Compared = std::conditional_t<std::is_floating_point_v<T>, T, double>;

STM_DEVICE int64_t limited(int64_t x) { return x > kNoWhole ? kNoWhole : x < -kNoWhole - 1 ? -kNoWhole - 1 : x; }
/// A number cut to a whole one.
STM_DEVICE int64_t whole(double x) {
  return x > -2147483649.0 && x < 2147483648.0 ? static_cast<int64_t>(x) : kNoWhole;
}

template <class T>
STM_DEVICE T power(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    return std::pow(a, b);
  } else {
    if (b < 0) return a == 1 || (a == -1 && b % 2 == 0) ? 1 : a == -1 ? -1 : kNoWhole;
    T result = 1;
    for (; b > 0; b /= 2, a = limited(a * a))
      if (b % 2 != 0) result = limited(result * a);
    return result;
  }
}
/// a - b · floor(a / b), exact, with the sign of b.
template <class T>
STM_DEVICE T floored_remainder(T a, T b) {
  T rest;
  if constexpr (std::is_floating_point_v<T>) {
    rest = std::fmod(a, b);
  } else {
    if (b == 0) return kNoWhole;
    rest = a % b;
  }
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}
/// floor(a / b) of the quotient before it is rounded: 1 / 0.1 leaves a remainder, because 0.1 is a little more than a
/// tenth.
template <class T>
STM_DEVICE T floored_quotient(T a, T b) {
  if constexpr (std::is_floating_point_v<T>) {
    if (b == 0) return a / b;
    const T rest = std::fmod(a, b), down = rest != 0 && (rest < 0) != (b < 0) ? T(1) : T(0);
    const T quotient = std::nearbyint((a - rest) / b - down);
    return quotient == 0 ? std::copysign(T(0), a / b) : quotient;
  } else {
    if (b == 0) return kNoWhole;
    return (a - floored_remainder(a, b)) / b;
  }
}

template <class T>
STM_DEVICE T square(T x) {
  return x * x;
}
template <class T>
STM_DEVICE T sign(T x) {
  return x > 0 ? T(1) : x < 0 ? T(-1) : T(0);  // of NaN too
}
template <class T>
STM_DEVICE T logistic(T x) {
  const T e = std::exp(-std::abs(x));  // never overflows, and keeps its digits on both sides
  return x >= 0 ? 1 / (1 + e) : e / (1 + e);
}
/// log(1 + e^x) without overflow.
template <class T>
STM_DEVICE T log1p_exp(T x) {
  return (x > 0 ? x : T(0)) + std::log1p(std::exp(-std::abs(x)));
}
template <class T>
STM_DEVICE T normal_cdf(T x) {
  return T(0.5) * std::erfc(-x * T(0.70710678118654752440));
}
template <class T>
STM_DEVICE T normal_pdf(T x) {
  return T(0.39894228040143267794) * std::exp(x * x * T(-0.5));
}

}  // namespace stm::functors

/// Unary functors: X(name, documentation, saves, value, derivative). `x` is the argument, `y` the value, `a` the op's
/// parameter (elu, leakyRelu); `saves` names what the derivative reads: OfX, OfY, OfBoth or Nothing.
#define STM_UNARY_FUNCTORS(X)                                                                                        \
  X(neg, "-x.", Nothing, -x, T(-1))                                                                                  \
  X(abs, "Absolute value.", OfX, std::abs(x), sign(x))                                                               \
  X(sign, "-1, 0 or 1.", Nothing, sign(x), T(0))                                                                     \
  X(exp, "e^x.", OfY, std::exp(x), y)                                                                                \
  X(expm1, "e^x - 1, exact near 0.", OfY, std::expm1(x), y + 1)                                                      \
  X(log, "Natural logarithm.", OfX, std::log(x), 1 / x)                                                              \
  X(log1p, "log(1 + x), exact near 0.", OfX, std::log1p(x), 1 / (1 + x))                                             \
  X(sqrt, "Square root.", OfY, std::sqrt(x), T(0.5) / y)                                                             \
  X(rsqrt, "1 / sqrt(x).", OfY, 1 / std::sqrt(x), T(-0.5) * y * y * y)                                               \
  X(square, "x².", OfX, x* x, 2 * x)                                                                                 \
  X(reciprocal, "1 / x.", OfY, 1 / x, -y * y)                                                                        \
  X(sin, "Sine of x in radians.", OfX, std::sin(x), std::cos(x))                                                     \
  X(cos, "Cosine of x in radians.", OfX, std::cos(x), -std::sin(x))                                                  \
  X(erf, "Error function.", OfX, std::erf(x), T(1.12837916709551257390) * std::exp(-x * x))                          \
  X(floor, "Largest integer not above x.", Nothing, std::floor(x), T(0))                                             \
  X(ceil, "Smallest integer not below x.", Nothing, std::ceil(x), T(0))                                              \
  X(round, "Nearest integer, halves to even.", Nothing, std::nearbyint(x), T(0))                                     \
  X(relu, "max(x, 0).", OfY, (x > 0 || x != x ? x : T(0)), (y <= 0 ? T(0) : T(1)))                                   \
  X(sigmoid, "1 / (1 + e^-x), in (0, 1).", OfY, logistic(x), y*(1 - y))                                              \
  X(tanh, "Hyperbolic tangent, in (-1, 1).", OfY, std::tanh(x), 1 - y * y)                                           \
  X(gelu, "x · Φ(x), Φ the normal distribution function.", OfX, x* normal_cdf(x), normal_cdf(x) + x * normal_pdf(x)) \
  X(silu, "x · sigmoid(x).", OfX, x* logistic(x), logistic(x) * (1 + x * (1 - logistic(x))))                         \
  X(softplus, "log(1 + e^x).", OfX, log1p_exp(x), logistic(x))                                                       \
  X(softsign, "x / (1 + |x|), in (-1, 1).", OfY, x / (1 + std::abs(x)), square(1 - std::abs(y)))

/// Functors with a parameter `a`, in the same form.
#define STM_PARAMETRIC_FUNCTORS(X)                                                                                  \
  X(elu, "x above 0, a · (e^x - 1) below.", OfBoth, (x > 0 ? x : T(a) * std::expm1(x)), (x <= 0 ? y + T(a) : T(1))) \
  X(leakyRelu, "x above 0, a · x below.", OfX, (x > 0 ? x : T(a) * x), (x > 0 ? T(1) : T(a)))

/// Binary functors: X(name, documentation, value); gradients are composed of other ops, in
/// ops/elementwise_arithmetic.cc.
#define STM_BINARY_FUNCTORS(X)                                                      \
  X(add, "a + b.", a + b)                                                           \
  X(sub, "a - b.", a - b)                                                           \
  X(mul, "a · b.", a* b)                                                            \
  X(div, "a / b.", a / b)                                                           \
  X(floorDivide, "The floor of a / b.", floored_quotient(a, b))                     \
  X(remainder, "What a leaves over when divided by b.", floored_remainder(a, b))    \
  X(pow, "a to the power of b.", power(a, b))                                       \
  X(maximum, "The larger of a and b; NaN if either is.", (a > b || a != a ? a : b)) \
  X(minimum, "The smaller of a and b; NaN if either is.", (a < b || a != a ? a : b))

#define STM_COMPARE_FUNCTORS(X)    \
  X(eq, "a = b, as bool.", a == b) \
  X(ne, "a ≠ b, as bool.", a != b) \
  X(lt, "a < b, as bool.", a < b)  \
  X(le, "a ≤ b, as bool.", a <= b) \
  X(gt, "a > b, as bool.", a > b)  \
  X(ge, "a ≥ b, as bool.", a >= b)
