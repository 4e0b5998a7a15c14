#include "core/op_table.h"
#include "ops/real_items.h"

namespace stm::ops {
namespace {

Tensor optional_tensor(const std::optional<Tensor>& x) { return x ? *x : Tensor(); }
Tensor dense(const Tensor& x) { return x ? contiguous(x) : Tensor(); }

// ---- softmax

/// Softmax or its logarithm over the last axis of a dense tensor.
Tensor last_axis_softmax(const char* op, const Tensor& given, const Tensor& mask, bool logarithm) {
  const Tensor x = contiguous(given), y = empty_like(x);
  enqueue(op, {x, mask}, {y}, [logarithm](Backend& b, Views v) {
    return b.normalization().softmax(v.in(0), v.in(1), logarithm, v.out(0));
  });
  on_backward(op, y, {x}, {y}, [op, logarithm](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
    const Tensor dx = empty_like(saved[0]);
    enqueue(op, {saved[0], contiguous(dy)}, {dx}, [logarithm](Backend& b, Views v) {
      return b.normalization().softmax_backward(v.in(0), v.in(1), logarithm, v.out(0));
    });
    return {dx};
  });
  return y;
}

Tensor softmax_along(const char* op, const Tensor& x, int64_t dim, const Tensor& mask, bool logarithm) {
  check_floating(op, "x", x);
  if (x.rank() == 0)
    return reshape(softmax_along(op, reshape(x, {1}), dim, mask ? reshape(mask, {1}) : mask, logarithm), {});
  const size_t axis = check_axis(op, dim, x.rank()), last = x.rank() - 1;
  if (axis == last) return last_axis_softmax(op, x, mask, logarithm);
  return transpose(
      last_axis_softmax(op, transpose(x, axis, last), mask ? transpose(mask, axis, last) : mask, logarithm), axis,
      last);
}

Tensor softmax(const Tensor& x, int64_t dim, const std::optional<Tensor>& mask) {
  if (!mask) return softmax_along("softmax", x, dim, {}, false);
  check_dtype("softmax", "mask", *mask, DType::Bool);
  Shape shape;
  STM_CHECK(Shape::broadcast(x.shape(), mask->shape(), shape) && shape == x.shape(), Kind::Shape, "softmax",
            fmt::format("mask {} for x {}", *mask, x), "a shape that broadcasts to x's",
            "give the mask x's axes, 1 where it does not differ: mask.unsqueeze(1)");
  return softmax_along("softmax", x, dim, expand(*mask, x.shape()), false);
}

}  // namespace

Tensor log_softmax(const Tensor& x, int64_t dim) { return softmax_along("logSoftmax", x, dim, {}, true); }

namespace {

// ---- layer norm

/// The axes that are normalised: weight's or bias's, which are the last ones of x; the last `axes` ones without both.
Shape normalized_shape(const Tensor& x, const Tensor& weight, const Tensor& bias, int64_t axes) {
  const int64_t rank = weight ? static_cast<int64_t>(weight.rank()) : bias ? static_cast<int64_t>(bias.rank()) : axes;
  STM_CHECK(rank >= 1 && rank <= static_cast<int64_t>(x.rank()), Kind::Shape, "layerNorm",
            fmt::format("{} axes to normalise of x {}", rank, x), fmt::format("1..{}", x.rank()),
            "normalise axes that x has");
  Shape shape;
  for (size_t axis = x.rank() - static_cast<size_t>(rank); axis < x.rank(); ++axis) shape.push_back(x.shape()[axis]);
  const char* names[] = {"weight", "bias"};
  const Tensor* given[] = {&weight, &bias};
  for (size_t i = 0; i < 2; ++i) {
    if (!*given[i]) continue;
    check_same_dtype("layerNorm", x, *given[i]);
    STM_CHECK(given[i]->shape() == shape, Kind::Shape, "layerNorm",
              fmt::format("{} {} for x {}", names[i], *given[i], x), fmt::format("{}, the last axes of x", shape),
              fmt::format("build the layer with normalizedShape: {}", shape));
  }
  return shape;
}

Tensor layer_norm(const Tensor& given, const std::optional<Tensor>& given_weight,
                  const std::optional<Tensor>& given_bias, double epsilon, int64_t axes) {
  check_floating("layerNorm", "x", given);
  const Tensor weight = dense(optional_tensor(given_weight)), bias = dense(optional_tensor(given_bias)),
               x = contiguous(given);
  const Shape shape = normalized_shape(x, weight, bias, axes);
  const int64_t width = shape.size();
  STM_CHECK(width > 0, Kind::Shape, "layerNorm", fmt::format("x {}", x), "at least one element to normalise",
            "give the normalised axes extents of 1 or more");
  const Tensor y = empty_like(x), statistics = empty({x.size() / width, 2}, DType::F64, x.device());
  enqueue("layerNorm", {x, weight, bias}, {y, statistics}, [width, epsilon](Backend& b, Views v) {
    return b.normalization().layer_norm(v.in(0), v.in(1), v.in(2), width, epsilon, v.out(0), v.out(1));
  });
  const bool for_x = needs_grad(x), for_weight = needs_grad(weight), for_bias = needs_grad(bias);
  on_backward("layerNorm", y, {x, weight, bias}, {x, weight, statistics},
              [=](const Tensor& dy, const SavedTensors& saved) -> std::vector<Tensor> {
                const Tensor dx = for_x ? empty_like(saved[0]) : Tensor(),
                             dweight = for_weight ? empty(shape, saved[0]) : Tensor(),
                             dbias = for_bias ? empty(shape, saved[0]) : Tensor();
                enqueue("layerNorm", {saved[0], saved[1], saved[2], contiguous(dy)}, {dx, dweight, dbias},
                        [width](Backend& b, Views v) {
                          return b.normalization().layer_norm_backward(v.in(0), v.in(1), width, v.in(2), v.in(3),
                                                                       v.out(0), v.out(1), v.out(2));
                        });
                return {dx, dweight, dbias};
              });
  return y;
}

// ---- batch norm

void check_columns(const Tensor& x, const char* name, const Tensor& values) {
  if (!values) return;
  check_same_dtype("batchNorm", x, values);
  STM_CHECK(values.shape() == Shape{x.shape().back()}, Kind::Shape, "batchNorm",
            fmt::format("{} {} for x {}", name, values, x), fmt::format("[{}], the last axis of x", x.shape().back()),
            fmt::format("build the layer with numFeatures: {}", x.shape().back()));
}

struct BatchNorm {
  bool of_batch;  ///< whether the statistics are those of x
  double epsilon;
  RealItems rows;
};

/// Normalises with the given statistics, [C] each, and notes the gradient.
Tensor normalize(const BatchNorm& norm, const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& mean,
                 const Tensor& variance) {
  const Tensor y = empty_like(x);
  enqueue("batchNorm", {x, mean, variance, weight, bias}, {y}, [norm](Backend& b, Views v) {
    return b.normalization().batch_norm(v.in(0), v.in(1), v.in(2), v.in(3), v.in(4), norm.epsilon, norm.rows.view(),
                                        v.out(0));
  });
  const bool for_x = needs_grad(x), for_weight = needs_grad(weight), for_bias = needs_grad(bias);
  on_backward("batchNorm", y, {x, weight, bias}, {x, mean, variance, weight},
              [=](const Tensor& dy, const SavedTensors& s) -> std::vector<Tensor> {
                const Shape columns{s[0].shape().back()};
                const Tensor dx = for_x ? empty_like(s[0]) : Tensor(),
                             dweight = for_weight ? empty(columns, s[0]) : Tensor(),
                             dbias = for_bias ? empty(columns, s[0]) : Tensor();
                enqueue("batchNorm", {s[0], s[1], s[2], s[3], contiguous(dy)}, {dx, dweight, dbias},
                        [norm](Backend& b, Views v) {
                          return b.normalization().batch_norm_backward(v.in(0), v.in(1), v.in(2), v.in(3), norm.epsilon,
                                                                       norm.of_batch, norm.rows.count, norm.rows.view(),
                                                                       v.in(4), v.out(0), v.out(1), v.out(2));
                        });
                return {dx, dweight, dbias};
              });
  return y;
}

/// Mean and biased variance of the real rows of x, each F64 [C]; moves the running statistics, if there are any,
/// towards them.
std::pair<Tensor, Tensor> batch_statistics(const Tensor& x, const RealItems& rows, const Tensor& running_mean,
                                           const Tensor& running_variance, double momentum) {
  const int64_t columns = x.shape().back();
  const Tensor statistics = empty({2, columns}, DType::F64, x.device());
  enqueue("batchNorm", {x}, {statistics},
          [rows](Backend& b, Views v) { return b.normalization().batch_statistics(v.in(0), rows.view(), v.out(0)); });
  if (running_mean) {
    enqueue_update("batchNorm", {statistics}, {running_mean, running_variance},
                   [count = rows.count, momentum](Backend& b, Views v) {
                     return b.normalization().update_running_statistics(v.in(0), count, momentum, v.out(0), v.out(1));
                   });
  }
  return {alias(statistics, {columns}, {1}, 0), alias(statistics, {columns}, {1}, columns)};
}

Tensor batch_norm(const Tensor& given, const std::optional<Tensor>& given_weight,
                  const std::optional<Tensor>& given_bias, const std::optional<Tensor>& given_mean,
                  const std::optional<Tensor>& given_variance, bool training, double momentum, double epsilon,
                  const std::optional<std::vector<int64_t>>& lengths) {
  check_floating("batchNorm", "x", given);
  STM_CHECK(given.rank() >= 2, Kind::Shape, "batchNorm", fmt::format("x {}", given), "[N, C] or [N, T, C]",
            "put the batch first: x.unsqueeze(0)");
  const Tensor x = contiguous(given), weight = dense(optional_tensor(given_weight)),
               bias = dense(optional_tensor(given_bias));
  const Tensor mean = optional_tensor(given_mean), variance = optional_tensor(given_variance);
  check_columns(x, "weight", weight);
  check_columns(x, "bias", bias);
  check_columns(x, "runningMean", mean);
  check_columns(x, "runningVar", variance);
  STM_CHECK(static_cast<bool>(mean) == static_cast<bool>(variance), Kind::Option, "batchNorm",
            "one of runningMean and runningVar", "both or neither", "pass both");
  STM_CHECK(!mean || (mean.contiguous() && variance.contiguous()), Kind::Shape, "batchNorm",
            fmt::format("running statistics {} with gaps", mean), "dense tensors", "clone() them");
  const Shape items(std::vector<int64_t>(x.shape().begin(), x.shape().end() - 1));
  const bool of_batch = training || !mean;
  const BatchNorm norm{of_batch, epsilon, real_items("batchNorm", items, lengths)};
  if (!of_batch) return normalize(norm, x, weight, bias, mean, variance);
  STM_CHECK(norm.rows.count >= 2, Kind::Shape, "batchNorm",
            fmt::format("{} real row{} in x {}", norm.rows.count, norm.rows.count == 1 ? "" : "s", x),
            "at least 2 to take a variance of", "use a larger batch (dropLast: true), or eval()");
  if (training && mean) {
    check_in_place("batchNorm", mean, {});
    check_in_place("batchNorm", variance, {});
  }
  const auto [batch_mean, batch_variance] =
      batch_statistics(x, norm.rows, training ? mean : Tensor(), training ? variance : Tensor(), momentum);
  return normalize(norm, x, weight, bias, batch_mean, batch_variance);
}

}  // namespace

void declare_normalization(OpTable& table) {
  table.add("softmax", &softmax, {"x", "dim", "mask"}, "e^x / Σ e^x along dim; what mask (bool) hides becomes 0.");
  table.add("logSoftmax", &log_softmax, {"x", "dim"}, "Logarithm of softmax along dim.");
  table.add("layerNorm", &layer_norm, {"x", "weight", "bias", "epsilon", "axes"},
            "Normalises the last axes of x to mean 0 and variance 1, times weight, plus bias.");
  table.add("batchNorm", &batch_norm,
            {"x", "weight", "bias", "runningMean", "runningVar", "training", "momentum", "epsilon", "lengths"},
            "Normalises each column of x over its real rows, or by the running statistics.");
}

}  // namespace stm::ops
