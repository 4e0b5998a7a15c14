#include "ops/losses.h"

namespace stm {

template <>
struct EnumNames<Pointwise> {
#define STM_NAME(Name, op) op,
  static constexpr const char* names[] = {STM_POINTWISE_LOSSES(STM_NAME)};
#undef STM_NAME
};

namespace ops {
namespace {

const char* name_of(Pointwise function) {
  return function == Pointwise::DivergenceFromLog ? "klDivergence"
                                                  : EnumNames<Pointwise>::names[static_cast<size_t>(function)];
}

// ---- point-wise losses

/// PointwiseLoss with its lengths kept alive.
struct PointwiseProblem {
  PointwiseLoss plain;
  RealItems elements;
  PointwiseLoss view() const {
    PointwiseLoss loss = plain;
    loss.elements = elements.view();
    return loss;
  }
};

/// What the sum is divided by: real elements, or for `batchmean` the rows, padded or not.
double divisor_of(LossReduction reduction, const Shape& shape, const RealItems& elements) {
  if (reduction == LossReduction::Mean) return static_cast<double>(elements.count);
  if (reduction != LossReduction::BatchMean) return 1;
  return static_cast<double>(shape.rank() ? shape[0] : 1);
}

Tensor pointwise_loss(Pointwise function, const Tensor& given_input, const Tensor& given_target,
                      const std::optional<Tensor>& given_weight, double parameter, LossReduction reduction,
                      const std::optional<std::vector<int64_t>>& lengths) {
  const char* op = name_of(function);
  check_floating(op, "input", given_input);
  check_same_dtype(op, given_input, given_target);
  STM_CHECK(given_input.shape() == given_target.shape(), Kind::Shape, op,
            fmt::format("input {} and target {}", given_input, given_target), "equal shapes; losses do not broadcast",
            "reshape one, as in target.unsqueeze(-1)");
  const Tensor x = contiguous(given_input), t = contiguous(given_target);
  Tensor weight;
  if (given_weight) {
    check_same_dtype(op, x, *given_weight);
    check_constant(op, "posWeight", *given_weight);
    const Shape last{x.shape().back()};
    Shape shape;
    STM_CHECK(Shape::broadcast(last, given_weight->shape(), shape) && shape == last, Kind::Shape, op,
              fmt::format("posWeight {} for input {}", *given_weight, x),
              fmt::format("one weight or {}, one a place on the last axis", last),
              fmt::format("pass {} weights", last[0]));
    weight = contiguous(expand(*given_weight, last));
  }
  PointwiseProblem problem{{function, parameter, reduction != LossReduction::None, 1, {}},
                           real_items(op, x.shape(), lengths)};
  check_not_empty(op, x, problem.elements.count, reduction);
  problem.plain.divisor = divisor_of(reduction, x.shape(), problem.elements);
  const Tensor result = problem.plain.reduce ? empty(Shape{}, x) : empty_like(x);
  const int64_t slices = (x.size() + LossKernels::kPartial - 1) / LossKernels::kPartial;
  const Tensor partial = problem.plain.reduce ? empty({slices}, DType::F64, x.device()) : Tensor();
  enqueue(op, {x, t, weight}, {result, partial}, [problem](Backend& b, Views v) {
    return b.losses().pointwise(problem.view(), v.in(0), v.in(1), v.in(2), v.out(0), v.out(1));
  });
  const bool for_x = needs_grad(x), for_t = needs_grad(t);
  on_backward(
      op, result, {x, t}, {x, t, weight}, [=](const Tensor& grad, const SavedTensors& saved) -> std::vector<Tensor> {
        const Tensor dx = for_x ? empty_like(saved[0]) : Tensor(), dt = for_t ? empty_like(saved[1]) : Tensor();
        enqueue(op, {saved[0], saved[1], saved[2], contiguous(grad)}, {dx, dt}, [problem](Backend& b, Views v) {
          return b.losses().pointwise_backward(problem.view(), v.in(0), v.in(1), v.in(2), v.in(3), v.out(0), v.out(1));
        });
        return {dx, dt};
      });
  return result;
}

// ---- cross entropy

struct CrossEntropyProblem {
  CrossEntropyLoss plain;
  RealItems steps;
  CrossEntropyLoss view() const {
    CrossEntropyLoss loss = plain;
    loss.steps = steps.view();
    return loss;
  }
};

/// Whether the target holds probabilities of the classes, and not labels.
bool holds_probabilities(const Tensor& input, const Tensor& target) {
  return target.shape() == input.shape() && input.rank() >= 1;
}

void check_classes(const Tensor& input, const Tensor& target) {
  check_floating("crossEntropy", "input", input);
  STM_CHECK(input.rank() >= 1 && input.shape().back() > 0, Kind::Shape, "crossEntropy", fmt::format("input {}", input),
            "[..., C] with at least one class", "put the classes on the last axis");
  if (holds_probabilities(input, target)) return check_same_dtype("crossEntropy", input, target);
  const Shape steps(std::vector<int64_t>(input.shape().begin(), input.shape().end() - 1));
  STM_CHECK(target.shape() == steps, Kind::Shape, "crossEntropy", fmt::format("target {} for input {}", target, input),
            fmt::format("{}: classes are the input's last axis", steps),
            "transpose the input if its classes stand elsewhere; give probabilities of the classes the input's shape");
}

/// The least and the greatest label each stand somewhere, so each must be a class or the one to ignore.
void check_host_labels(const Tensor& target, int64_t classes, int64_t ignore_index) {
  const std::optional<HostRange>& range = target->storage->host_range();
  const int64_t least = range && range->least == ignore_index ? ignore_index : 0,
                greatest = range && range->greatest == ignore_index ? ignore_index : classes - 1;
  const char* meaning = classes > 1 ? "classes on the last axis of the input"
                                    : "the one class on the last axis of the input; of one output for yes or no, "
                                      "unsqueeze(-1) the target, as f32, and take "
                                      "binaryCrossEntropyWithLogits";
  check_host_range("crossEntropy", "target", target, std::min<int64_t>(least, 0), std::max(greatest, classes - 1),
                   meaning);
}

Tensor class_weight_of(const Tensor& input, const std::optional<Tensor>& weight) {
  if (!weight) return {};
  check_same_dtype("crossEntropy", input, *weight);
  check_constant("crossEntropy", "weight", *weight);
  STM_CHECK(weight->shape() == Shape{input.shape().back()}, Kind::Shape, "crossEntropy",
            fmt::format("weight {} for input {}", *weight, input),
            fmt::format("[{}], one a class", input.shape().back()),
            fmt::format("pass {} weights", input.shape().back()));
  return contiguous(*weight);
}

/// Weights of the steps: of the target's shape, or one a sequence for [N] weights.
Tensor step_weight_of(const Tensor& input, const Shape& steps, const std::optional<Tensor>& weight) {
  if (!weight) return {};
  check_same_dtype("crossEntropy", input, *weight);
  check_constant("crossEntropy", "stepWeights", *weight);
  if (weight->shape() == steps) return contiguous(*weight);
  STM_CHECK(steps.rank() >= 2 && weight->shape() == Shape{steps[0]}, Kind::Shape, "crossEntropy",
            fmt::format("stepWeights {} for input {}", *weight, input),
            fmt::format("{}, or one weight a sequence", steps), "reshape the weights");
  Shape shape{steps[0]};
  while (shape.rank() < steps.rank()) shape.push_back(1);
  return contiguous(expand(reshape(*weight, shape), steps));
}

/// The loss. With `lenient`, a mean over nothing is 0, and beside the loss comes f64 [2]: what the mean divides by, and
/// the sum that it divides.
std::vector<Tensor> cross_entropy(const Tensor& given_input, const Tensor& given_target,
                                  const std::optional<Tensor>& given_weight,
                                  const std::optional<Tensor>& given_step_weights, int64_t ignore_index,
                                  double label_smoothing, LossReduction reduction,
                                  const std::optional<std::vector<int64_t>>& lengths, bool lenient) {
  check_classes(given_input, given_target);
  STM_CHECK(label_smoothing >= 0 && label_smoothing <= 1, Kind::Option, "crossEntropy",
            fmt::format("labelSmoothing {}", label_smoothing), "0..1", "pass a fraction such as 0.1");
  STM_CHECK(reduction != LossReduction::BatchMean, Kind::Option, "crossEntropy", "reduction 'batchmean'",
            "'mean', 'sum' or 'none'", "use 'mean'");
  const Shape steps_shape(std::vector<int64_t>(given_input.shape().begin(), given_input.shape().end() - 1));
  const Tensor weight = class_weight_of(given_input, given_weight),
               step_weight = step_weight_of(given_input, steps_shape, given_step_weights);
  const RealItems steps = real_items("crossEntropy", steps_shape, lengths);
  if (!lenient) check_not_empty("crossEntropy", given_input, steps.count, reduction);
  if (holds_probabilities(given_input, given_target)) {
    STM_CHECK(ignore_index < 0, Kind::Option, "crossEntropy",
              fmt::format("ignoreIndex {} with probabilities {}", ignore_index, given_target), "it with labels only",
              "leave it out, and weigh steps with stepWeights");
    return probability_cross_entropy(given_input, given_target, weight, step_weight, label_smoothing, reduction, steps,
                                     lenient);
  }
  const Tensor input = contiguous(given_input),
               target = contiguous(whole_numbers("crossEntropy", "target", given_target, steps));
  const CrossEntropyProblem problem{
      {ignore_index, label_smoothing, reduction != LossReduction::None, reduction == LossReduction::Mean, lenient, {}},
      steps};
  const int64_t classes = input.shape().back();
  // Past a length any label may stand, so then only the kernel can tell.
  if (problem.steps.count == target.size()) check_host_labels(target, classes, ignore_index);
  const Tensor result = problem.plain.reduce ? empty(Shape{}, input) : empty(target.shape(), input);
  const int64_t sums = 3 * target.size();  // where they stand in `saved`, behind three numbers a row
  const Tensor saved = empty({sums + 2}, DType::F64, input.device());
  enqueue("crossEntropy", {input, target, weight, step_weight}, {result, saved}, [problem](Backend& b, Views v) {
    return b.losses().cross_entropy(problem.view(), v.in(0), v.in(1), v.in(2), v.in(3), v.out(0), v.out(1));
  });
  on_backward("crossEntropy", result, {input}, {input, target, weight, step_weight, saved},
              [problem](const Tensor& grad, const SavedTensors& s) -> std::vector<Tensor> {
                const Tensor dx = empty_like(s[0]);
                enqueue("crossEntropy", {s[0], s[1], s[2], s[3], s[4], contiguous(grad)}, {dx},
                        [problem](Backend& b, Views v) {
                          return b.losses().cross_entropy_backward(problem.view(), v.in(0), v.in(1), v.in(2), v.in(3),
                                                                   v.in(4), v.in(5), v.out(0));
                        });
                return {dx};
              });
  if (!lenient) return {result};
  return {result, slice_axis(saved, 0, sums, sums + 2)};
}

}  // namespace

void declare_losses(OpTable& table) {
  table.add("pointwiseLoss", &pointwise_loss,
            {"loss", "input", "target", "posWeight", "parameter", "reduction", "lengths"},
            "A loss that is a sum over elements, reduced over the real ones.");
  table.add(
      "crossEntropy", &cross_entropy,
      {"input", "target", "weight", "stepWeights", "ignoreIndex", "labelSmoothing", "reduction", "lengths", "lenient"},
      "Cross entropy of softmax(input) along the last axis and class labels; with lenient, also what the mean divides "
      "by and what is divided.");
  table.add("ctcLoss", &ctc_loss,
            {"input", "target", "inputLengths", "targetLengths", "blank", "zeroInfinity", "reduction"},
            "-log of the probability of the labels over all alignments; input [T, N, C] are log-probabilities.");
}

}  // namespace ops
}  // namespace stm
