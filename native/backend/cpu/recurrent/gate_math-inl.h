// sigmoid and tanh on Highway vectors. Included once per target: the guard is toggled by foreach_target.h.
#if defined(STM_GATE_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_GATE_MATH_INL_H_
#undef STM_GATE_MATH_INL_H_
#else
#define STM_GATE_MATH_INL_H_
#endif

#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::ScalableTag<float>;
using V = hn::Vec<D>;
constexpr int kLanes = static_cast<int>(hn::MaxLanes(D()));  // a constant on every target but SVE and RVV

HWY_INLINE V Const(float value) { return hn::Set(D(), value); }

// The limit comes first in Min and Max: x86 then returns x where x is NaN, so that a NaN passes through every function
// here.
HWY_INLINE V Clamp(V x, float limit) { return hn::Min(Const(limit), hn::Max(Const(-limit), x)); }

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

// Odd rational approximation of degree 13 over 6; the clamp is where it rounds to 1.
HWY_INLINE V Tanh(V x) {
  x = Clamp(x, 7.90531110763549805f);
  const V x2 = hn::Mul(x, x);
  V p = Const(-2.76076847742355e-16f);
  p = hn::MulAdd(p, x2, Const(2.00018790482477e-13f));
  p = hn::MulAdd(p, x2, Const(-8.60467152213735e-11f));
  p = hn::MulAdd(p, x2, Const(5.12229709037114e-08f));
  p = hn::MulAdd(p, x2, Const(1.48572235717979e-05f));
  p = hn::MulAdd(p, x2, Const(6.37261928875436e-04f));
  p = hn::MulAdd(p, x2, Const(4.89352455891786e-03f));
  V q = Const(1.19825839466702e-06f);
  q = hn::MulAdd(q, x2, Const(1.18534705686654e-04f));
  q = hn::MulAdd(q, x2, Const(2.26843463243900e-03f));
  q = hn::MulAdd(q, x2, Const(4.89352518554385e-03f));
  return hn::Div(hn::Mul(x, p), q);
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
