#pragma once
// What the optimizers' rules compute once for a parameter and step, written once for every device.
#include <cmath>

#include "backend/functors.h"
#include "backend/kernels/optimizers.h"

namespace stm {

/// Each rule says what a, b, c and d are, at its begin_step. It raises the number of steps in `scalars`, and what else
/// the rule keeps there, and gives the factors of the step that this begins.
struct StepFactors {
  double a, b, c, d;
};

/// a: learning rate. b: 1 at the first step, when the velocity is the gradient itself. `scalars` is null without
/// momentum.
STM_DEVICE StepFactors begin_step(const SgdRule& rule, double* scalars) {
  return {*rule.learning_rate, scalars ? scalars[0] += 1 : 1, 0, 0};
}

/// Factor of the parameter, where decay acts on it.
template <class Rule>
STM_DEVICE double decoupled_decay(const Rule& rule) {
  return rule.decoupled ? 1 - *rule.learning_rate * rule.weight_decay : 1;
}

/// a: learning rate over the bias correction of the mean. b: 1 over the root of that of the square. c: factor of the
/// parameter.
STM_DEVICE StepFactors begin_step(const AdamRule& rule, double* scalars) {
  const double t = scalars[0] += 1;
  return {*rule.learning_rate / (1 - std::pow(rule.beta1, t)), 1 / std::sqrt(1 - std::pow(rule.beta2, t)),
          decoupled_decay(rule), 0};
}

/// a, d: weights of gradient and mean in the change. b, c: as Adam's.
STM_DEVICE StepFactors begin_step(const NadamRule& rule, double* scalars) {
  const auto momentum = [&](double t) { return rule.beta1 * (1 - 0.5 * std::pow(0.96, t * rule.momentum_decay)); };
  const double t = scalars[0] += 1, now = momentum(t), next = momentum(t + 1);
  const double product = scalars[1] *= now;
  return {*rule.learning_rate * (1 - now) / (1 - product), 1 / std::sqrt(1 - std::pow(rule.beta2, t)),
          decoupled_decay(rule), *rule.learning_rate * next / (1 - product * next)};
}

/// a: learning rate over the bias correction of the mean.
STM_DEVICE StepFactors begin_step(const AdamaxRule& rule, double* scalars) {
  const double t = scalars[0] += 1;
  return {*rule.learning_rate / (1 - std::pow(rule.beta1, t)), 0, 0, 0};
}

/// a: learning rate.
STM_DEVICE StepFactors begin_step(const RmspropRule& rule, double* scalars) {
  scalars[0] += 1;
  return {*rule.learning_rate, 0, 0, 0};
}

/// a: learning rate after decay.
STM_DEVICE StepFactors begin_step(const AdagradRule& rule, double* scalars) {
  const double before = scalars[0];
  scalars[0] = before + 1;
  return {*rule.learning_rate / (1 + before * rule.decay), 0, 0, 0};
}

/// a: learning rate.
STM_DEVICE StepFactors begin_step(const AdadeltaRule& rule, double* scalars) {
  scalars[0] += 1;
  return {*rule.learning_rate, 0, 0, 0};
}

}  // namespace stm
