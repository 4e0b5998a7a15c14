#include <cmath>

#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

// ---- unary

enum class Saves { Nothing, OfX, OfY, OfBoth };
struct UnaryInfo {
  const char* name;
  Saves saves;
};
constexpr UnaryInfo kUnary[] = {
#define STM_INFO(name, doc, saves, value, derivative) {#name, Saves::saves},
    STM_UNARY_FUNCTORS(STM_INFO) STM_PARAMETRIC_FUNCTORS(STM_INFO)
#undef STM_INFO
};

Tensor unary(Unary functor, const Tensor& x, double parameter) {
  const UnaryInfo& info = kUnary[static_cast<size_t>(functor)];
  check_floating(info.name, "x", x);
  Tensor y = empty_like(x);
  enqueue(info.name, {x}, {y},
          [=](Backend& b, Views v) { return b.elementwise().unary(functor, parameter, v.in(0), v.out(0)); });
  const Tensor saved_x = info.saves == Saves::OfX || info.saves == Saves::OfBoth ? x : Tensor();
  const Tensor saved_y = info.saves == Saves::OfY || info.saves == Saves::OfBoth ? y : Tensor();
  on_backward(
      info.name, y, {x}, {saved_x, saved_y},
      [functor, parameter, name = info.name](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
        Tensor dx = empty_like(dy);
        enqueue(name, {saved[0], saved[1], dy}, {dx}, [=](Backend& b, Views v) {
          return b.elementwise().unary_backward(functor, parameter, v.in(0), v.in(1), v.in(2), v.out(0));
        });
        return {dx};
      });
  return y;
}

Tensor whole_unary(Unary functor, const Tensor& x);

template <Unary functor>
Tensor unary_op(const Tensor& x) {
  if constexpr (functor == Unary::neg || functor == Unary::abs)
    if (x.dtype() == DType::I32) return whole_unary(functor, x);
  return unary(functor, x, 0);
}
template <Unary functor>
Tensor parametric_op(const Tensor& x, double parameter) {
  return unary(functor, x, parameter);
}

// ---- binary

Shape broadcast_shape(const char* op, const Tensor& a, const Tensor& b) {
  Shape shape;
  STM_CHECK(Shape::broadcast(a.shape(), b.shape(), shape), Kind::Shape,
            "{}: got {} and {}, expected extents that are equal or 1, counted from the last axis.\n  Fix: reshape one, "
            "or insert an axis with unsqueeze().",
            op, a, b);
  return shape;
}

/// `x` seen with the extents of `shape`; outside the graph, because gradients are summed back by sum_to.
Tensor stretched(const Tensor& x, const Shape& shape) {
  Shape strides = shape;
  const size_t added = shape.rank() - x.rank();
  for (size_t i = 0; i < shape.rank(); ++i)
    strides[i] = i < added || (x.extent(i - added) == 1 && shape[i] != 1) ? 0 : x->strides[i - added];
  return alias(x, shape, strides, x->offset);
}

constexpr const char* kBinary[] = {
#define STM_NAME(name, ...) #name,
    STM_BINARY_FUNCTORS(STM_NAME)};
constexpr const char* kCompare[] = {STM_COMPARE_FUNCTORS(STM_NAME)
#undef STM_NAME
};

void check_arithmetic(Binary functor, const Tensor& a) {
  const char* op = kBinary[static_cast<size_t>(functor)];
  const bool orders = functor == Binary::maximum || functor == Binary::minimum;
  STM_CHECK(a.dtype() != DType::Bool || orders, Kind::DType,
            "{}: got {}, expected numbers.\n  Fix: cast it with cast('f32').", op, a);
  STM_CHECK(functor != Binary::div || is_floating(a.dtype()), Kind::DType,
            "{}: got {}, expected f32 or f64.\n  Fix: cast it with cast('f32').", op, a);
}

Tensor binary_value(Binary functor, const Tensor& a, const Tensor& b) {
  const char* op = kBinary[static_cast<size_t>(functor)];
  check_same_dtype(op, a, b);
  check_arithmetic(functor, a);
  const Shape shape = broadcast_shape(op, a, b);
  Tensor y = empty(shape, a);
  enqueue(op, {stretched(a, shape), stretched(b, shape)}, {y},
          [=](Backend& k, Views v) { return k.elementwise().binary(functor, v.in(0), v.in(1), v.out(0)); });
  return y;
}

/// Refuses numbers that the tensor's dtype, which they take, does not hold.
double checked_scalar(const char* op, const Tensor& x, double value) {
  STM_CHECK(holds(x.dtype(), value), Kind::Option,
            "{}: got {} with {}, expected {}, because numbers take the tensor's dtype.\n  Fix: cast the tensor with "
            "cast('f32').",
            op, value, x, x.dtype() == DType::Bool ? "0 or 1" : "an integer of 32 bits");
  return value;
}

/// Refuses what has no whole result, whatever the elements are.
void check_whole(Binary functor, const Tensor& x, double value, bool reversed) {
  if (x.dtype() != DType::I32 || reversed) return;
  const char* op = kBinary[static_cast<size_t>(functor)];
  STM_CHECK(
      functor != Binary::pow || value >= 0, Kind::Option,
      "{}: got {} to the power of {}, expected 0 or more for whole numbers.\n  Fix: cast the tensor with cast('f32').",
      op, x, value);
  STM_CHECK((functor != Binary::floorDivide && functor != Binary::remainder) || value != 0, Kind::Option,
            "{}: got {} to be divided by 0, expected another number.\n  Fix: correct the divisor.", op, x);
}

/// A power that is exact and quicker by another way; empty if there is none.
Tensor simple_power(const Tensor& x, double exponent) {
  if (!is_floating(x.dtype())) return {};
  if (exponent == 2) return binary_value(Binary::mul, x, x);
  return exponent == 0.5    ? unary(Unary::sqrt, detached(x), 0)
         : exponent == -0.5 ? unary(Unary::rsqrt, detached(x), 0)
                            : Tensor();
}

/// `op` is what the user called.
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

Tensor scalar_value(Binary functor, const Tensor& x, double value, bool reversed) {
  return scalar_value(kBinary[static_cast<size_t>(functor)], functor, x, value, reversed);
}

}  // namespace

Tensor compare(Compare functor, const Tensor& a, const Tensor& b) {
  const char* op = kCompare[static_cast<size_t>(functor)];
  check_same_dtype(op, a, b);
  const Shape shape = broadcast_shape(op, a, b);
  Tensor y = empty(shape, DType::Bool, a.device());
  enqueue(op, {stretched(a, shape), stretched(b, shape)}, {y},
          [=](Backend& k, Views v) { return k.elementwise().compare(functor, v.in(0), v.in(1), v.out(0)); });
  return y;
}

Tensor compare_scalar(Compare functor, const Tensor& x, double value) {
  Tensor y = empty(x.shape(), DType::Bool, x.device());
  enqueue(kCompare[static_cast<size_t>(functor)], {x}, {y},
          [=](Backend& b, Views v) { return b.elementwise().compare_scalar(functor, v.in(0), value, v.out(0)); });
  return y;
}

Tensor both(const Tensor& a, const Tensor& b) { return binary_value(Binary::minimum, a, b); }

namespace {

template <Compare functor>
Tensor compare_op(const Tensor& a, const Tensor& b) {
  return compare(functor, a, b);
}
template <Compare functor>
Tensor compare_scalar_op(const Tensor& x, double value) {
  return compare_scalar(functor, x, value);
}

Tensor scaled(const Tensor& x, double factor) { return scalar_value(Binary::mul, x, factor, false); }
Tensor zero_like(const Tensor& x) { return full({}, 0, x.dtype(), x.device()); }

/// neg and abs of whole numbers, which have no gradient.
Tensor whole_unary(Unary functor, const Tensor& x) {
  const Tensor negated = scalar_value(kUnary[static_cast<size_t>(functor)].name, Binary::mul, x, -1, false);
  return functor == Unary::neg ? negated : binary_value(Binary::maximum, x, negated);
}

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
  on_backward(kBinary[static_cast<size_t>(functor)], y, {a, b}, {a, b},
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
  Tensor y = scalar_value(functor, x, bound, false);
  on_backward(kBinary[static_cast<size_t>(functor)], y, {x}, {x},
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
  if (least) y = scalar_value(Binary::maximum, y, checked_scalar("clamp", x, *least), false);
  if (greatest) y = scalar_value(Binary::minimum, y, checked_scalar("clamp", x, *greatest), false);
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
  Tensor y = scalar_value(Binary::pow, x, exponent, false);
  on_backward("pow", y, {x}, {x}, [exponent](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
    if (exponent == 0) return {zeros_like(dy)};
    return {mul(dy, scaled(scalar_value(Binary::pow, saved[0], exponent - 1, false), exponent))};
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
  Tensor y = scalar_value(Binary::sub, x, value, false);
  on_backward("sub", y, {x}, {}, [](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {dy}; });
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
  Tensor y = scalar_value(Binary::floorDivide, x, value, false);
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
  Tensor y = scalar_value(Binary::remainder, x, value, false);
  on_backward("remainder", y, {x}, {},
              [](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {dy}; });
  return y;
}

// ---- in place

void check_fits(const char* op, const Tensor& target, const Tensor& value) {
  Shape shape;
  STM_CHECK(Shape::broadcast(target.shape(), value.shape(), shape) && shape == target.shape(), Kind::Shape,
            "{}: got {} into {}, expected a shape that broadcasts to the target's.\n  Fix: reshape the value, or use "
            "the op without the underscore.",
            op, value, target);
}

/// The source of an in-place op, moved out of the way if it overlaps the target in another arrangement.
Tensor apart_from(const Tensor& target, const Tensor& value) {
  const Tensor seen = stretched(value, target.shape());
  const bool same_places = seen->offset == target->offset && seen->strides == target->strides;
  return value->storage != target->storage || same_places ? seen : stretched(clone(detached(value)), target.shape());
}

template <Binary functor>
void binary_in_place(const Tensor& target, const Tensor& value) {
  static const std::string name = std::string(kBinary[static_cast<size_t>(functor)]) + "_";
  const char* op = name.c_str();
  check_in_place(op, target, {value});
  check_same_dtype(op, target, value);
  check_arithmetic(functor, target);
  check_fits(op, target, value);
  enqueue_update(op, {apart_from(target, value)}, {target},
                 [](Backend& b, Views v) { return b.elementwise().binary(functor, v.out(0), v.in(0), v.out(0)); });
}

template <Binary functor>
void scalar_in_place(const Tensor& target, double value) {
  static const std::string name = std::string(kBinary[static_cast<size_t>(functor)]) + "_";
  check_in_place(name.c_str(), target, {});
  check_arithmetic(functor, target);
  const double scalar = checked_scalar(name.c_str(), target, value);
  enqueue_update(name.c_str(), {}, {target}, [scalar](Backend& b, Views v) {
    return b.elementwise().binary_scalar(functor, v.out(0), scalar, false, v.out(0));
  });
}

void copy_in_place(const Tensor& target, const Tensor& value) {
  check_in_place("copy_", target, {value});
  check_fits("copy_", target, value);
  STM_CHECK(target.dtype() == value.dtype(), Kind::DType,
            "copy_: got {} into {}, expected one dtype.\n  Fix: cast the value with cast('{}').", value, target,
            target.dtype());
  enqueue_update("copy_", {apart_from(target, value)}, {target},
                 [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
}

void fill_in_place(const Tensor& target, double value) {
  check_in_place("fill_", target, {});
  const double scalar = checked_scalar("fill_", target, value);
  enqueue_update("fill_", {}, {target},
                 [scalar](Backend& b, Views v) { return b.elementwise().fill(scalar, v.out(0)); });
}

Tensor dense_copy(const char* op, const Tensor& x) {
  Tensor y = empty_like(x);
  enqueue(op, {x}, {y}, [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
  if (x->storage->host_range()) y->storage->set_host_range(*x->storage->host_range());
  on_backward(op, y, {x}, {}, [](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {dy}; });
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
  Tensor y = scalar_value(Binary::add, x, value, false);
  on_backward("add", y, {x}, {}, [](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {dy}; });
  return y;
}

Tensor mul_scalar(const Tensor& x, double value) {
  Tensor y = scaled(x, value);
  on_backward("mul", y, {x}, {},
              [value](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {scaled(dy, value)}; });
  return y;
}

Tensor div_scalar(const Tensor& x, double value) {
  Tensor y = scalar_value(Binary::div, x, value, false);
  on_backward("div", y, {x}, {}, [value](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
    return {div_scalar(dy, value)};
  });
  return y;
}

Tensor neg(const Tensor& x) { return mul_scalar(x, -1); }

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check_dtype("where", "condition", condition, DType::Bool);
  check_same_dtype("where", a, b);
  Shape values = broadcast_shape("where", a, b), shape;
  STM_CHECK(
      Shape::broadcast(condition.shape(), values, shape), Kind::Shape,
      "where: got condition {} for values of shape {}, expected shapes that broadcast.\n  Fix: reshape the condition.",
      condition, values);
  Tensor y = empty(shape, a);
  enqueue("where", {stretched(condition, shape), stretched(a, shape), stretched(b, shape)}, {y},
          [](Backend& k, Views v) { return k.elementwise().where(v.in(0), v.in(1), v.in(2), v.out(0)); });
  const bool wants_a = needs_grad(a), wants_b = needs_grad(b);
  on_backward("where", y, {a, b}, {condition},
              [wants_a, wants_b, sa = a.shape(), sb = b.shape()](const Tensor& dy,
                                                                 const SavedTensors& saved) -> std::vector<Tensor> {
                const Tensor zero = full({}, 0, dy.dtype(), dy.device());
                return {wants_a ? sum_to(where(saved[0], dy, zero), sa) : Tensor(),
                        wants_b ? sum_to(where(saved[0], zero, dy), sb) : Tensor()};
              });
  return y;
}

Tensor cast(const Tensor& x, DType dtype) { return cast_as("cast", x, dtype); }

Tensor cast_as(const char* op, const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Tensor y = empty(x.shape(), dtype, x.device());
  enqueue(op, {x}, {y}, [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
  if (is_floating(dtype) && is_floating(x.dtype()))
    on_backward(op, y, {x}, {}, [from = x.dtype()](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
      return {cast(dy, from)};
    });
  return y;
}

Tensor clone(const Tensor& x) { return dense_copy("clone", x); }
Tensor contiguous(const Tensor& x) { return x.contiguous() ? x : dense_copy("contiguous", x); }

void declare_elementwise(OpTable& table) {
#define STM_DECLARE(name, doc, ...) table.add(#name, &unary_op<Unary::name>, {"x"}, doc);
  STM_UNARY_FUNCTORS(STM_DECLARE)
#undef STM_DECLARE
#define STM_DECLARE(name, doc, ...) table.add(#name, &parametric_op<Unary::name>, {"x", "a"}, doc);
  STM_PARAMETRIC_FUNCTORS(STM_DECLARE)
#undef STM_DECLARE
#define STM_DECLARE(name, doc, ...)                              \
  table.add(#name, &compare_op<Compare::name>, {"a", "b"}, doc); \
  table.add(#name "Scalar", &compare_scalar_op<Compare::name>, {"x", "value"}, doc);
  STM_COMPARE_FUNCTORS(STM_DECLARE)
#undef STM_DECLARE
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
  table.add("where", &where, {"condition", "a", "b"}, "a where the condition holds, b elsewhere.");
  table.add("cast", &cast, {"x", "dtype"}, "x in another dtype.");
  table.add("clone", &clone, {"x"}, "A dense copy.");
  table.add("contiguous", &contiguous, {"x"}, "x itself if its elements lie densely, else a dense copy.");
  table.add("addInPlace", &binary_in_place<Binary::add>, {"target", "value"}, "target += value.");
  table.add("subInPlace", &binary_in_place<Binary::sub>, {"target", "value"}, "target -= value.");
  table.add("mulInPlace", &binary_in_place<Binary::mul>, {"target", "value"}, "target ·= value.");
  table.add("divInPlace", &binary_in_place<Binary::div>, {"target", "value"}, "target /= value.");
  table.add("addScalarInPlace", &scalar_in_place<Binary::add>, {"target", "value"}, "target += value.");
  table.add("subScalarInPlace", &scalar_in_place<Binary::sub>, {"target", "value"}, "target -= value.");
  table.add("divScalarInPlace", &scalar_in_place<Binary::div>, {"target", "value"}, "target /= value.");
  table.add("mulScalarInPlace", &scalar_in_place<Binary::mul>, {"target", "value"}, "target ·= value.");
  table.add("copyInPlace", &copy_in_place, {"target", "value"}, "Overwrites target with value.");
  table.add("fillInPlace", &fill_in_place, {"target", "value"}, "Sets every element to value.");
}

}  // namespace stm::ops
