#include "ops/recurrent_weights.h"

#include "ops/quantized.h"

namespace stm::ops {
namespace {

Shape shape_of(const RecurrentWeight& w) { return w.is_bias() ? Shape{w.rows} : Shape{w.rows, w.columns}; }

/// As a layer calls it: weight_hh_l1_reverse.
std::string name_of(const RecurrentWeight& w) {
  constexpr const char* kKinds[] = {"weight_ih", "weight_hh", "weight_hr", "bias_ih", "bias_hh"};
  return fmt::format("{}_l{}{}", kKinds[w.role], w.layer, w.direction ? "_reverse" : "");
}

/// Weights that lie behind each other.
struct WeightsInLine {
  size_t end;  ///< the number of the first that does not
  int64_t elements;
};
WeightsInLine in_line(const std::vector<Tensor>& weights, size_t first) {
  WeightsInLine line{first + 1, weights[first].size()};
  const auto follows = [&](const Tensor& w) {
    return w.contiguous() && w->storage == weights[first]->storage &&
           w->offset == weights[first]->offset + line.elements;
  };
  if (!weights[first].contiguous()) return line;
  for (; line.end < weights.size() && follows(weights[line.end]); ++line.end) line.elements += weights[line.end].size();
  return line;
}

}  // namespace

void check_weights(const char* op, const std::vector<Tensor>& weights, const RecurrentProblem& p) {
  const int64_t expected = times(p.L, p.K, (p.P ? 3 : 2) + (p.bias ? 2 : 0));  // before a list as long as that is made
  STM_CHECK(static_cast<int64_t>(weights.size()) == expected, Kind::Option, op,
            fmt::format("{} weights", weights.size()), fmt::format("{}", expected),
            "pass W_ih, W_hh (and W_hr) of each layer and direction, then b_ih, b_hh of each");
  int64_t elements = 0;
  for_each_weight(p, [&](const RecurrentWeight& w) {
    const Shape shape = shape_of(w);
    const Tensor& given = weights[w.index];
    elements = plus(elements, given.size());
    STM_CHECK(given.shape() == shape && given.dtype() == p.dtype, Kind::Shape, op,
              fmt::format("{} {}", name_of(w), given), fmt::format("{}{}", p.dtype, shape),
              "build the layer with the sizes of its weights, and keep one dtype");
  });
  STM_CHECK(elements <= kMostElements, Kind::Shape, op, fmt::format("weights of {} elements", elements), "at most 2^40",
            "use fewer or smaller layers");
}

void check_quantized_weights(const char* op, const Tensor& x, const std::vector<Tensor>& weights,
                             const std::vector<Tensor>& scales, const RecurrentProblem& p) {
  const int64_t matrices = times(p.L, p.K, p.P ? 3 : 2), all = matrices + (p.bias ? times(p.L, p.K, 2) : 0);
  STM_CHECK(static_cast<int64_t>(weights.size()) == matrices && static_cast<int64_t>(scales.size()) == all,
            Kind::Option, op, fmt::format("{} weights and {} scales", weights.size(), scales.size()),
            fmt::format("{} and {}", matrices, all),
            "pass W_ih, W_hh (and W_hr) of each layer and direction; their scales, then b_ih, b_hh of each");
  for_each_weight(p, [&](const RecurrentWeight& w) {
    const auto check = [&](const Tensor& given, const char* suffix, DType dtype, const Shape& shape) {
      if (&given.device() != &x.device()) check_beside(op, name_of(w) + suffix, given, x);
      STM_CHECK(given.shape() == shape && given.dtype() == dtype, Kind::Shape, op,
                fmt::format("{}{} {}", name_of(w), suffix, given), fmt::format("{}{}", dtype, shape),
                "make it by quantizeDynamic(model)");
    };
    check(scales[w.index], w.is_bias() ? "" : "_scale", DType::F32, Shape{w.rows});
    if (w.is_bias()) return;
    check(weights[w.index], "", DType::I8, shape_of(w));
    STM_CHECK(w.columns <= kMostQuantizedColumns, Kind::Shape, op, fmt::format("{} {}", name_of(w), weights[w.index]),
              fmt::format("rows of at most {}", kMostQuantizedColumns), "keep the layer in f32");
  });
}

std::vector<Tensor> weights_of_layer(const std::vector<Tensor>& weights, const RecurrentProblem& problem,
                                     int64_t layer) {
  std::vector<Tensor> of_layer;
  for_each_weight(problem, [&](const RecurrentWeight& w) {
    if (w.layer == layer) of_layer.push_back(weights[w.index]);
  });
  return of_layer;
}

bool in_one_blob(const std::vector<Tensor>& weights) {
  return weights[0].contiguous() && in_line(weights, 0).end == weights.size();
}

Tensor blob_of(const std::vector<Tensor>& weights, int64_t elements) {
  const Tensor& first = weights[0];
  if (in_one_blob(weights)) return alias(first, {elements}, {1}, first->offset);
  const Tensor blob = empty({elements}, first);
  int64_t at = 0;
  for (size_t i = 0; i < weights.size();) {
    const WeightsInLine line = in_line(weights, i);
    const Tensor& w = weights[i];
    const Tensor from = line.end > i + 1 ? alias(w, {line.elements}, {1}, w->offset) : w,
                 to = alias(blob, from.shape(), dense_strides(from.shape()), at);
    enqueue("recurrent", {from}, {to}, [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
    at += line.elements;
    i = line.end;
  }
  return blob;
}

std::vector<Tensor> weights_in(const Tensor& blob, const RecurrentProblem& problem) {
  std::vector<Tensor> weights;
  for_each_weight(problem, [&](const RecurrentWeight& w) {
    const Shape shape = shape_of(w);
    weights.push_back(blob ? alias(blob, shape, dense_strides(shape), w.first) : Tensor());
  });
  return weights;
}

}  // namespace stm::ops
