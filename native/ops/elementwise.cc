#include "ops/elementwise.h"

namespace stm::ops {
namespace {

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

constexpr const char* kCompare[] = {
#define STM_NAME(name, ...) #name,
    STM_COMPARE_FUNCTORS(STM_NAME)
#undef STM_NAME
};

}  // namespace

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

Shape broadcast_shape(const char* op, const Tensor& a, const Tensor& b) {
  Shape shape;
  STM_CHECK(Shape::broadcast(a.shape(), b.shape(), shape), Kind::Shape, op, fmt::format("{} and {}", a, b),
            "extents that are equal or 1, counted from the last axis",
            "reshape one, or insert an axis with unsqueeze()");
  return shape;
}

Tensor stretched(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  Shape strides = shape;
  const size_t added = shape.rank() - x.rank();
  for (size_t i = 0; i < shape.rank(); ++i)
    strides[i] = i < added || (x.extent(i - added) == 1 && shape[i] != 1) ? 0 : x->strides[i - added];
  return alias(x, shape, strides, x->offset);
}

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

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check_dtype("where", "condition", condition, DType::Bool);
  check_same_dtype("where", a, b);
  Shape values = broadcast_shape("where", a, b), shape;
  STM_CHECK(Shape::broadcast(condition.shape(), values, shape), Kind::Shape, "where",
            fmt::format("condition {} for values of shape {}", condition, values), "shapes that broadcast",
            "reshape the condition");
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

namespace {

/// The numbers of an i8 tensor as i32: those of its bytes, less 256 from 128 on.
Tensor signed_bytes(const Tensor& x) {
  const Tensor bytes = cast(as_bytes(x), DType::I32);
  return sub(bytes, mul_scalar(cast(compare_scalar(Compare::ge, bytes, 128), DType::I32), 256));
}

}  // namespace

Tensor cast_as(const char* op, const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  STM_CHECK(dtype != DType::I8, Kind::DType, op, fmt::format("{} to i8", x), "f32, f64, i32 or bool",
            "quantizeDynamic(model) makes weights of 8 bits; numbers of your own: tensor(int8Array, { dtype: 'i8' })");
  if (x.dtype() == DType::I8) return cast_as(op, signed_bytes(x), dtype);
  Tensor y = empty(x.shape(), dtype, x.device());
  enqueue(op, {x}, {y}, [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
  if (is_floating(dtype) && is_floating(x.dtype()))
    on_backward(op, y, {x}, {}, [from = x.dtype()](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
      return {cast(dy, from)};
    });
  return y;
}

namespace {

Tensor dense_copy(const char* op, const Tensor& x) {
  Tensor y = empty_like(x);
  enqueue(op, {as_bytes(x)}, {as_bytes(y)},
          [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
  if (x->storage->host_range()) y->storage->set_host_range(*x->storage->host_range());
  pass_gradient(op, y, x);
  return y;
}

/// neg and abs of whole numbers, which have no gradient.
Tensor whole_unary(Unary functor, const Tensor& x) {
  const Tensor negated = scalar_value(kUnary[static_cast<size_t>(functor)].name, Binary::mul, x, -1, false);
  return functor == Unary::neg ? negated : binary_value(Binary::maximum, x, negated);
}

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

template <Compare functor>
Tensor compare_op(const Tensor& a, const Tensor& b) {
  return compare(functor, a, b);
}
template <Compare functor>
Tensor compare_scalar_op(const Tensor& x, double value) {
  return compare_scalar(functor, x, value);
}

}  // namespace

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
  declare_arithmetic(table);
  table.add("where", &where, {"condition", "a", "b"}, "a where the condition holds, b elsewhere.");
  table.add("cast", &cast, {"x", "dtype"}, "x in another dtype.");
  table.add("clone", &clone, {"x"}, "A dense copy.");
  table.add("contiguous", &contiguous, {"x"}, "x itself if its elements lie densely, else a dense copy.");
  declare_in_place(table);
}

}  // namespace stm::ops
