#include <cmath>

#include "ops/elementwise.h"

namespace stm::ops {

const char* name_of(Binary functor) {
  static constexpr const char* kNames[] = {
#define STM_NAME(name, ...) #name,
      STM_BINARY_FUNCTORS(STM_NAME)
#undef STM_NAME
  };
  return kNames[static_cast<size_t>(functor)];
}

void check_arithmetic(Binary functor, const Tensor& a) {
  const char* op = name_of(functor);
  const bool orders = functor == Binary::maximum || functor == Binary::minimum;
  STM_CHECK(a.dtype() != DType::Bool || orders, Kind::DType, op, fmt::format("{}", a), "numbers",
            "cast it with cast('f32')");
  STM_CHECK(functor != Binary::div || is_floating(a.dtype()), Kind::DType, op, fmt::format("{}", a), "f32 or f64",
            "cast it with cast('f32')");
}

Tensor binary_value(Binary functor, const Tensor& a, const Tensor& b) {
  const char* op = name_of(functor);
  check_same_dtype(op, a, b);
  check_arithmetic(functor, a);
  const Shape shape = broadcast_shape(op, a, b);
  Tensor y = empty(shape, a);
  enqueue(op, {stretched(a, shape), stretched(b, shape)}, {y},
          [=](Backend& k, Views v) { return k.elementwise().binary(functor, v.in(0), v.in(1), v.out(0)); });
  return y;
}

double checked_scalar(const char* op, const Tensor& x, double value) {
  STM_CHECK(holds(x.dtype(), value), Kind::Option, op, fmt::format("{} with {}", value, x),
            fmt::format("{}, because numbers take the tensor's dtype",
                        x.dtype() == DType::Bool ? "0 or 1" : "an integer of 32 bits"),
            "cast the tensor with cast('f32')");
  return value;
}

namespace {

/// Refuses what has no whole result, whatever the elements are.
void check_whole(Binary functor, const Tensor& x, double value, bool reversed) {
  if (x.dtype() != DType::I32 || reversed) return;
  const char* op = name_of(functor);
  STM_CHECK(functor != Binary::pow || value >= 0, Kind::Option, op, fmt::format("{} to the power of {}", x, value),
            "0 or more for whole numbers", "cast the tensor with cast('f32')");
  STM_CHECK((functor != Binary::floorDivide && functor != Binary::remainder) || value != 0, Kind::Option, op,
            fmt::format("{} to be divided by 0", x), "another number", "correct the divisor");
}

/// A power that is exact and quicker by another way; empty if there is none.
Tensor simple_power(const Tensor& x, double exponent) {
  if (!is_floating(x.dtype())) return {};
  if (exponent == 2) return binary_value(Binary::mul, x, x);
  if (exponent == 0.5) return unary(Unary::sqrt, detached(x), 0);
  if (exponent == -0.5) return unary(Unary::rsqrt, detached(x), 0);
  return {};
}

}  // namespace

Tensor scalar_value(const char* op, Binary functor, const Tensor& x, double value, bool reversed) {
  check_arithmetic(functor, x);
  const double scalar = checked_scalar(op, x, value);
  check_whole(functor, x, value, reversed);
  if (functor == Binary::pow && !reversed)
    if (Tensor y = simple_power(x, value)) return y;
  Tensor y = empty_like(x);
  enqueue(op, {x}, {y}, [=](Backend& b, Views v) {
    return b.elementwise().binary_scalar(functor, v.in(0), scalar, reversed, v.out(0));
  });
  return y;
}

namespace {

Tensor scaled(const Tensor& x, double factor) { return scalar_value(Binary::mul, x, factor); }

Tensor pow(const Tensor& a, const Tensor& b) {
  Tensor y = binary_value(Binary::pow, a, b);
  on_backward("pow", y, {a, b}, {a, b, y},
              [wants_b = needs_grad(b)](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                const Tensor &base = saved[0], &exponent = saved[1], &value = saved[2];
                const Tensor slope = mul(exponent, binary_value(Binary::pow, base, add_scalar(exponent, -1)));
                const Tensor da = where(compare_scalar(Compare::eq, exponent, 0), zero_like(dy),
                                        mul(dy, slope));  // 0 · ∞ at a = 0, b = 0
                if (!wants_b) return {sum_to(da, base.shape()), Tensor()};
                const Tensor flat = both(compare_scalar(Compare::eq, base, 0),
                                         compare_scalar(Compare::ge, exponent, 0));  // 0 · -∞ at a = 0
                const Tensor db = where(flat, zero_like(dy), mul(dy, mul(value, unary(Unary::log, base, 0))));
                return {sum_to(da, base.shape()), sum_to(db, exponent.shape())};
              });
  return y;
}

/// maximum and minimum: where both are equal, each gets half of the gradient; beside a NaN, both get it.
Tensor extreme(Binary functor, Compare loses, const Tensor& a, const Tensor& b) {
  Tensor y = binary_value(functor, a, b);
  on_backward(name_of(functor), y, {a, b}, {a, b},
              [loses](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                const Tensor shared = where(compare(Compare::eq, saved[0], saved[1]), scaled(dy, 0.5), dy);
                const Tensor da = where(compare(loses, saved[0], saved[1]), zero_like(dy), shared),
                             db = where(compare(loses, saved[1], saved[0]), zero_like(dy), shared);
                return {sum_to(da, saved[0].shape()), sum_to(db, saved[1].shape())};
              });
  return y;
}
Tensor maximum(const Tensor& a, const Tensor& b) { return extreme(Binary::maximum, Compare::lt, a, b); }
Tensor minimum(const Tensor& a, const Tensor& b) { return extreme(Binary::minimum, Compare::gt, a, b); }

/// The same with a number.
Tensor extreme_scalar(Binary functor, Compare loses, const Tensor& x, double bound) {
  Tensor y = scalar_value(functor, x, bound);
  on_backward(name_of(functor), y, {x}, {x},
              [loses, bound](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                const Tensor shared = where(compare_scalar(Compare::eq, saved[0], bound), scaled(dy, 0.5), dy);
                return {where(compare_scalar(loses, saved[0], bound), zero_like(dy), shared)};
              });
  return y;
}
Tensor maximum_scalar(const Tensor& x, double bound) { return extreme_scalar(Binary::maximum, Compare::lt, x, bound); }
Tensor minimum_scalar(const Tensor& x, double bound) { return extreme_scalar(Binary::minimum, Compare::gt, x, bound); }

/// x moved into bounds, of which each may be left out; the gradient passes where x is not beyond them.
Tensor clamp(const Tensor& x, const std::optional<double>& least, const std::optional<double>& greatest) {
  Tensor y = detached(x);
  if (least) y = scalar_value(Binary::maximum, y, checked_scalar("clamp", x, *least));
  if (greatest) y = scalar_value(Binary::minimum, y, checked_scalar("clamp", x, *greatest));
  on_backward("clamp", y, {x}, {x},
              [least, greatest](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                Tensor dx = dy;
                if (least) dx = where(compare_scalar(Compare::ge, saved[0], *least), dx, zero_like(dy));
                if (greatest) dx = where(compare_scalar(Compare::le, saved[0], *greatest), dx, zero_like(dy));
                return {dx};
              });
  return y;
}

Tensor pow_scalar(const Tensor& x, double exponent) {
  Tensor y = scalar_value(Binary::pow, x, exponent);
  on_backward("pow", y, {x}, {x}, [exponent](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
    if (exponent == 0) return {zeros_like(dy)};
    return {mul(dy, scaled(scalar_value(Binary::pow, saved[0], exponent - 1), exponent))};
  });
  return y;
}

Tensor rsub(const Tensor& x, double value) {
  Tensor y = scalar_value(Binary::sub, x, value, true);
  on_backward("rsub", y, {x}, {},
              [](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {scaled(dy, -1)}; });
  return y;
}

Tensor rdiv(const Tensor& x, double value) {
  Tensor y = scalar_value(Binary::div, x, value, true);
  on_backward("rdiv", y, {x}, {x, y}, [](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
    return {scaled(mul(dy, div(saved[1], saved[0])), -1)};
  });
  return y;
}

Tensor rpow(const Tensor& x, double base) {
  Tensor y = scalar_value(Binary::pow, x, base, true);
  on_backward("rpow", y, {x}, {x, y}, [base](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
    const Tensor dx = mul(dy, scaled(saved[1], std::log(base)));
    return {base == 0 ? where(compare_scalar(Compare::ge, saved[0], 0), zero_like(dy), dx) : dx};
  });
  return y;
}

Tensor sub_scalar(const Tensor& x, double value) {
  Tensor y = scalar_value(Binary::sub, x, value);
  pass_gradient("sub", y, x);
  return y;
}

/// Has gradient 0, as floor has.
Tensor floor_divide(const Tensor& a, const Tensor& b) {
  Tensor y = binary_value(Binary::floorDivide, a, b);
  on_backward("floorDivide", y, {a, b}, {},
              [sa = a.shape(), sb = b.shape()](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
                return {full(sa, 0, dy.dtype(), dy.device()), full(sb, 0, dy.dtype(), dy.device())};
              });
  return y;
}
Tensor floor_divide_scalar(const Tensor& x, double value) {
  Tensor y = scalar_value(Binary::floorDivide, x, value);
  on_backward("floorDivide", y, {x}, {},
              [](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {zeros_like(dy)}; });
  return y;
}

Tensor remainder(const Tensor& a, const Tensor& b) {
  Tensor y = binary_value(Binary::remainder, a, b);
  const bool wants_b = needs_grad(b);
  on_backward(
      "remainder", y, {a, b}, {wants_b ? a : Tensor(), wants_b ? b : Tensor()},
      [wants_b, sa = a.shape(), sb = b.shape()](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
        if (!wants_b) return {sum_to(dy, sa), Tensor()};
        return {sum_to(dy, sa), sum_to(scaled(mul(dy, binary_value(Binary::floorDivide, saved[0], saved[1])), -1), sb)};
      });
  return y;
}
Tensor remainder_scalar(const Tensor& x, double value) {
  Tensor y = scalar_value(Binary::remainder, x, value);
  pass_gradient("remainder", y, x);
  return y;
}

}  // namespace

Tensor add(const Tensor& a, const Tensor& b) {
  Tensor y = binary_value(Binary::add, a, b);
  on_backward("add", y, {a, b}, {},
              [sa = a.shape(), sb = b.shape()](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
                return {sum_to(dy, sa), sum_to(dy, sb)};
              });
  return y;
}

Tensor sub(const Tensor& a, const Tensor& b) {
  Tensor y = binary_value(Binary::sub, a, b);
  on_backward("sub", y, {a, b}, {},
              [sa = a.shape(), sb = b.shape(), wants_b = needs_grad(b)](const Tensor& dy,
                                                                        const SavedTensors&) -> std::vector<Tensor> {
                return {sum_to(dy, sa), wants_b ? sum_to(scaled(dy, -1), sb) : Tensor()};
              });
  return y;
}

Tensor mul(const Tensor& a, const Tensor& b) {
  Tensor y = binary_value(Binary::mul, a, b);
  const bool wants_a = needs_grad(a), wants_b = needs_grad(b);
  on_backward(
      "mul", y, {a, b}, {wants_b ? a : Tensor(), wants_a ? b : Tensor()},
      [wants_a, wants_b, sa = a.shape(), sb = b.shape()](const Tensor& dy,
                                                         const SavedTensors& saved) -> std::vector<Tensor> {
        return {wants_a ? sum_to(mul(dy, saved[1]), sa) : Tensor(), wants_b ? sum_to(mul(dy, saved[0]), sb) : Tensor()};
      });
  return y;
}

Tensor div(const Tensor& a, const Tensor& b) {
  Tensor y = binary_value(Binary::div, a, b);
  const bool wants_b = needs_grad(b);
  on_backward(
      "div", y, {a, b}, {wants_b ? y : Tensor(), b},
      [wants_b, sa = a.shape(), sb = b.shape()](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
        return {sum_to(div(dy, saved[1]), sa),
                wants_b ? sum_to(scaled(mul(dy, div(saved[0], saved[1])), -1), sb) : Tensor()};
      });
  return y;
}

Tensor add_scalar(const Tensor& x, double value) {
  Tensor y = scalar_value(Binary::add, x, value);
  pass_gradient("add", y, x);
  return y;
}

Tensor mul_scalar(const Tensor& x, double value) {
  Tensor y = scaled(x, value);
  on_backward("mul", y, {x}, {},
              [value](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {scaled(dy, value)}; });
  return y;
}

Tensor div_scalar(const Tensor& x, double value) {
  Tensor y = scalar_value(Binary::div, x, value);
  on_backward("div", y, {x}, {}, [value](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
    return {div_scalar(dy, value)};
  });
  return y;
}

Tensor neg(const Tensor& x) { return mul_scalar(x, -1); }

void declare_arithmetic(OpTable& table) {
  table.add("add", &add, {"a", "b"}, "a + b with broadcasting.");
  table.add("sub", &sub, {"a", "b"}, "a - b with broadcasting.");
  table.add("mul", &mul, {"a", "b"}, "a · b with broadcasting.");
  table.add("div", &div, {"a", "b"}, "a / b with broadcasting.");
  table.add("pow", &pow, {"a", "b"}, "a to the power of b with broadcasting.");
  table.add("maximum", &maximum, {"a", "b"},
            "The larger of a and b; where both are equal, each gets half of the gradient.");
  table.add("minimum", &minimum, {"a", "b"},
            "The smaller of a and b; where both are equal, each gets half of the gradient.");
  table.add("floorDivide", &floor_divide, {"a", "b"}, "The floor of a / b with broadcasting.");
  table.add("remainder", &remainder, {"a", "b"},
            "What a leaves over when divided by b, with the sign of b, with broadcasting.");
  table.add("addScalar", &add_scalar, {"x", "value"}, "x + value.");
  table.add("subScalar", &sub_scalar, {"x", "value"}, "x - value.");
  table.add("mulScalar", &mul_scalar, {"x", "value"}, "x · value.");
  table.add("divScalar", &div_scalar, {"x", "value"}, "x / value.");
  table.add("floorDivideScalar", &floor_divide_scalar, {"x", "value"}, "The floor of x / value.");
  table.add("remainderScalar", &remainder_scalar, {"x", "value"},
            "What x leaves over when divided by value, with the sign of value.");
  table.add("powScalar", &pow_scalar, {"x", "exponent"}, "x to the power of a number.");
  table.add("maximumScalar", &maximum_scalar, {"x", "bound"}, "max(x, bound).");
  table.add("minimumScalar", &minimum_scalar, {"x", "bound"}, "min(x, bound).");
  table.add("clamp", &clamp, {"x", "min", "max"}, "x moved into bounds.");
  table.add("rsub", &rsub, {"x", "value"}, "value - x.");
  table.add("rdiv", &rdiv, {"x", "value"}, "value / x.");
  table.add("rpow", &rpow, {"x", "base"}, "A number to the power of x.");
}

}  // namespace stm::ops
