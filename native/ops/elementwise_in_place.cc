#include "ops/elementwise.h"

namespace stm::ops {
namespace {

void check_fits(const char* op, const Tensor& target, const Tensor& value) {
  Shape shape;
  STM_CHECK(Shape::broadcast(target.shape(), value.shape(), shape) && shape == target.shape(), Kind::Shape, op,
            fmt::format("{} into {}", value, target), "a shape that broadcasts to the target's",
            "reshape the value, or use the op without the underscore");
}

/// The source of an in-place op, moved out of the way if it overlaps the target in another arrangement.
Tensor apart_from(const Tensor& target, const Tensor& value) {
  const Tensor seen = stretched(value, target.shape());
  const bool same_places = seen->offset == target->offset && seen->strides == target->strides;
  return value->storage != target->storage || same_places ? seen : stretched(clone(detached(value)), target.shape());
}

template <Binary functor>
void binary_in_place(const Tensor& target, const Tensor& value) {
  static const std::string name = std::string(name_of(functor)) + "_";
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
  static const std::string name = std::string(name_of(functor)) + "_";
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
  STM_CHECK(target.dtype() == value.dtype(), Kind::DType, "copy_", fmt::format("{} into {}", value, target),
            "one dtype", fmt::format("cast the value with cast('{}')", target.dtype()));
  enqueue_update("copy_", {as_bytes(apart_from(target, value))}, {as_bytes(target)},
                 [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
}

void fill_in_place(const Tensor& target, double value) {
  check_in_place("fill_", target, {});
  const double scalar = checked_scalar("fill_", target, value);
  enqueue_update("fill_", {}, {target},
                 [scalar](Backend& b, Views v) { return b.elementwise().fill(scalar, v.out(0)); });
}

}  // namespace

void declare_in_place(OpTable& table) {
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
