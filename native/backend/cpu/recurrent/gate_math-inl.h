// sigmoid and tanh on Highway vectors. Included once per target: the guard is toggled by foreach_target.h.
#if defined(STM_GATE_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_GATE_MATH_INL_H_
#undef STM_GATE_MATH_INL_H_
#else
#define STM_GATE_MATH_INL_H_
#endif

#include <cstddef>

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));  // a constant on every target but SVE and RVV

HWY_INLINE V Const(float value) { return hn::Set(D(), value); }

// x, or the limit where x is beyond it. A NaN stays one, and so passes through every function here: x86's Min and Max
// give their second operand then, others the number.
HWY_INLINE V AtMost(V x, float limit) {
#if HWY_ARCH_X86
  return hn::Min(Const(limit), x);
#else
  return hn::IfThenElse(hn::Gt(x, Const(limit)), Const(limit), x);
#endif
}
HWY_INLINE V AtLeast(V x, float limit) {
#if HWY_ARCH_X86
  return hn::Max(Const(limit), x);
#else
  return hn::IfThenElse(hn::Lt(x, Const(limit)), Const(limit), x);
#endif
}
HWY_INLINE V Clamp(V x, float limit) { return AtMost(AtLeast(x, -limit), limit); }

// exp(x) = 2^n * e^r with n = round(x / ln 2), |r| <= ln2 / 2; a degree-6 polynomial for e^r. Relative error about
// 1e-7.
HWY_INLINE V Exp(V x) {
  const hn::RebindToSigned<D> di;
  x = Clamp(x, 87.0f);
  const auto n = hn::NearestInt(hn::Mul(x, Const(1.44269504f)));
  const V nf = hn::ConvertTo(D(), n);
  V r = hn::NegMulAdd(nf, Const(0.693359375f), x);  // ln 2 in two parts keeps r exact
  r = hn::NegMulAdd(nf, Const(-2.12194440e-4f), r);
  V p = Const(1.9875691500e-4f);
  p = hn::MulAdd(p, r, Const(1.3981999507e-3f));
  p = hn::MulAdd(p, r, Const(8.3334519073e-3f));
  p = hn::MulAdd(p, r, Const(4.1665795894e-2f));
  p = hn::MulAdd(p, r, Const(1.6666665459e-1f));
  p = hn::MulAdd(p, r, Const(5.0000001201e-1f));
  p = hn::MulAdd(p, hn::Mul(r, r), hn::Add(r, Const(1.0f)));
  const V power = hn::BitCast(D(), hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
  return hn::Mul(p, power);
}

HWY_INLINE V Sigmoid(V x) {
  const V one = Const(1.0f);
  return hn::Div(one, hn::Add(one, Exp(hn::Neg(x))));
}

// Odd rational approximation of degree 13 over 6, coefficients of x² from the highest; the limit is where it rounds to
// 1.
constexpr float kTanhLimit = 7.90531110763549805f;
constexpr float kTanhAbove[] = {-2.76076847742355e-16f, 2.00018790482477e-13f, -8.60467152213735e-11f,
                                5.12229709037114e-08f,  1.48572235717979e-05f, 6.37261928875436e-04f,
                                4.89352455891786e-03f};
constexpr float kTanhBelow[] = {1.19825839466702e-06f, 1.18534705686654e-04f, 2.26843463243900e-03f,
                                4.89352518554385e-03f};

template <size_t kCount>
HWY_INLINE V PolynomialOf(V x, const float (&coefficients)[kCount]) {
  V sum = Const(coefficients[0]);
  _Pragma("GCC unroll 8") for (size_t i = 1; i < kCount; ++i) sum = hn::MulAdd(sum, x, Const(coefficients[i]));
  return sum;
}
template <size_t kCount>
HWY_INLINE float PolynomialOf(float x, const float (&coefficients)[kCount]) {
  float sum = coefficients[0];
  _Pragma("GCC unroll 8") for (size_t i = 1; i < kCount; ++i) sum = sum * x + coefficients[i];
  return sum;
}

HWY_INLINE V Tanh(V x) {
  x = Clamp(x, kTanhLimit);
  const V square = hn::Mul(x, x);
  return hn::Div(hn::Mul(x, PolynomialOf(square, kTanhAbove)), PolynomialOf(square, kTanhBelow));
}

// The same of one number, for loops that the compiler vectorises; a NaN passes through here, too.
HWY_INLINE float Tanh(float x) {
  x = x > kTanhLimit ? kTanhLimit : x;
  x = x < -kTanhLimit ? -kTanhLimit : x;
  return x * PolynomialOf(x * x, kTanhAbove) / PolynomialOf(x * x, kTanhBelow);
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
