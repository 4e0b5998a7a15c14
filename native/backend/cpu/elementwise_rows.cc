#include "backend/cpu/elementwise_rows.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/elementwise_rows.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/simd_dispatch.h"
#include "hwy/highway.h"

#include "backend/cpu/elementwise_math-inl.h"
#include "backend/cpu/vector_rows-inl.h"

// What vectors hold, by the names of functors.h: `x`, `y` and `a` as there, `one` and `zero` vectors of them.
#define STM_UNARY_ROWS(X)                                               \
  X(neg, hn::Neg(x))                                                    \
  X(abs, hn::Abs(x))                                                    \
  X(sign, SignOf(x))                                                    \
  X(exp, any::Exp(x))                                                   \
  X(expm1, any::Expm1(x))                                               \
  X(log, any::Log(x))                                                   \
  X(log1p, any::Log1p(x))                                               \
  X(sqrt, hn::Sqrt(x))                                                  \
  X(rsqrt, hn::Div(one, hn::Sqrt(x)))                                   \
  X(square, hn::Mul(x, x))                                              \
  X(reciprocal, hn::Div(one, x))                                        \
  X(floor, hn::Floor(x))                                                \
  X(ceil, hn::Ceil(x))                                                  \
  X(round, hn::Round(x))                                                \
  X(relu, hn::IfThenZeroElse(hn::Le(x, zero), x))                       \
  X(sigmoid, any::Sigmoid(x))                                           \
  X(tanh, any::Tanh(x))                                                 \
  X(gelu, any::Gelu(x))                                                 \
  X(silu, hn::Mul(x, any::Sigmoid(x)))                                  \
  X(softplus, any::Softplus(x))                                         \
  X(softsign, hn::Div(x, hn::Add(one, hn::Abs(x))))                     \
  X(elu, hn::IfThenElse(hn::Gt(x, zero), x, hn::Mul(a, any::Expm1(x)))) \
  X(leakyRelu, hn::IfThenElse(hn::Gt(x, zero), x, hn::Mul(a, x)))

#define STM_DERIVATIVE_ROWS(X)                                \
  X(neg, hn::Neg(one))                                        \
  X(abs, SignOf(x))                                           \
  X(sign, zero)                                               \
  X(exp, y)                                                   \
  X(expm1, hn::Add(y, one))                                   \
  X(log, hn::Div(one, x))                                     \
  X(log1p, hn::Div(one, hn::Add(one, x)))                     \
  X(sqrt, hn::Div(Const(0.5f), y))                            \
  X(rsqrt, hn::Mul(hn::Mul(hn::Mul(Const(-0.5f), y), y), y))  \
  X(square, hn::Add(x, x))                                    \
  X(reciprocal, hn::Mul(hn::Neg(y), y))                       \
  X(floor, zero)                                              \
  X(ceil, zero)                                               \
  X(round, zero)                                              \
  X(relu, hn::IfThenZeroElse(hn::Le(y, zero), one))           \
  X(sigmoid, hn::Mul(y, hn::Sub(one, y)))                     \
  X(tanh, hn::NegMulAdd(y, y, one))                           \
  X(gelu, any::GeluDerivative(x))                             \
  X(silu, SiluDerivative(x))                                  \
  X(softplus, any::Sigmoid(x))                                \
  X(softsign, SquareOf(hn::Sub(one, hn::Abs(y))))             \
  X(elu, hn::IfThenElse(hn::Le(x, zero), hn::Add(y, a), one)) \
  X(leakyRelu, hn::IfThenElse(hn::Gt(x, zero), one, a))

#define STM_BINARY_ROWS(X)                                             \
  X(add, hn::Add(a, b))                                                \
  X(sub, hn::Sub(a, b))                                                \
  X(mul, hn::Mul(a, b))                                                \
  X(div, hn::Div(a, b))                                                \
  X(maximum, hn::IfThenElse(hn::Or(hn::Gt(a, b), hn::IsNaN(a)), a, b)) \
  X(minimum, hn::IfThenElse(hn::Or(hn::Lt(a, b), hn::IsNaN(a)), a, b))

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {
namespace {

// ---- what takes more than a line

HWY_INLINE V SquareOf(V x) { return hn::Mul(x, x); }
/// 0 of NaN too.
HWY_INLINE V SignOf(V x) {
  const V zero = hn::Zero(D());
  return hn::IfThenElse(hn::Lt(x, zero), Const(-1.0f), hn::IfThenElseZero(hn::Gt(x, zero), Const(1.0f)));
}
HWY_INLINE V SiluDerivative(V x) {
  const V one = Const(1.0f), s = any::Sigmoid(x);
  return hn::Mul(s, hn::MulAdd(x, hn::Sub(one, s), one));
}

// ---- the tables

// clang-format off
#define STM_UNARY_ROW(name, value)  \
  case Unary::name:  \
    return [](const float* from, float* to, int64_t count, float parameter) {  \
      [[maybe_unused]] const V a = Const(parameter), one = Const(1.0f), zero = hn::Zero(D());  \
      Map<4>([=](V x) { (void)a, (void)one, (void)zero; return value; }, to, count, from);  \
    };
#define STM_DERIVATIVE_ROW(name, derivative)  \
  case Unary::name:  \
    return [](const float* vx, const float* vy, const float* dy, float* to, int64_t count, float parameter) {  \
      [[maybe_unused]] const V a = Const(parameter), one = Const(1.0f), zero = hn::Zero(D());  \
      Map([=](V x, V y, V d) { (void)a, (void)one, (void)zero, (void)x, (void)y; return hn::Mul(d, derivative); },  \
          to, count, vx, vy, dy);  \
    };
#define STM_BINARY_ROW(name, value)  \
  case Binary::name:  \
    return [](const float* left, const float* right, float* to, int64_t count) {  \
      Map<4>([](V a, V b) { return value; }, to, count, left, right);  \
    };
#define STM_RIGHT_ROW(name, value)  \
  case Binary::name:  \
    return [](const float* left, float number, float* to, int64_t count) {  \
      Map<4>([b = Const(number)](V a) { return value; }, to, count, left);  \
    };
#define STM_LEFT_ROW(name, value)  \
  case Binary::name:  \
    return [](const float* right, float number, float* to, int64_t count) {  \
      Map<4>([a = Const(number)](V b) { return value; }, to, count, right);  \
    };
// clang-format on

UnaryRow UnaryRowOf(Unary op) {
  switch (op) {
    STM_UNARY_ROWS(STM_UNARY_ROW)
    default: return nullptr;
  }
}
DerivativeRow DerivativeRowOf(Unary op) {
  switch (op) {
    STM_DERIVATIVE_ROWS(STM_DERIVATIVE_ROW)
    default: return nullptr;
  }
}
BinaryRow BinaryRowOf(Binary op) {
  switch (op) {
    STM_BINARY_ROWS(STM_BINARY_ROW)
    default: return nullptr;
  }
}
ScalarRow RightRowOf(Binary op) {
  switch (op) {
    STM_BINARY_ROWS(STM_RIGHT_ROW)
    default: return nullptr;
  }
}
ScalarRow LeftRowOf(Binary op) {
  switch (op) {
    STM_BINARY_ROWS(STM_LEFT_ROW)
    default: return nullptr;
  }
}

}  // namespace
}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {

HWY_EXPORT(UnaryRowOf);
HWY_EXPORT(DerivativeRowOf);
HWY_EXPORT(BinaryRowOf);
HWY_EXPORT(RightRowOf);
HWY_EXPORT(LeftRowOf);

UnaryRow unary_row(Unary op) { return HWY_DYNAMIC_DISPATCH(UnaryRowOf)(op); }
DerivativeRow derivative_row(Unary op) { return HWY_DYNAMIC_DISPATCH(DerivativeRowOf)(op); }
BinaryRow binary_row(Binary op) { return HWY_DYNAMIC_DISPATCH(BinaryRowOf)(op); }
ScalarRow scalar_row(Binary op, bool reversed) {
  return reversed ? HWY_DYNAMIC_DISPATCH(LeftRowOf)(op) : HWY_DYNAMIC_DISPATCH(RightRowOf)(op);
}

}  // namespace stm
#endif
