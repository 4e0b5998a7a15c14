#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

constexpr int kMaxOptimizerMoments = 3;

/// One parameter in an optimizer step: dense elements of one dtype, f32 or f64. `scalars` are f64 and belong to the
/// parameter: the number of steps taken before this one, which the kernel raises, then whatever the rule keeps. So
/// nothing that changes from step to step is an argument.
struct OptimizerSlot {
  void* parameter;
  const void* gradient;
  void* moment[kMaxOptimizerMoments];
  double* scalars;
  int64_t size;
  DType dtype;
};

/// What all rules share. weight_decay adds weight_decay · parameter to the gradient.
struct OptimizerRule {
  const double* learning_rate;  ///< device memory, as everything that may change from step to step
  const float* skip;  ///< device memory, may be null: if it is not 0, nothing changes, the number of steps included
  double weight_decay;
};
/// moment: velocity, if momentum is not 0. scalars: steps, likewise.
struct SgdRule : OptimizerRule {
  double momentum, dampening;
  bool nesterov;
};
/// moments: mean and square, then the largest square if amsgrad. scalars: steps. decoupled: decay acts on the
/// parameter, as in AdamW.
struct AdamRule : OptimizerRule {
  double beta1, beta2, eps;
  bool amsgrad, decoupled;
};
/// moments: mean and square. scalars: steps, product of the momentum factors (starts at 1).
struct NadamRule : OptimizerRule {
  double beta1, beta2, eps, momentum_decay;
  bool decoupled;
};
/// moments: mean and largest. scalars: steps.
struct AdamaxRule : OptimizerRule {
  double beta1, beta2, eps;
};
/// moments: square, then mean if centered, then velocity if momentum is not 0. scalars: steps.
struct RmspropRule : OptimizerRule {
  double alpha, eps, momentum;
  bool centered;
};
/// moment: sum of squares. scalars: steps.
struct AdagradRule : OptimizerRule {
  double decay, eps;
};
/// moments: mean square of gradients and of changes. scalars: steps.
struct AdadeltaRule : OptimizerRule {
  double rho, eps;
};

/// Each step changes parameters, moments and scalars in place.
class OptimizerKernels {
 public:
  virtual Status step(const SgdRule& rule, const OptimizerSlot* slots, int64_t count) noexcept = 0;
  virtual Status step(const AdamRule& rule, const OptimizerSlot* slots, int64_t count) noexcept = 0;
  virtual Status step(const NadamRule& rule, const OptimizerSlot* slots, int64_t count) noexcept = 0;
  virtual Status step(const AdamaxRule& rule, const OptimizerSlot* slots, int64_t count) noexcept = 0;
  virtual Status step(const RmspropRule& rule, const OptimizerSlot* slots, int64_t count) noexcept = 0;
  virtual Status step(const AdagradRule& rule, const OptimizerSlot* slots, int64_t count) noexcept = 0;
  virtual Status step(const AdadeltaRule& rule, const OptimizerSlot* slots, int64_t count) noexcept = 0;

  /// norm (one element, f32 or f64) = the p-norm of all elements of all gradients; `p` may be infinite. Dense views.
  virtual Status total_norm(double p, const View* gradients, int64_t count, const View& norm) noexcept = 0;
  /// Multiplies every gradient by min(1, max_norm / (norm + 1e-6)); a NaN stays one.
  virtual Status scale_to_norm(double max_norm, const View& norm, const View* gradients, int64_t count) noexcept = 0;
  /// Limits every element to -limit..limit; a NaN stays one.
  virtual Status clamp(double limit, const View* gradients, int64_t count) noexcept = 0;

 protected:
  ~OptimizerKernels() = default;
};

}  // namespace stm
