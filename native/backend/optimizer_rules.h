#pragma once
// The optimizers' rules, written once for every device: their options, what they keep of a parameter, and what they
// compute once for a parameter and step. What a step does to each element is in optimizer_updates-inl.h.
#include <cmath>

#include "backend/functors.h"

/// X(Name) for each NameRule: of this list the kernels' methods are made.
#define STM_OPTIMIZER_RULES(X) X(Sgd) X(Adam) X(Nadam) X(Adamax) X(Rmsprop) X(Adagrad) X(Adadelta)

namespace stm {

constexpr int kMaxOptimizerMoments = 3;

/// Those of one element, or of one vector.
template <class N>
using Moments = N[kMaxOptimizerMoments];

/// What the rules share. Each says how many `moments()` it keeps, which are of the parameter's size, and what a step's
/// `Factors` are. `begin` raises the number of steps in the parameter's scalars, and what else the rule keeps there,
/// and gives the factors of the step that this begins.
struct OptimizerRule {
  double weight_decay;                    ///< weight_decay · parameter is added to the gradient
  const double* learning_rate = nullptr;  ///< device memory, as everything that may change from step to step
  /// device memory, may be null: if it is not 0, nothing changes, the number of steps included
  const float* skip = nullptr;

  struct Factors {
    double rate;  ///< of the change
  };
  STM_DEVICE Factors begin(double* scalars) const {
    scalars[0] += 1;
    return {*learning_rate};
  }
  bool has_scalars() const { return true; }
};

/// Factor of the parameter, where decay acts on it.
template <class Rule>
STM_DEVICE double decoupled_decay(const Rule& rule) {
  return rule.decoupled ? 1 - *rule.learning_rate * rule.weight_decay : 1;
}

/// moment: velocity, if momentum is not 0. scalars: steps, likewise, else null.
struct SgdRule : OptimizerRule {
  double momentum, dampening;
  bool nesterov;

  STM_DEVICE int moments() const { return momentum != 0 ? 1 : 0; }
  bool has_scalars() const { return momentum != 0; }
  struct Factors {
    double rate;
    bool first;  ///< whether the velocity is the gradient itself
  };
  STM_DEVICE Factors begin(double* scalars) const { return {*learning_rate, !scalars || (scalars[0] += 1) == 1}; }
};

/// moments: mean and square, then the largest square if amsgrad. scalars: steps. decoupled: decay acts on the
/// parameter, as in AdamW.
struct AdamRule : OptimizerRule {
  double beta1, beta2, eps;
  bool amsgrad, decoupled;

  STM_DEVICE int moments() const { return amsgrad ? 3 : 2; }
  struct Factors {
    double rate;        ///< learning rate over the bias correction of the mean
    double root_scale;  ///< 1 over the root of the bias correction of the square
    double kept;        ///< of the parameter
  };
  STM_DEVICE Factors begin(double* scalars) const {
    const double t = scalars[0] += 1;
    return {*learning_rate / (1 - std::pow(beta1, t)), 1 / std::sqrt(1 - std::pow(beta2, t)), decoupled_decay(*this)};
  }
};

/// moments: mean and square. scalars: steps, product of the momentum factors (starts at 1).
struct NadamRule : OptimizerRule {
  double beta1, beta2, eps, momentum_decay;
  bool decoupled;

  STM_DEVICE int moments() const { return 2; }
  struct Factors {
    double gradient_rate, mean_rate;  ///< weights in the change
    double root_scale, kept;          ///< as Adam's
  };
  STM_DEVICE Factors begin(double* scalars) const {
    const auto momentum = [&](double t) { return beta1 * (1 - 0.5 * std::pow(0.96, t * momentum_decay)); };
    const double t = scalars[0] += 1, now = momentum(t), next = momentum(t + 1);
    const double product = scalars[1] *= now;
    return {*learning_rate * (1 - now) / (1 - product), *learning_rate * next / (1 - product * next),
            1 / std::sqrt(1 - std::pow(beta2, t)), decoupled_decay(*this)};
  }
};

/// moments: mean and largest. scalars: steps.
struct AdamaxRule : OptimizerRule {
  double beta1, beta2, eps;

  STM_DEVICE int moments() const { return 2; }
  /// rate: learning rate over the bias correction of the mean
  STM_DEVICE Factors begin(double* scalars) const {
    const double t = scalars[0] += 1;
    return {*learning_rate / (1 - std::pow(beta1, t))};
  }
};

/// moments: square, then mean if centered, then velocity if momentum is not 0. scalars: steps.
struct RmspropRule : OptimizerRule {
  double alpha, eps, momentum;
  bool centered;

  STM_DEVICE int moments() const { return 1 + (centered ? 1 : 0) + (momentum != 0 ? 1 : 0); }
};

/// moment: sum of squares. scalars: steps.
struct AdagradRule : OptimizerRule {
  double decay, eps;

  STM_DEVICE int moments() const { return 1; }
  /// rate: learning rate after decay
  STM_DEVICE Factors begin(double* scalars) const {
    const double before = scalars[0];
    scalars[0] = before + 1;
    return {*learning_rate / (1 + before * decay)};
  }
};

/// moments: mean square of gradients and of changes. scalars: steps.
struct AdadeltaRule : OptimizerRule {
  double rho, eps;

  STM_DEVICE int moments() const { return 2; }
};

}  // namespace stm
