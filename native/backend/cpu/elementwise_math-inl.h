// Exponentials, logarithms and the normal distribution on Highway vectors, for every f32: infinities, NaN, denormals
// and both zeros. Included once per target: the guard is toggled by foreach_target.h.
#if defined(STM_ELEMENTWISE_MATH_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_ELEMENTWISE_MATH_INL_H_
#undef STM_ELEMENTWISE_MATH_INL_H_
#else
#define STM_ELEMENTWISE_MATH_INL_H_
#endif

#include <cstdint>
#include <limits>

#include "hwy/contrib/math/math-inl.h"
#include "hwy/highway.h"

#include "backend/cpu/recurrent/gate_math-inl.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {
/// Of any number, where those of gates need not be good for all.
namespace any {

constexpr float kInfinity = std::numeric_limits<float>::infinity();

/// x = n · ln 2 + rest with a whole n and |rest| <= ln 2 / 2, for |x| up to a few hundred.
struct Reduced {
  V n, rest;
};
HWY_INLINE Reduced Reduce(V x) {
  const V n = hn::Round(hn::Mul(x, Const(1.4426950408889634f)));
  // ln 2 in two parts: the first has 16 bits, so that the product is exact.
  const V rest = hn::NegMulAdd(n, Const(0.693145751953125f), x);
  return {n, hn::NegMulAdd(n, Const(1.42860682030941723e-6f), rest)};
}

/// (e^r - 1 - r) / r²: of e^r it leaves 3e-9 for |r| <= ln 2 / 2.
constexpr float kExp[] = {1.3814220437780023e-3f, 8.3688991144299500e-3f, 0.041668403893709180f, 0.16666519641876220f,
                          0.49999994039535520f};

/// 2^n for n from -126 to 127.
template <class N>
HWY_INLINE V PowerOfTwo(N n) {
  const hn::RebindToSigned<D> di;
  return hn::BitCast(D(), hn::ShiftLeft<23>(hn::Add(n, hn::Set(di, 127))));
}
/// p · 2^n for p near 1 and n from -150 to 128: also where the product is denormal or infinite.
HWY_INLINE V Scaled(V p, V n) {
#if HWY_TARGET == HWY_AVX3
  return V{_mm512_scalef_ps(p.raw, n.raw)};
#else
  const auto whole = hn::ConvertTo(hn::RebindToSigned<D>(), n);
  const auto half = hn::ShiftRight<1>(whole);  // 2^n alone may lie outside what f32 holds
  return hn::Mul(hn::Mul(p, PowerOfTwo(half)), PowerOfTwo(hn::Sub(whole, half)));
#endif
}

HWY_INLINE V ExpOf(const Reduced& x) {
  const V r = x.rest;
  return Scaled(hn::MulAdd(PolynomialOf(r, kExp), hn::Mul(r, r), hn::Add(r, Const(1.0f))), x.n);
}

// What lies beyond the limits is 0 or infinity.
HWY_INLINE V Exp(V x) { return ExpOf(Reduce(AtMost(AtLeast(x, -104.0f), 89.0f))); }

/// The same, but 0 for x below -87, where e^x comes near the denormal numbers, which are slow.
HWY_INLINE V ExpOrZero(V x) {
  constexpr float kLowest = -87.0f;
  const V e = ExpOf(Reduce(AtMost(AtLeast(x, kLowest), 89.0f)));
  return hn::IfThenZeroElse(hn::Lt(x, Const(kLowest)), e);
}

/// e^-|x| never overflows, and keeps its digits on both sides.
HWY_INLINE V ExpOfDistance(V x) { return ExpOf(Reduce(AtLeast(hn::Or(x, hn::SignBit(D())), -104.0f))); }

/// e^x - 1 = 2 · (2^(n - 1) · (e^r - 1) + 2^(n - 1) - 1/2), which for n = 0 is e^r - 1 itself.
HWY_INLINE V Expm1(V x) {
  const hn::RebindToSigned<D> di;
  const Reduced reduced = Reduce(AtMost(AtLeast(x, -20.0f), 89.0f));
  const V r = reduced.rest, q = hn::MulAdd(PolynomialOf(r, kExp), hn::Mul(r, r), r);
  const V power = PowerOfTwo(hn::Sub(hn::ConvertTo(di, reduced.n), hn::Set(di, 1)));
  const V half = hn::MulAdd(power, q, hn::Sub(power, Const(0.5f)));
  return hn::IfThenElse(hn::Lt(hn::Abs(x), Const(6e-8f)), x, hn::Add(half, half));
}

HWY_INLINE V Log(V x) {
  const V positive = hn::Log(D(), x), infinity = Const(kInfinity), zero = hn::Zero(D());
  const V above = hn::IfThenElse(hn::Lt(x, infinity), positive, x);  // of infinity and NaN these
  const V below = hn::IfThenElse(hn::Lt(x, zero), Const(std::numeric_limits<float>::quiet_NaN()), above);
  return hn::IfThenElse(hn::Eq(x, zero), hn::Neg(infinity), below);
}

/// log(1 + x) for 1 + x > 0 that is finite; of NaN NaN.
HWY_INLINE V Log1pInside(V x) { return hn::Log1p(D(), x); }

HWY_INLINE V Log1p(V x) {
  const V infinity = Const(kInfinity), pole = Const(-1.0f);
  const V above = hn::IfThenElse(hn::Eq(x, infinity), infinity, Log1pInside(x));
  const V below = hn::IfThenElse(hn::Lt(x, pole), Const(std::numeric_limits<float>::quiet_NaN()), above);
  return hn::IfThenElse(hn::Eq(x, pole), hn::Neg(infinity), below);
}

/// (1 - e) / (1 + e) for e = e^(-2 |x|), with the sign of x.
HWY_INLINE V Tanh(V x) {
  const V y = Expm1(hn::Mul(Const(-2.0f), hn::Abs(x)));
  return hn::CopySignToAbs(hn::Div(hn::Neg(y), hn::Add(Const(2.0f), y)), x);
}

HWY_INLINE V Sigmoid(V x) {
  const V one = Const(1.0f), e = ExpOfDistance(x);
  return hn::Div(hn::IfThenElse(hn::Lt(x, hn::Zero(D())), e, one), hn::Add(one, e));
}

/// log(1 + e^x) without overflow.
HWY_INLINE V Softplus(V x) { return hn::Add(AtLeast(x, 0.0f), Log1pInside(ExpOfDistance(x))); }

/// The same as PolynomialOf, for an even number of coefficients: even and odd powers do not wait for each other.
template <size_t kCount>
HWY_INLINE V PolynomialInHalves(V x, const float (&coefficients)[kCount]) {
  static_assert(kCount % 2 == 0);
  const V square = hn::Mul(x, x);
  V odd = Const(coefficients[0]), even = Const(coefficients[1]);
  _Pragma("GCC unroll 8") for (size_t i = 2; i < kCount; i += 2) {
    odd = hn::MulAdd(odd, square, Const(coefficients[i]));
    even = hn::MulAdd(even, square, Const(coefficients[i + 1]));
  }
  return hn::MulAdd(odd, x, even);
}

constexpr float kUnscaled = 0x1p-64f;

/// Of t = min(|x|, 15): e^(-t² / 2) · 2^64, which never is denormal, and by what to multiply it for the tail of the
/// normal distribution beyond t.
struct NormalTail {
  V t, bell, ratio;
};
/// The tail is good to relative accuracy. The ratio is u · P(u - 1/2) / 2^64 with u = 3.25 / (t + 3.25), P being fitted
/// to t from 0 to 15; it leaves 3e-8. Beyond 15 the tail is 0 in f32. t² is taken exactly, since its rounding would
/// show.
HWY_INLINE NormalTail NormalTailOf(V x) {
  const hn::RebindToSigned<D> di;
  constexpr float kRatio[] = {-0.0202004369f * kUnscaled, 0.0114063863f * kUnscaled,  0.0414105989f * kUnscaled,
                              -0.022940414f * kUnscaled,  -0.0817633718f * kUnscaled, 0.00540349493f * kUnscaled,
                              0.199198619f * kUnscaled,   0.337789357f * kUnscaled,   0.331991822f * kUnscaled,
                              0.226904124f * kUnscaled};
  // The last bits of 1.5 · 2^23 + 64 + n are 64 + n, for a whole n of some hundreds.
  const V whole = Const(12582912.0f + 64.0f), t = AtMost(hn::Abs(x), 15.0f);
  const V bits = hn::MulAdd(hn::Mul(t, Const(-0.72134752044448170f)), t, whole);  // -t² / 2 / ln 2
  const V n = hn::Sub(bits, whole);
  V r = hn::Mul(n, Const(-0.693145751953125f));  // exact, as in Reduce
#if HWY_NATIVE_FMA
  r = hn::MulAdd(hn::Mul(t, Const(-0.5f)), t, r);
#else
  const hn::RebindToUnsigned<D> du;
  const V head = hn::And(t, hn::BitCast(D(), hn::Set(du, 0xFFFFF000u)));  // of 12 bits, whose square is exact
  r = hn::Add(hn::MulAdd(hn::Mul(head, Const(-0.5f)), head, r),
              hn::Mul(hn::Mul(hn::Sub(t, head), Const(-0.5f)), hn::Add(t, head)));
#endif
  r = hn::NegMulAdd(n, Const(1.42860682030941723e-6f), r);
  const V e = hn::MulAdd(PolynomialOf(r, kExp), hn::Mul(r, r), hn::Add(r, Const(1.0f)));
  const V bell = hn::BitCast(D(), hn::Add(hn::BitCast(di, e), hn::ShiftLeft<23>(hn::BitCast(di, bits))));
  const V u = hn::Div(Const(3.25f), hn::Add(t, Const(3.25f)));
  return {t, bell, hn::Mul(u, PolynomialInHalves(hn::Sub(u, Const(0.5f)), kRatio))};
}

/// x times the normal distribution function: max(x, 0) less |x| times the tail.
HWY_INLINE V Gelu(V x) {
  const NormalTail tail = NormalTailOf(x);
  const V value = hn::NegMulAdd(hn::Mul(tail.t, tail.bell), tail.ratio, AtLeast(x, 0.0f));
  return hn::Or(value, hn::VecFromMask(D(), hn::Eq(x, Const(-kInfinity))));  // NaN there, which is -infinity · 0
}

/// The distribution function, and x times its derivative.
HWY_INLINE V GeluDerivative(V x) {
  const NormalTail normal = NormalTailOf(x);
  const V bell = hn::Mul(normal.bell, Const(kUnscaled)), tail = hn::Mul(normal.bell, normal.ratio);
  const V cdf = hn::IfThenElse(hn::Lt(x, hn::Zero(D())), tail, hn::Sub(Const(1.0f), tail));
  return hn::MulAdd(x, hn::Mul(Const(0.39894228040143267794f), bell), cdf);
}

}  // namespace any
}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
