#include <limits>

#include "ops/losses.h"

namespace stm::ops {
namespace {

/// Which rows are real, as bool; made on the host, where the lengths are.
Tensor real_rows(const Shape& rows, const RealItems& steps, Device& device) {
  auto real = std::make_shared<std::vector<uint8_t>>(static_cast<size_t>(rows.size()));
  for_runs(steps.view(), 0, rows.size(), [&](int64_t from, int64_t to, bool is_real) {
    std::fill(real->begin() + from, real->begin() + to, is_real);
  });
  const Tensor mask = empty(rows, DType::Bool, device);
  enqueue(
      "crossEntropy", {}, {mask},
      [real](Backend& b, Views v) { return b.upload(v.out(0).data, real->data(), real->size()); }, real->size());
  return mask;
}

Tensor zero_of(const Tensor& x) { return full({}, 0, x.dtype(), x.device()); }
Tensor zero_where(const Tensor& condition, const Tensor& x) { return where(condition, zero_of(x), x); }
Tensor zero_elsewhere(const Tensor& condition, const Tensor& x) { return where(condition, x, zero_of(x)); }

/// Σ -w_c · q_c · log p_c of each row. Where q_c is 0, neither an impossible class nor an infinite weight counts: 0 · ∞
/// is 0 here.
Tensor row_losses(const Tensor& input, const Tensor& target, const Tensor& weight, double label_smoothing) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const double classes = static_cast<double>(input.shape().back());
  const Tensor q =
      label_smoothing > 0 ? add_scalar(mul_scalar(target, 1 - label_smoothing), label_smoothing / classes) : target;
  const Tensor unused = compare_scalar(Compare::eq, detached(q), 0), log_p = log_softmax(input, -1);
  Tensor terms = mul(q, zero_where(both(unused, compare_scalar(Compare::eq, detached(log_p), -kInfinity)), log_p));
  if (weight) {
    const Tensor infinite = compare_scalar(Compare::ne, sub(weight, weight), 0);  // or NaN
    terms = mul(terms, zero_where(both(unused, infinite), weight));
  }
  return neg(sum(terms, {-1}, false));
}

}  // namespace

std::vector<Tensor> probability_cross_entropy(const Tensor& given_input, const Tensor& given_target,
                                              const Tensor& weight, const Tensor& given_step_weight,
                                              double label_smoothing, LossReduction reduction, const RealItems& steps,
                                              bool lenient) {
  const Shape& shape = given_input.shape();
  const Shape rows(std::vector<int64_t>(shape.begin(), shape.end() - 1));
  Tensor input = given_input, target = given_target, step_weight = given_step_weight, real;
  if (steps.lengths) {
    real = real_rows(rows, steps, input.device());
    Shape column = rows;
    column.push_back(1);
    input = zero_elsewhere(reshape(real, column), input);
    target = zero_elsewhere(reshape(real, column), target);
    if (step_weight) step_weight = zero_elsewhere(real, step_weight);
  }
  Tensor losses = row_losses(input, target, weight, label_smoothing);
  if (step_weight) losses = mul(losses, step_weight);
  if (real) losses = zero_elsewhere(real, losses);
  if (reduction == LossReduction::None) return {losses};
  const auto total = [](const Tensor& x) { return sum(reshape(x, {x.size()}), {0}, false); };
  const Tensor whole = total(losses);
  if (reduction == LossReduction::Sum) return {whole};
  const Tensor divisor =
      step_weight ? total(step_weight) : full({}, static_cast<double>(steps.count), whole.dtype(), whole.device());
  if (!lenient) return {div(whole, divisor)};
  const Tensor one = full({}, 1, divisor.dtype(), divisor.device()),
               mean = div(whole, where(compare_scalar(Compare::eq, divisor, 0), one, divisor));
  const auto wide = [](const Tensor& x) { return reshape(cast(detached(x), DType::F64), {1}); };
  return {mean, concat({wide(divisor), wide(whole)}, 0)};
}

}  // namespace stm::ops
