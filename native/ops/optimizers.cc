#include <cmath>

#include "core/history.h"
#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

using TensorList = const std::vector<Tensor>&;
using Indices = const std::vector<int64_t>&;
using MaybeTensor = const std::optional<Tensor>&;

/// Tensors of one call by parameter: `parameters[i]` has the moments `state[k · width .. k · width + moments - 1]` and
/// then the scalars, where known[k] = i.
struct Group {
  const char* op;
  TensorList parameters, state;
  Indices known;
  const Tensor& learning_rate;  ///< OptimizerRule's
  MaybeTensor skip;
};

void check_group(const Group& group, size_t width) {
  STM_CHECK(group.state.size() == group.known.size() * width, Kind::Option, group.op,
            fmt::format("{} state tensors for {} parameters", group.state.size(), group.known.size()),
            fmt::format("{} each", width), "report this as a fault of stmnet");
  STM_CHECK(group.learning_rate.dtype() == DType::F64 && group.learning_rate.size() == 1, Kind::Option, group.op,
            fmt::format("the learning rate {}", group.learning_rate), "one f64", "report this as a fault of stmnet");
  STM_CHECK(!group.skip || (group.skip->dtype() == DType::F32 && group.skip->size() == 1), Kind::Option, group.op,
            fmt::format("{} as what decides whether to skip the step", *group.skip), "one f32",
            "report this as a fault of stmnet");
  for (const Tensor& parameter : group.parameters)
    STM_CHECK(parameter->device == group.parameters[0]->device, Kind::Device, group.op,
              fmt::format("the parameters {} and {} in one group", group.parameters[0], parameter), "one device",
              fmt::format("move the whole model with to('{}'), or make a group for each device",
                          group.parameters[0]->device->name));
}

void check_gradient(const char* op, const Tensor& parameter) {
  const Tensor& grad = parameter->grad;
  STM_CHECK(grad.shape() == parameter.shape() && grad.dtype() == parameter.dtype(), Kind::Shape, op,
            fmt::format("the gradient {} of {}", grad, parameter), "the parameter's shape and dtype",
            "assign a gradient that fits, or call zeroGrad() and backward() again");
}

void check_state(const char* op, const Tensor& parameter, const Tensor& moment) {
  STM_CHECK(moment.size() == parameter.size() && moment.dtype() == parameter.dtype() && moment.contiguous(),
            Kind::Shape, op, fmt::format("the state {} for {}", moment, parameter), "the parameter's shape and dtype",
            "load a state dict that was saved for this model");
}

/// Queues one command that updates all parameters of the group which have a gradient. If some of these have no state
/// yet, does nothing and returns their indices.
template <class Rule>
std::vector<int64_t> step_group(const Group& group, const Rule& rule) {
  const int moments = rule.moments();
  const bool has_scalars = rule.has_scalars();
  const size_t width = static_cast<size_t>(moments) + (has_scalars ? 1 : 0);
  check_group(group, width);
  std::vector<int64_t> place(group.parameters.size(), -1), missing;
  for (size_t k = 0; k < group.known.size(); ++k)
    place.at(static_cast<size_t>(group.known[k])) = static_cast<int64_t>(k);
  std::vector<Tensor> gradients, targets, scattered;
  for (size_t i = 0; i < group.parameters.size(); ++i) {
    const Tensor& parameter = group.parameters[i];
    if (!gradient_of(parameter)) continue;
    check_gradient(group.op, parameter);
    if (width > 0 && place[i] < 0) missing.push_back(static_cast<int64_t>(i));
    if (!missing.empty()) continue;
    gradients.push_back(contiguous(parameter->grad));
    targets.push_back(
        contiguous(parameter));  // a view with gaps is updated in a dense copy, which is copied back below
    if (!parameter.contiguous()) {
      scattered.push_back(targets.back());
      scattered.push_back(parameter);
    }
    for (size_t j = 0; j < width; ++j) {
      targets.push_back(group.state[static_cast<size_t>(place[i]) * width + j]);
      if (j < static_cast<size_t>(moments)) check_state(group.op, parameter, targets.back());
    }
  }
  if (!missing.empty() || gradients.empty()) return missing;
  const size_t count = gradients.size();
  gradients.push_back(group.learning_rate);
  gradients.push_back(group.skip.value_or(Tensor()));
  std::vector<OptimizerSlot> slots(count);  // here, because a step that has begun must not run out of memory
  enqueue_update(group.op, gradients, targets, [=, slots = std::move(slots)](Backend& b, Views v) mutable {
    Rule complete = rule;
    complete.learning_rate = v.in(count).template as<double>();
    complete.skip = v.in(count + 1).template as<float>();
    for (size_t i = 0; i < count; ++i) {
      const size_t first = i * (width + 1);
      const View& parameter = v.out(first);
      slots[i] = {parameter.data, v.in(i).data, {}, nullptr, parameter.size(), parameter.dtype};
      for (int j = 0; j < moments; ++j) slots[i].moment[j] = v.out(first + 1 + static_cast<size_t>(j)).data;
      if (has_scalars) slots[i].scalars = v.out(first + width).template as<double>();
    }
    return b.optimizers().step(complete, slots.data(), static_cast<int64_t>(count));
  });
  for (size_t i = 0; i < scattered.size(); i += 2)
    enqueue_update(group.op, {scattered[i]}, {scattered[i + 1]},
                   [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
  return missing;
}

std::vector<int64_t> sgd(TensorList parameters, TensorList state, Indices known, const Tensor& learning_rate,
                         double weight_decay, double momentum, double dampening, bool nesterov, MaybeTensor skip) {
  return step_group<SgdRule>({"SGD.step", parameters, state, known, learning_rate, skip},
                             {{weight_decay}, momentum, dampening, nesterov});
}

std::vector<int64_t> adam(TensorList parameters, TensorList state, Indices known, const Tensor& learning_rate,
                          double weight_decay, double beta1, double beta2, double eps, bool amsgrad, bool decoupled,
                          MaybeTensor skip) {
  return step_group<AdamRule>({decoupled ? "AdamW.step" : "Adam.step", parameters, state, known, learning_rate, skip},
                              {{weight_decay}, beta1, beta2, eps, amsgrad, decoupled});
}

std::vector<int64_t> nadam(TensorList parameters, TensorList state, Indices known, const Tensor& learning_rate,
                           double weight_decay, double beta1, double beta2, double eps, double momentum_decay,
                           bool decoupled, MaybeTensor skip) {
  return step_group<NadamRule>({"NAdam.step", parameters, state, known, learning_rate, skip},
                               {{weight_decay}, beta1, beta2, eps, momentum_decay, decoupled});
}

std::vector<int64_t> adamax(TensorList parameters, TensorList state, Indices known, const Tensor& learning_rate,
                            double weight_decay, double beta1, double beta2, double eps, MaybeTensor skip) {
  return step_group<AdamaxRule>({"Adamax.step", parameters, state, known, learning_rate, skip},
                                {{weight_decay}, beta1, beta2, eps});
}

std::vector<int64_t> rmsprop(TensorList parameters, TensorList state, Indices known, const Tensor& learning_rate,
                             double weight_decay, double alpha, double eps, double momentum, bool centered,
                             MaybeTensor skip) {
  return step_group<RmspropRule>({"RMSprop.step", parameters, state, known, learning_rate, skip},
                                 {{weight_decay}, alpha, eps, momentum, centered});
}

std::vector<int64_t> adagrad(TensorList parameters, TensorList state, Indices known, const Tensor& learning_rate,
                             double weight_decay, double learning_rate_decay, double eps, MaybeTensor skip) {
  return step_group<AdagradRule>({"Adagrad.step", parameters, state, known, learning_rate, skip},
                                 {{weight_decay}, learning_rate_decay, eps});
}

std::vector<int64_t> adadelta(TensorList parameters, TensorList state, Indices known, const Tensor& learning_rate,
                              double weight_decay, double rho, double eps, MaybeTensor skip) {
  return step_group<AdadeltaRule>({"Adadelta.step", parameters, state, known, learning_rate, skip},
                                  {{weight_decay}, rho, eps});
}

void zero_grad(TensorList parameters) {
  for (const Tensor& parameter : parameters) set_gradient(parameter, Tensor());
}

/// The gradients there are, dense: a view with gaps, which only a user can have put there, is replaced by a copy.
std::vector<Tensor> dense_gradients(TensorList parameters) {
  std::vector<Tensor> gradients;
  for (const Tensor& parameter : parameters) {
    Tensor& gradient = gradient_of(parameter);
    if (!gradient) continue;
    if (!gradient.contiguous()) gradient = clone(gradient);
    gradients.push_back(gradient);
  }
  return gradients;
}

template <class At>
std::vector<View> views_of(size_t count, const At& at) {
  std::vector<View> views;
  for (size_t i = 0; i < count; ++i) views.push_back(at(i));
  return views;
}

/// A change of gradients without which they must not be used: an optimizer is not to take them as they were.
template <class Work>
void enqueue_rescaling(const char* op, const std::vector<Tensor>& in, const std::vector<Tensor>& gradients, Work work) {
  enqueue(op, in, gradients, std::move(work), 0, Access::Update, true);
}

Tensor clip_grad_norm(TensorList parameters, double max_norm, double norm_type) {
  const char* op = "clipGradNorm";
  STM_CHECK(!parameters.empty(), Kind::Option, op, "no parameters", "at least one", "pass model.parameters()");
  const Session::NoGrad no_grad;
  const std::vector<Tensor> gradients = dense_gradients(parameters);
  if (gradients.empty()) return full({}, 0, parameters[0].dtype(), parameters[0].device());
  const Tensor norm = empty({}, gradients[0]);
  const size_t count = gradients.size();
  enqueue(op, gradients, {norm}, [=](Backend& b, Views v) {
    const std::vector<View> views = views_of(count, [&](size_t i) { return v.in(i); });
    return b.optimizers().total_norm(norm_type, views.data(), static_cast<int64_t>(count), v.out(0));
  });
  enqueue_rescaling(op, {norm}, gradients, [=](Backend& b, Views v) {
    const std::vector<View> views = views_of(count, [&](size_t i) { return v.out(i); });
    return b.optimizers().scale_to_norm(max_norm, v.in(0), views.data(), static_cast<int64_t>(count));
  });
  return norm;
}

void clip_grad_value(TensorList parameters, double clip_value) {
  const Session::NoGrad no_grad;
  const std::vector<Tensor> gradients = dense_gradients(parameters);
  if (gradients.empty()) return;
  enqueue_update("clipGradValue", {}, gradients, [=, count = gradients.size()](Backend& b, Views v) {
    const std::vector<View> views = views_of(count, [&](size_t i) { return v.out(i); });
    return b.optimizers().clamp(clip_value, views.data(), static_cast<int64_t>(count));
  });
}

/// One number, f32 or f64, as if it were of the shape of another view.
View spread(const View& number, const View& like) {
  View view = like;
  view.data = number.data;
  for (int axis = 0; axis < view.rank; ++axis) view.stride[axis] = 0;
  return view;
}

/// f64 []: NaN if an element is NaN. All dense, on one device, at least one.
Tensor largest_of(const char* op, TensorList values) {
  const Tensor largest = empty({}, DType::F64, values[0].device());
  enqueue(op, values, {largest}, [count = values.size()](Backend& b, Views v) {
    const std::vector<View> views = views_of(count, [&](size_t i) { return v.in(i); });
    return b.optimizers().total_norm(HUGE_VAL, views.data(), static_cast<int64_t>(count), v.out(0));
  });
  return largest;
}

Tensor largest_magnitude(TensorList values, TensorList parameters) {
  const char* op = "Trainer";
  STM_CHECK(!values.empty(), Kind::Option, op, "no values", "at least one", "report this as a fault of stmnet");
  const Session::NoGrad no_grad;
  std::vector<Tensor> all = dense_gradients(parameters);
  for (const Tensor& value : values) {
    check_floating(op, "value", value);
    all.push_back(contiguous(value));
  }
  return largest_of(op, all);
}

Tensor scale_gradients(TensorList parameters, const Tensor& factor) {
  const char* op = "GradScaler";
  STM_CHECK(!parameters.empty() && factor.size() == 1, Kind::Option, op,
            fmt::format("{} parameters and the factor {}", parameters.size(), factor), "some, and one number",
            "report this as a fault of stmnet");
  const Session::NoGrad no_grad;
  const std::vector<Tensor> gradients = dense_gradients(parameters);
  if (gradients.empty()) return full({}, 0, DType::F64, parameters[0].device());
  const Tensor largest = largest_of(op, gradients);
  enqueue_rescaling(op, {cast(factor, DType::F32), cast(factor, DType::F64)}, gradients,
                    [count = gradients.size()](Backend& b, Views v) {
                      for (size_t i = 0; i < count; ++i) {
                        const View& gradient = v.out(i);
                        const Status status = b.elementwise().binary(
                            Binary::mul, gradient, spread(v.in(gradient.dtype == DType::F64), gradient), gradient);
                        if (!status.is_ok()) return status;
                      }
                      return Status::ok();
                    });
  return largest;
}

}  // namespace

void declare_optimizers(OpTable& table) {
  table.add(
      "sgdStep", &sgd,
      {"parameters", "state", "known", "learningRate", "weightDecay", "momentum", "dampening", "nesterov", "skip"},
      "One step of a group, unless skip is not 0. learningRate: f64, skip: f32, of one element. Returns the parameters "
      "that lack state; then nothing was "
      "done.");
  table.add("adamStep", &adam,
            {"parameters", "state", "known", "learningRate", "weightDecay", "beta1", "beta2", "eps", "amsgrad",
             "decoupled", "skip"},
            "As sgdStep.");
  table.add("nadamStep", &nadam,
            {"parameters", "state", "known", "learningRate", "weightDecay", "beta1", "beta2", "eps", "momentumDecay",
             "decoupled", "skip"},
            "As sgdStep.");
  table.add("adamaxStep", &adamax,
            {"parameters", "state", "known", "learningRate", "weightDecay", "beta1", "beta2", "eps", "skip"},
            "As sgdStep.");
  table.add(
      "rmspropStep", &rmsprop,
      {"parameters", "state", "known", "learningRate", "weightDecay", "alpha", "eps", "momentum", "centered", "skip"},
      "As sgdStep.");
  table.add("adagradStep", &adagrad,
            {"parameters", "state", "known", "learningRate", "weightDecay", "learningRateDecay", "eps", "skip"},
            "As sgdStep.");
  table.add("adadeltaStep", &adadelta,
            {"parameters", "state", "known", "learningRate", "weightDecay", "rho", "eps", "skip"}, "As sgdStep.");
  table.add("zeroGrad", &zero_grad, {"parameters"}, "Drops the gradients.");
  table.add("clipGradNorm", &clip_grad_norm, {"parameters", "maxNorm", "normType"},
            "Scales the gradients so that their joint norm is at most maxNorm; returns the norm before.");
  table.add(
      "scaleGradients", &scale_gradients, {"parameters", "factor"},
      "Multiplies the gradients by one number. Returns the largest magnitude before, f64: NaN if an element is NaN.");
  table.add("largestMagnitude", &largest_magnitude, {"values", "parameters"},
            "The largest magnitude in some f32 and f64 tensors and in the gradients of parameters, f64: NaN if an "
            "element is NaN.");
  table.add("clipGradValue", &clip_grad_value, {"parameters", "clipValue"},
            "Limits every element of the gradients to -clipValue..clipValue.");
}

}  // namespace stm::ops
