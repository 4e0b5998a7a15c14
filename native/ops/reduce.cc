#include <algorithm>

#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

using Dims = std::optional<std::vector<int64_t>>;

/// Which axes are reduced, and what the result looks like.
struct Plan {
  std::vector<size_t> kept, reduced;
  Shape kept_shape, full_shape;  ///< without the reduced axes, and with them as 1
  int64_t count = 1;             ///< elements behind each result
  const Shape& result(bool keep_dims) const { return keep_dims ? full_shape : kept_shape; }
};

Plan plan_of(const char* op, const Tensor& x, const Dims& dims) {
  Plan plan;
  std::vector<bool> is_reduced(x.rank(), !dims);
  if (dims) {
    for (const int64_t dim : *dims) {
      const size_t axis = check_axis(op, dim, x.rank());
      STM_CHECK(!is_reduced[axis], Kind::Option, "{}: got dim {} twice, expected each axis once.\n  Fix: name every axis once.", op, dim);
      is_reduced[axis] = true;
    }
  }
  for (size_t i = 0; i < x.rank(); ++i) {
    (is_reduced[i] ? plan.reduced : plan.kept).push_back(i);
    plan.full_shape.push_back(is_reduced[i] ? 1 : x.extent(i));
    if (is_reduced[i]) plan.count *= x.extent(i);
    else plan.kept_shape.push_back(x.extent(i));
  }
  return plan;
}

/// `x` with the reduced axes last; outside the graph.
Tensor reduced_last(const Tensor& x, const Plan& plan) {
  Shape shape, strides;
  for (const std::vector<size_t>* axes : {&plan.kept, &plan.reduced}) {
    for (const size_t axis : *axes) {
      shape.push_back(x.extent(axis));
      strides.push_back(x->strides[axis]);
    }
  }
  return alias(x, shape, strides, x->offset);
}

/// The result without reduced axes.
Tensor reduced(const char* op, Fold reduction, const Tensor& x, const Plan& plan) {
  const Tensor y = empty(plan.kept_shape, x);
  const int32_t axes = static_cast<int32_t>(plan.reduced.size());
  enqueue(op, {reduced_last(x, plan)}, {y}, [=](Backend& b, Views v) { return b.reduce().reduce(reduction, v.in(0), axes, v.out(0)); });
  return y;
}

/// `y` with the shape that the caller wants; outside the graph.
Tensor shaped(const Tensor& y, const Shape& shape) { return y.shape() == shape ? y : alias(y, shape, dense_strides(shape), y->offset); }

void check_number(const char* op, const Tensor& x) {
  STM_CHECK(x.dtype() != DType::Bool, Kind::DType, "{}: got {}, expected numbers.\n  Fix: cast it with cast('i32').", op, x);
}

Tensor sum_of(const char* op, const Tensor& x, const Plan& plan, bool keep_dims, double scale) {
  check_number(op, x);
  Tensor total = shaped(reduced(op, Fold::Sum, x, plan), plan.result(keep_dims));
  if (scale != 1) {
    Tensor scaled = empty_like(total);
    enqueue(op, {total}, {scaled}, [scale](Backend& b, Views v) { return b.elementwise().binary_scalar(Binary::mul, v.in(0), scale, false, v.out(0)); });
    total = scaled;
  }
  on_backward(op, total, {x}, {}, [scale, shape = x.shape(), full = plan.full_shape](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
    const Tensor each = reshape(dy, full);
    return {expand(scale == 1 ? each : mul_scalar(each, scale), shape)};
  });
  return total;
}

Tensor sum_dims(const Tensor& x, const Dims& dims, bool keep_dims) { return sum_of("sum", x, plan_of("sum", x, dims), keep_dims, 1); }

Tensor mean_dims(const Tensor& x, const Dims& dims, bool keep_dims) {
  check_floating("mean", "x", x);
  const Plan plan = plan_of("mean", x, dims);
  STM_CHECK(plan.count > 0, Kind::Shape, "mean: got {}, expected at least one element to average.\n  Fix: leave empty batches out.", x);
  return sum_of("mean", x, plan, keep_dims, 1.0 / static_cast<double>(plan.count));
}

Tensor compare_to(const Tensor& x, double value, Compare relation) {
  const Tensor y = empty(x.shape(), DType::Bool, x.device());
  enqueue("prod", {x}, {y}, [=](Backend& b, Views v) { return b.elementwise().compare_scalar(relation, v.in(0), value, v.out(0)); });
  return y;
}

/// d(prod)/dx: the product of the others, also where elements are 0.
Tensor prod_slope(const Tensor& x, const Plan& plan) {
  const auto constant = [&x](double value) { return full({}, value, x.dtype(), x.device()); };
  const Tensor zero = compare_to(x, 0, Compare::eq);
  const Tensor others = shaped(reduced("prod", Fold::Prod, where(zero, constant(1), x), plan), plan.full_shape);
  const Tensor zeros = shaped(reduced("prod", Fold::Sum, cast(zero, x.dtype()), plan), plan.full_shape);
  const Tensor none = compare_to(zeros, 0, Compare::eq), one = compare_to(zeros, 1, Compare::eq);
  const Tensor at_zero = where(one, others, constant(0));
  const Tensor elsewhere = where(none, div(others, where(zero, constant(1), x)), constant(0));
  return where(zero, at_zero, elsewhere);
}

Tensor prod(const Tensor& x, const Dims& dims, bool keep_dims) {
  check_number("prod", x);
  const Plan plan = plan_of("prod", x, dims);
  const Tensor y = shaped(reduced("prod", Fold::Prod, x, plan), plan.result(keep_dims));
  on_backward("prod", y, {x}, {x}, [plan](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
    return {mul(reshape(dy, plan.full_shape), prod_slope(saved[0], plan))};
  });
  return y;
}

/// The gradient is shared evenly among the elements that reach the extreme.
Tensor extreme(const char* op, Fold reduction, const Tensor& x, const Dims& dims, bool keep_dims) {
  const Plan plan = plan_of(op, x, dims);
  STM_CHECK(plan.count > 0, Kind::Shape, "{}: got {}, expected at least one element to choose from.\n  Fix: leave empty batches out.", op, x);
  const Tensor y = shaped(reduced(op, reduction, x, plan), plan.result(keep_dims));
  on_backward(op, y, {x}, {x, y}, [plan](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
    const Tensor& x = saved[0];
    const Tensor best = expand(reshape(saved[1], plan.full_shape), x.shape());
    const Tensor hit = empty(x.shape(), DType::Bool, x.device());
    enqueue("max", {x, best}, {hit}, [](Backend& b, Views v) { return b.elementwise().compare(Compare::eq, v.in(0), v.in(1), v.out(0)); });
    const Tensor hits = cast(hit, x.dtype());
    const Tensor count = shaped(reduced("max", Fold::Sum, hits, plan), plan.full_shape);
    return {mul(hits, div(reshape(dy, plan.full_shape), count))};
  });
  return y;
}

Tensor truth(const char* op, Fold fold, const Tensor& x, const Dims& dims, bool keep_dims) {
  const Plan plan = plan_of(op, x, dims);
  return shaped(reduced(op, fold, cast(detached(x), DType::Bool), plan), plan.result(keep_dims));
}
Tensor any(const Tensor& x, const Dims& dims, bool keep_dims) { return truth("any", Fold::Max, x, dims, keep_dims); }
Tensor all(const Tensor& x, const Dims& dims, bool keep_dims) { return truth("all", Fold::Min, x, dims, keep_dims); }

Tensor max(const Tensor& x, const Dims& dims, bool keep_dims) { return extreme("max", Fold::Max, x, dims, keep_dims); }
Tensor min(const Tensor& x, const Dims& dims, bool keep_dims) { return extreme("min", Fold::Min, x, dims, keep_dims); }

Tensor arg_extreme(const char* op, bool largest, const Tensor& given, const std::optional<int64_t>& dim, bool keep_dims) {
  const Tensor x = dim ? given : reshape(detached(given), {given.size()});
  const Plan plan = plan_of(op, x, std::vector<int64_t>{dim.value_or(-1)});
  STM_CHECK(plan.count > 0, Kind::Shape, "{}: got {}, expected at least one element to choose from.\n  Fix: leave empty batches out.", op, given);
  const Tensor y = empty(plan.kept_shape, DType::I32, x.device());
  enqueue(op, {reduced_last(x, plan)}, {y}, [largest](Backend& b, Views v) { return b.reduce().arg_extreme(largest, v.in(0), v.out(0)); });
  if (!dim && keep_dims) return shaped(y, Shape(std::vector<int64_t>(given.rank(), 1)));
  return shaped(y, plan.result(keep_dims));
}
Tensor argmax(const Tensor& x, const std::optional<int64_t>& dim, bool keep_dims) { return arg_extreme("argmax", true, x, dim, keep_dims); }
Tensor argmin(const Tensor& x, const std::optional<int64_t>& dim, bool keep_dims) { return arg_extreme("argmin", false, x, dim, keep_dims); }

Tensor running_sum(const Tensor& x, size_t axis, bool reversed) {
  const Tensor y = empty_like(x);
  const auto last = [axis](const Tensor& z) {
    Shape shape = z.shape(), strides = z->strides;
    std::swap(shape[axis], shape[z.rank() - 1]);
    std::swap(strides[axis], strides[z.rank() - 1]);
    return alias(z, shape, strides, z->offset);
  };
  enqueue("cumsum", {last(x)}, {last(y)}, [reversed](Backend& b, Views v) { return b.reduce().cumsum(v.in(0), reversed, v.out(0)); });
  return y;
}

Tensor cumsum(const Tensor& x, int64_t dim) {
  check_number("cumsum", x);
  const size_t axis = check_axis("cumsum", dim, x.rank());
  const Tensor y = running_sum(x, axis, false);
  on_backward("cumsum", y, {x}, {}, [axis](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {running_sum(dy, axis, true)}; });
  return y;
}

}  // namespace

Tensor sum(const Tensor& x, const std::vector<int64_t>& axes, bool keep_dims) { return sum_dims(x, axes, keep_dims); }

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  std::vector<int64_t> axes;
  const size_t added = x.rank() - shape.rank();
  for (size_t i = 0; i < x.rank(); ++i)
    if (i < added || (shape[i - added] == 1 && x.extent(i) != 1)) axes.push_back(static_cast<int64_t>(i));
  return reshape(sum(x, axes, false), shape);
}

void declare_reduce(OpTable& table) {
  table.add("sum", &sum_dims, {"x", "dims", "keepDim"}, "Sum over axes, or over everything.");
  table.add("mean", &mean_dims, {"x", "dims", "keepDim"}, "Mean over axes, or over everything.");
  table.add("prod", &prod, {"x", "dims", "keepDim"}, "Product over axes, or over everything.");
  table.add("max", &max, {"x", "dims", "keepDim"}, "Largest element over axes, or over everything.");
  table.add("min", &min, {"x", "dims", "keepDim"}, "Smallest element over axes, or over everything.");
  table.add("any", &any, {"x", "dims", "keepDim"}, "Whether an element over axes, or of all, is not 0 (bool).");
  table.add("all", &all, {"x", "dims", "keepDim"}, "Whether every element over axes, or of all, is not 0 (bool).");
  table.add("argmax", &argmax, {"x", "dim", "keepDim"}, "Place (i32) of the largest element along an axis, or in row-major order.");
  table.add("argmin", &argmin, {"x", "dim", "keepDim"}, "Place (i32) of the smallest element along an axis, or in row-major order.");
  table.add("cumsum", &cumsum, {"x", "dim"}, "Running sums along an axis.");
}

}  // namespace stm::ops
