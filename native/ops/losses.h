#pragma once
#include "core/op_table.h"
#include "ops/real_items.h"

namespace stm {

/// What becomes of the losses of the single items.
enum class LossReduction : int32_t { Mean, Sum, None, BatchMean };

template <>
struct EnumNames<LossReduction> {
  static constexpr const char* names[] = {"mean", "sum", "none", "batchmean"};
};

namespace ops {

/// Refuses a mean over nothing.
inline void check_not_empty(const char* op, const Tensor& input, int64_t count, LossReduction reduction) {
  STM_CHECK(count > 0 || reduction == LossReduction::Sum || reduction == LossReduction::None, Kind::Shape, op,
            fmt::format("input {} without any real element", input), "at least one to take the mean of",
            "leave empty batches out, or use reduction: 'sum'");
}

/// Losses take weights as constants.
inline void check_constant(const char* op, const char* name, const Tensor& weight) {
  STM_CHECK(!needs_grad(weight), Kind::Option, op, fmt::format("{} {} that requires a gradient", name, weight),
            "a constant", fmt::format("pass {}.detach()", name));
}

/// Cross entropy of softmax(input) along the last axis and probabilities of the classes, of the same shape;
/// differentiable by both. With `lenient`, a mean over nothing is 0, and beside it comes f64 [2]: what it divides by,
/// and the sum that it divides.
std::vector<Tensor> probability_cross_entropy(const Tensor& input, const Tensor& target, const Tensor& weight,
                                              const Tensor& step_weight, double label_smoothing,
                                              LossReduction reduction, const RealItems& steps, bool lenient);

Tensor ctc_loss(const Tensor& input, const Tensor& target, const std::vector<int64_t>& input_lengths,
                const std::vector<int64_t>& target_lengths, int64_t blank, bool zero_infinity, LossReduction reduction);

}  // namespace ops
}  // namespace stm
