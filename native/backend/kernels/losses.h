#pragma once
#include "backend/padding.h"
#include "backend/pointwise_losses.h"
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

/// A sum over elements of a function of prediction and target.
struct PointwiseLoss {
  Pointwise function = Pointwise::SquaredError;
  double parameter = 0;
  bool reduce = true;  ///< whether the result is one number
  double divisor = 1;  ///< of the sum
  Padding elements;    ///< which elements count; the others have loss and gradient 0
};

struct CrossEntropyLoss {
  int64_t ignore_index = -100;
  double label_smoothing = 0;
  bool reduce = true;    ///< whether the result is one number
  bool mean = true;      ///< whether the sum is divided by the weights' sum
  bool lenient = false;  ///< whether a mean over nothing is 0, without gradient, and no OutOfRange
  Padding steps;         ///< which rows count
};

/// N sequences; lengths, offsets and divisors are in host memory.
struct CtcLoss {
  int64_t blank = 0;
  bool zero_infinity = false, reduce = true;
  int64_t longest_target = 0;               ///< S
  const int32_t* input_lengths = nullptr;   ///< [N]
  const int32_t* target_lengths = nullptr;  ///< [N]
  const int64_t* target_offsets = nullptr;  ///< [N], where each sequence's labels begin
  const double* divisors = nullptr;         ///< [N], of each loss
};

/// All tensors are dense but where a line says otherwise. An element or label that is out of range is OutOfRange.
class LossKernels {
 public:
  /// input, target: equal extents; weight [extent of the last axis] may be absent. result: [] if reduced, else input's
  /// extents. partial: F64 scratch, kPartial elements each; absent if not reduced.
  static constexpr int64_t kPartial = 4096;
  virtual Status pointwise(const PointwiseLoss& loss, const View& input, const View& target, const View& weight,
                           const View& result, const View& partial) noexcept = 0;
  /// dresult as result; dinput and dtarget may be absent.
  virtual Status pointwise_backward(const PointwiseLoss& loss, const View& input, const View& target,
                                    const View& weight, const View& dresult, const View& dinput,
                                    const View& dtarget) noexcept = 0;

  /// input [rows…, C], target [rows…] i32; class_weight [C] and step_weight [rows…] may be absent. result: [] if
  /// reduced, else [rows…]. saved, F64 [3 · rows + 2]: of each row its largest element, log Σ e^(x - largest), and its
  /// loss; then the sum of the weights, and of the losses.
  virtual Status cross_entropy(const CrossEntropyLoss& loss, const View& input, const View& target,
                               const View& class_weight, const View& step_weight, const View& result,
                               const View& saved) noexcept = 0;
  virtual Status cross_entropy_backward(const CrossEntropyLoss& loss, const View& input, const View& target,
                                        const View& class_weight, const View& step_weight, const View& saved,
                                        const View& dresult, const View& dinput) noexcept = 0;

  /// input [T, N, C] of any strides, target i32. result: [] if reduced, else [N]. losses: F64 [N]; alpha: F64 [N, T, 2S
  /// + 1]; backward reads both.
  virtual Status ctc(const CtcLoss& loss, const View& input, const View& target, const View& result, const View& losses,
                     const View& alpha) noexcept = 0;
  /// beta: F64 scratch [N, 2 · (2S + 1)]; dinput [T, N, C] dense.
  virtual Status ctc_backward(const CtcLoss& loss, const View& input, const View& target, const View& losses,
                              const View& alpha, const View& dresult, const View& beta,
                              const View& dinput) noexcept = 0;

 protected:
  ~LossKernels() = default;
};

}  // namespace stm
