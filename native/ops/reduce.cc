#include <algorithm>
#include <cmath>

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
      STM_CHECK(!is_reduced[axis], Kind::Option, op, fmt::format("dim {} twice", dim), "each axis once",
                "name every axis once");
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

/// `x` with the reduced axes last; without history.
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
  enqueue(op, {reduced_last(x, plan)}, {y},
          [=](Backend& b, Views v) { return b.reduce().reduce(reduction, v.in(0), axes, v.out(0)); });
  return y;
}

/// `y` with the shape that the caller wants; without history.
Tensor shaped(const Tensor& y, const Shape& shape) {
  return y.shape() == shape ? y : alias(y, shape, dense_strides(shape), y->offset);
}

void check_number(const char* op, const Tensor& x) {
  STM_CHECK(x.dtype() != DType::Bool, Kind::DType, op, fmt::format("{}", x), "numbers", "cast it with cast('i32')");
}

/// A function without a gradient.
Tensor through(const char* op, Unary functor, const Tensor& x) {
  const Tensor y = empty_like(x);
  enqueue(op, {x}, {y},
          [functor](Backend& b, Views v) { return b.elementwise().unary(functor, 0, v.in(0), v.out(0)); });
  return y;
}
Tensor square_root(const Tensor& x) { return through("std", Unary::sqrt, x); }
Tensor to_power(const Tensor& x, double exponent) {
  const Tensor y = empty_like(x);
  enqueue("norm", {x}, {y}, [exponent](Backend& b, Views v) {
    return b.elementwise().binary_scalar(Binary::pow, v.in(0), exponent, false, v.out(0));
  });
  return y;
}

Tensor sum_dims(const Tensor& x, const Dims& dims, bool keep_dims) {
  check_number("sum", x);
  const Plan plan = plan_of("sum", x, dims);
  const Tensor y = shaped(reduced("sum", Fold::Sum, x, plan), plan.result(keep_dims));
  on_backward(
      "sum", y, {x}, {},
      [shape = x.shape(), full = plan.full_shape](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
        return {expand(reshape(dy, full), shape)};
      });
  return y;
}

Tensor mean_dims(const Tensor& x, const Dims& dims, bool keep_dims) {
  check_floating("mean", "x", x);
  const Plan plan = plan_of("mean", x, dims);
  STM_CHECK(plan.count > 0, Kind::Shape, "mean", fmt::format("{}", x), "at least one element to average",
            "leave empty batches out");
  const Tensor y = shaped(reduced("mean", Fold::Mean, x, plan), plan.result(keep_dims));
  on_backward("mean", y, {x}, {},
              [plan, shape = x.shape()](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
                return {expand(div_scalar(reshape(dy, plan.full_shape), static_cast<double>(plan.count)), shape)};
              });
  return y;
}

/// Distances from the mean, in f64.
Tensor distances(const char* op, const Tensor& wide, const Plan& plan) {
  return sub(wide, shaped(reduced(op, Fold::Mean, wide, plan), plan.full_shape));
}

/// Variance, or its root. All in f64, so that squares neither overflow nor vanish.
Tensor spread(const char* op, const Tensor& x, const Dims& dims, double correction, bool keep_dims, bool root) {
  check_floating(op, "x", x);
  const Plan plan = plan_of(op, x, dims);
  const double divisor = static_cast<double>(plan.count) - correction;
  STM_CHECK(divisor > 0, Kind::Option, op, fmt::format("{} elements and correction {}", plan.count, correction),
            "more elements than the correction", "set correction: 0");
  const Tensor once = distances(op, cast(detached(x), DType::F64), plan);
  // The mean of large f64 numbers may be rounded by more than they lie apart.
  const Tensor distance = x.dtype() == DType::F64 ? distances(op, once, plan) : once;
  Tensor wide =
      shaped(div_scalar(reduced(op, Fold::Sum, mul(distance, distance), plan), divisor), plan.result(keep_dims));
  if (root) wide = square_root(wide);
  const Tensor y = cast(wide, x.dtype());
  on_backward(op, y, {x}, {x, root ? wide : Tensor()},
              [=, dtype = x.dtype()](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                const Tensor upstream = cast(dy, DType::F64), zero = full({}, 0, DType::F64, dy.device());
                // With a root, half of the slope over the root; equal elements have none, as at the tip of a norm.
                const Tensor slope =
                    root ? where(compare_scalar(Compare::eq, saved[1], 0), zero, div(upstream, saved[1]))
                         : mul_scalar(upstream, 2);
                const Tensor factor = reshape(div_scalar(slope, divisor), plan.full_shape);
                return {cast(mul(factor, distances(op, cast(saved[0], DType::F64), plan)), dtype)};
              });
  return y;
}
Tensor variance(const Tensor& x, const Dims& dims, double correction, bool keep_dims) {
  return spread("variance", x, dims, correction, keep_dims, false);
}
Tensor std_deviation(const Tensor& x, const Dims& dims, double correction, bool keep_dims) {
  return spread("std", x, dims, correction, keep_dims, true);
}

/// d(prod)/dx: the product of the others, also where elements are 0.
Tensor prod_slope(const Tensor& x, const Plan& plan) {
  const auto constant = [&x](double value) { return full({}, value, x.dtype(), x.device()); };
  const Tensor zero = compare_scalar(Compare::eq, x, 0);
  const Tensor others = shaped(reduced("prod", Fold::Prod, where(zero, constant(1), x), plan), plan.full_shape);
  const Tensor zeros = shaped(reduced("prod", Fold::Sum, cast(zero, x.dtype()), plan), plan.full_shape);
  const Tensor none = compare_scalar(Compare::eq, zeros, 0), one = compare_scalar(Compare::eq, zeros, 1);
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
  STM_CHECK(plan.count > 0, Kind::Shape, op, fmt::format("{}", x), "at least one element to choose from",
            "leave empty batches out");
  const Tensor y = shaped(reduced(op, reduction, x, plan), plan.result(keep_dims));
  on_backward(op, y, {x}, {x, y}, [plan](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
    const Tensor& x = saved[0];
    const Tensor best = expand(reshape(saved[1], plan.full_shape), x.shape());
    const Tensor hits = cast(compare(Compare::eq, x, best), x.dtype());
    const Tensor count = shaped(reduced("max", Fold::Sum, hits, plan), plan.full_shape);
    return {mul(hits, div(reshape(dy, plan.full_shape), count))};
  });
  return y;
}

/// The p-norm, in f64; its gradient is sgn(x) · (|x| / norm)^(p - 1), and 0 at zeros.
Tensor finite_norm(const Tensor& x, const Dims& dims, double p, bool keep_dims) {
  const Plan plan = plan_of("norm", x, dims);
  const Tensor size = through("norm", Unary::abs, cast(detached(x), DType::F64));
  const Tensor powers = p == 1 ? size : p == 2 ? mul(size, size) : to_power(size, p);
  const Tensor total = reduced("norm", Fold::Sum, powers, plan);
  const Tensor wide = shaped(p == 1   ? total
                             : p == 2 ? through("norm", Unary::sqrt, total)
                                      : to_power(total, 1 / p),
                             plan.result(keep_dims));
  const Tensor y = cast(wide, x.dtype());
  on_backward(
      "norm", y, {x}, {x, wide},
      [plan, p, dtype = x.dtype()](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
        const Tensor each = cast(saved[0], DType::F64), norm = reshape(saved[1], plan.full_shape),
                     zero = full({}, 0, DType::F64, dy.device());
        const Tensor upstream = reshape(cast(dy, DType::F64), plan.full_shape);
        if (p == 2)
          return {cast(mul(each, where(compare_scalar(Compare::eq, norm, 0), zero, div(upstream, norm))), dtype)};
        Tensor slope = through("norm", Unary::sign, each);
        if (p != 1)
          slope = where(compare_scalar(Compare::eq, each, 0), zero,
                        mul(slope, to_power(div(through("norm", Unary::abs, each), norm), p - 1)));
        return {cast(mul(slope, upstream), dtype)};
      });
  return y;
}

/// The largest absolute value; those that reach it share the gradient.
Tensor largest_norm(const Tensor& x, const Dims& dims, bool keep_dims) {
  const Plan plan = plan_of("norm", x, dims);
  STM_CHECK(plan.count > 0, Kind::Shape, "norm", fmt::format("{}", x), "at least one element to choose from",
            "leave empty batches out");
  const Tensor y =
      shaped(reduced("norm", Fold::Max, through("norm", Unary::abs, detached(x)), plan), plan.result(keep_dims));
  on_backward("norm", y, {x}, {x, y}, [plan](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
    const Tensor size = through("norm", Unary::abs, saved[0]),
                 best = expand(reshape(saved[1], plan.full_shape), size.shape());
    const Tensor hit = compare(Compare::eq, size, best),
                 count = shaped(reduced("norm", Fold::Sum, cast(hit, dy.dtype()), plan), plan.full_shape);
    const Tensor share = where(hit, div(reshape(dy, plan.full_shape), count), full({}, 0, dy.dtype(), dy.device()));
    return {mul(share, through("norm", Unary::sign, saved[0]))};
  });
  return y;
}

Tensor norm(const Tensor& x, const Dims& dims, double p, bool keep_dims) {
  check_floating("norm", "x", x);
  STM_CHECK(p > 0, Kind::Option, "norm", fmt::format("p {}", p), "a number above 0, or Infinity",
            "leave p out for the Euclidean norm");
  return std::isinf(p) ? largest_norm(x, dims, keep_dims) : finite_norm(x, dims, p, keep_dims);
}

Tensor truth(const char* op, Fold fold, const Tensor& x, const Dims& dims, bool keep_dims) {
  const Plan plan = plan_of(op, x, dims);
  return shaped(reduced(op, fold, cast(detached(x), DType::Bool), plan), plan.result(keep_dims));
}
Tensor any(const Tensor& x, const Dims& dims, bool keep_dims) { return truth("any", Fold::Max, x, dims, keep_dims); }
Tensor all(const Tensor& x, const Dims& dims, bool keep_dims) { return truth("all", Fold::Min, x, dims, keep_dims); }

Tensor max(const Tensor& x, const Dims& dims, bool keep_dims) { return extreme("max", Fold::Max, x, dims, keep_dims); }
Tensor min(const Tensor& x, const Dims& dims, bool keep_dims) { return extreme("min", Fold::Min, x, dims, keep_dims); }

Tensor arg_extreme(const char* op, bool largest, const Tensor& given, const std::optional<int64_t>& dim,
                   bool keep_dims) {
  const Tensor x = dim ? given : reshape(detached(given), {given.size()});
  const Plan plan = plan_of(op, x, std::vector<int64_t>{dim.value_or(-1)});
  STM_CHECK(plan.count > 0, Kind::Shape, op, fmt::format("{}", given), "at least one element to choose from",
            "leave empty batches out");
  check_places(op, given, plan.count);
  const Tensor y = empty(plan.kept_shape, DType::I32, x.device());
  enqueue(op, {reduced_last(x, plan)}, {y},
          [largest](Backend& b, Views v) { return b.reduce().arg_extreme(largest, v.in(0), v.out(0)); });
  if (!dim && keep_dims) return shaped(y, Shape(std::vector<int64_t>(given.rank(), 1)));
  return shaped(y, plan.result(keep_dims));
}
Tensor argmax(const Tensor& x, const std::optional<int64_t>& dim, bool keep_dims) {
  return arg_extreme("argmax", true, x, dim, keep_dims);
}
Tensor argmin(const Tensor& x, const std::optional<int64_t>& dim, bool keep_dims) {
  return arg_extreme("argmin", false, x, dim, keep_dims);
}

Tensor running_sum(const Tensor& x, size_t axis, bool reversed) {
  const Tensor y = empty_like(x);
  const auto last = [axis](const Tensor& z) {
    Shape shape = z.shape(), strides = z->strides;
    std::swap(shape[axis], shape[z.rank() - 1]);
    std::swap(strides[axis], strides[z.rank() - 1]);
    return alias(z, shape, strides, z->offset);
  };
  enqueue("cumsum", {last(x)}, {last(y)},
          [reversed](Backend& b, Views v) { return b.reduce().cumsum(v.in(0), reversed, v.out(0)); });
  return y;
}

Tensor cumsum(const Tensor& x, int64_t dim) {
  check_number("cumsum", x);
  const size_t axis = check_axis("cumsum", dim, x.rank());
  const Tensor y = running_sum(x, axis, false);
  on_backward("cumsum", y, {x}, {}, [axis](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
    return {running_sum(dy, axis, true)};
  });
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
  table.add("variance", &variance, {"x", "dims", "correction", "keepDim"},
            "Variance over axes, or over everything; the divisor is the count less correction.");
  table.add("std", &std_deviation, {"x", "dims", "correction", "keepDim"}, "The root of variance.");
  table.add("norm", &norm, {"x", "dims", "p", "keepDim"}, "The p-norm over axes, or over everything.");
  table.add("prod", &prod, {"x", "dims", "keepDim"}, "Product over axes, or over everything.");
  table.add("max", &max, {"x", "dims", "keepDim"}, "Largest element over axes, or over everything.");
  table.add("min", &min, {"x", "dims", "keepDim"}, "Smallest element over axes, or over everything.");
  table.add("any", &any, {"x", "dims", "keepDim"}, "Whether an element over axes, or of all, is not 0 (bool).");
  table.add("all", &all, {"x", "dims", "keepDim"}, "Whether every element over axes, or of all, is not 0 (bool).");
  table.add("argmax", &argmax, {"x", "dim", "keepDim"},
            "Place (i32) of the largest element along an axis, or in row-major order.");
  table.add("argmin", &argmin, {"x", "dim", "keepDim"},
            "Place (i32) of the smallest element along an axis, or in row-major order.");
  table.add("cumsum", &cumsum, {"x", "dim"}, "Running sums along an axis.");
}

}  // namespace stm::ops
