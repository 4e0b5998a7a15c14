#include "ops/losses.h"

#include <numeric>

namespace stm::ops {
namespace {

/// CtcLoss with its host arrays kept alive.
struct CtcProblem {
  CtcLoss plain;
  std::vector<int32_t> input_lengths, target_lengths;
  std::vector<int64_t> target_offsets;
  std::vector<double> divisors;
  CtcLoss view() const {
    CtcLoss loss = plain;
    loss.input_lengths = input_lengths.data();
    loss.target_lengths = target_lengths.data();
    loss.target_offsets = target_offsets.data();
    loss.divisors = divisors.data();
    return loss;
  }
};

std::vector<int32_t> checked_lengths(const char* name, const std::vector<int64_t>& lengths, int64_t count,
                                     int64_t greatest) {
  STM_CHECK(static_cast<int64_t>(lengths.size()) == count, Kind::Shape, "ctcLoss",
            fmt::format("{} {}", lengths.size(), name), fmt::format("{}, one a sequence", count),
            "give each sequence a length");
  const int64_t most = std::min<int64_t>(greatest, INT32_MAX);
  std::vector<int32_t> checked;
  for (const int64_t length : lengths) {
    STM_CHECK(length >= 0 && length <= most, Kind::Shape, "ctcLoss", fmt::format("the length {} in {}", length, name),
              fmt::format("0..{}", most), "count the real steps of each sequence");
    checked.push_back(static_cast<int32_t>(length));
  }
  return checked;
}

/// Where each sequence's labels begin: at its row of [N, S], or one after the other in [Σ lengths].
std::vector<int64_t> offsets_of(const Tensor& target, const std::vector<int32_t>& lengths) {
  std::vector<int64_t> offsets;
  int64_t end = 0;
  for (size_t n = 0; n < lengths.size(); ++n) {
    offsets.push_back(target.rank() == 2 ? static_cast<int64_t>(n) * target.extent(1) : end);
    end += lengths[n];
  }
  STM_CHECK(target.rank() == 2 || end == target.size(), Kind::Shape, "ctcLoss",
            fmt::format("target {} for targetLengths that add up to {}", target, end), "as many labels",
            "join the labels of all sequences");
  return offsets;
}

CtcProblem make_problem(const Tensor& input, const Tensor& target, const std::vector<int64_t>& input_lengths,
                        const std::vector<int64_t>& target_lengths, LossReduction reduction) {
  const int64_t count = input.extent(1);
  STM_CHECK(target.rank() == 1 || (target.rank() == 2 && target.extent(0) == count), Kind::Shape, "ctcLoss",
            fmt::format("target {} for input {}", target, input),
            fmt::format("[{}, S], or the labels of all sequences joined", count), "give each sequence a row");
  CtcProblem problem;
  problem.input_lengths = checked_lengths("inputLengths", input_lengths, count, input.extent(0));
  problem.target_lengths = checked_lengths("targetLengths", target_lengths, count, target.shape().back());
  problem.target_offsets = offsets_of(target, problem.target_lengths);
  for (const int32_t length : problem.target_lengths) {
    problem.plain.longest_target = std::max<int64_t>(problem.plain.longest_target, length);
    problem.divisors.push_back(reduction == LossReduction::Mean ? static_cast<double>(count) * std::max(length, 1)
                                                                : 1.0);
  }
  problem.plain.reduce = reduction != LossReduction::None;
  return problem;
}

}  // namespace

Tensor ctc_loss(const Tensor& input, const Tensor& given_target, const std::vector<int64_t>& input_lengths,
                const std::vector<int64_t>& target_lengths, int64_t blank, bool zero_infinity,
                LossReduction reduction) {
  check_floating("ctcLoss", "input", input);
  check_rank("ctcLoss", "input", input, 3);
  const int64_t steps = input.extent(0), count = input.extent(1), classes = input.extent(2);
  STM_CHECK(blank >= 0 && blank < classes, Kind::Option, "ctcLoss", fmt::format("blank {} for input {}", blank, input),
            fmt::format("0..{}", classes - 1), "name the class on the last axis that stands for no label");
  STM_CHECK(reduction != LossReduction::BatchMean, Kind::Option, "ctcLoss", "reduction 'batchmean'",
            "'mean', 'sum' or 'none'", "use 'mean'");
  check_not_empty("ctcLoss", input, count, reduction);
  CtcProblem problem = make_problem(input, given_target, input_lengths, target_lengths, reduction);
  const RealItems labels =
      given_target.rank() == 2 ? real_items("ctcLoss", given_target.shape(), target_lengths) : RealItems{};
  const Tensor target = contiguous(whole_numbers("ctcLoss", "target", given_target, labels));
  // Past a length any label may stand, so then only the kernel can tell.
  if (std::accumulate(problem.target_lengths.begin(), problem.target_lengths.end(), int64_t{0}) == target.size())
    check_host_range("ctcLoss", "target", target, 0, classes - 1, "classes on the last axis of the input");
  problem.plain.blank = blank;
  problem.plain.zero_infinity = zero_infinity;
  const int64_t row = 2 * problem.plain.longest_target + 1;
  const Tensor result = problem.plain.reduce ? empty(Shape{}, input) : empty({count}, input);
  const Tensor losses = empty({count}, DType::F64, input.device()),
               alpha = empty({count, steps, row}, DType::F64, input.device());
  enqueue("ctcLoss", {input, target}, {result, losses, alpha}, [problem](Backend& b, Views v) {
    return b.losses().ctc(problem.view(), v.in(0), v.in(1), v.out(0), v.out(1), v.out(2));
  });
  on_backward(
      "ctcLoss", result, {input}, {input, target, losses, alpha},
      [problem, count, row](const Tensor& grad, const SavedTensors& saved) -> std::vector<Tensor> {
        const Tensor dx = empty(saved[0].shape(), saved[0]), beta = empty({count, 2, row}, DType::F64, dx.device());
        enqueue("ctcLoss", {saved[0], saved[1], saved[2], saved[3], contiguous(grad)}, {dx, beta},
                [problem](Backend& b, Views v) {
                  return b.losses().ctc_backward(problem.view(), v.in(0), v.in(1), v.in(2), v.in(3), v.in(4), v.out(1),
                                                 v.out(0));
                });
        return {dx};
      });
  return result;
}

}  // namespace stm::ops
