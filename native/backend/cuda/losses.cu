#include "backend/cuda/losses.h"

#include <cmath>
#include <limits>

#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/kernel/padding.h"
#include "backend/dispatch.h"
#include "backend/pointwise_losses.h"

namespace stm::cuda {
namespace {

template <class T>
struct PointwiseOperands {
  const T *x, *t, *weight;
  int64_t weights;
  T parameter;
  Pointwise function;
  DevicePadding elements;

  STM_DEVICE T weight_of(int64_t i) const { return weight ? weight[i - quotient(i, weights) * weights] : T(1); }
  /// Whether the loss of `x` and `t` is defined; reports what is not.
  STM_DEVICE bool is_defined(int64_t i, T x, T t, DeviceFault* fault, int32_t op) const {
    const bool binary = function == Pointwise::BinaryCrossEntropy;
    const bool target_too =
        binary || function == Pointwise::BinaryCrossEntropyWithLogits || function == Pointwise::Divergence;
    const bool wrong_x = binary && !is_probability(x), wrong_t = target_too && !is_probability(t);
    if (wrong_x || wrong_t) {
      const DataFault::Code code = wrong_x                             ? DataFault::kInputNoProbability
                                   : function == Pointwise::Divergence ? DataFault::kTargetNoDistribution
                                                                       : DataFault::kTargetNoProbability;
      report_fault(fault, op, {.code = code, .place = i, .number = static_cast<double>(wrong_x ? x : t)});
    }
    return !wrong_x && !wrong_t;
  }
  STM_DEVICE T value(int64_t i, DeviceFault* fault, int32_t op) const {
    if (!elements.is_real(i)) return T(0);
    const T at_x = x[i], at_t = t[i];
    if (!is_defined(i, at_x, at_t, fault, op)) return std::numeric_limits<T>::quiet_NaN();
    return with_pointwise<T>(
        function, [&](auto functor) { return decltype(functor)::value(at_x, at_t, parameter, weight_of(i)); });
  }
};

template <class T>
struct PointwiseValues {
  PointwiseOperands<T> operands;
  T* out;
  DeviceFault* fault;
  int32_t op;
  STM_DEVICE void operator()(int64_t i) const { out[i] = operands.value(i, fault, op); }
};

template <class T>
struct PointwiseTotal {
  const double* partial;
  int64_t count;
  T* result;
  double divisor;
  STM_DEVICE void operator()(Block& block, int64_t) const {
    const double sum = block.sum(count, [&](int64_t i) { return partial[i]; });
    block.once([&] { *result = static_cast<T>(sum / divisor); });
  }
};

/// The sum of one slice of kPartial elements; if there is but one, the result too.
template <class T>
struct PointwiseSums {
  PointwiseOperands<T> operands;
  int64_t size;
  double* partial;
  T* result;
  double divisor;
  bool only;
  DeviceFault* fault;
  int32_t op;
  STM_DEVICE void operator()(Block& block, int64_t slice) const {
    const int64_t first = slice * LossKernels::kPartial,
                  n = size - first < LossKernels::kPartial ? size - first : LossKernels::kPartial;
    const double sum =
        block.sum(n, [&](int64_t i) { return static_cast<double>(operands.value(first + i, fault, op)); });
    block.once([&] {
      if (only) *result = static_cast<T>(sum / divisor);
      else partial[slice] = sum;
    });
  }
};

template <class T>
struct PointwiseGradients {
  PointwiseOperands<T> operands;
  const T* dresult;
  bool reduce;
  double divisor;
  T *dinput, *dtarget;
  DeviceFault* fault;
  int32_t op;
  STM_DEVICE void operator()(int64_t i) const {
    T by_x = 0, by_t = 0;
    if (operands.elements.is_real(i)) {
      const T x = operands.x[i], t = operands.t[i];
      // A loss that was refused has no gradient. Where none is defined, the formulas may give numbers.
      const bool defined = operands.is_defined(i, x, t, fault, op);
      const T dy = !defined ? std::numeric_limits<T>::quiet_NaN()
                   : reduce ? static_cast<T>(*dresult / divisor)
                            : dresult[i];
      with_pointwise<T>(operands.function, [&](auto functor) {
        if (dinput) by_x = dy * decltype(functor)::by_x(x, t, operands.parameter, operands.weight_of(i));
        if (dtarget) by_t = dy * decltype(functor)::by_t(x, t, operands.parameter, operands.weight_of(i));
      });
    }
    if (dinput) dinput[i] = by_x;
    if (dtarget) dtarget[i] = by_t;
  }
};

template <class T>
Status send_operands(Context& context, const PointwiseLoss& loss, const View& input, const View& target,
                     const View& weight, PointwiseOperands<T>* out) {
  *out = {input.as<T>(),
          target.as<T>(),
          weight.as<T>(),
          weight.data ? weight.extent[0] : 1,
          static_cast<T>(loss.parameter),
          loss.function,
          {}};
  return send_padding(context, loss.elements, input.size(), &out->elements);
}

}  // namespace

Status CudaLosses::pointwise(const PointwiseLoss& loss, const View& input, const View& target, const View& weight,
                             const View& result, const View& partial) noexcept {
  return dispatch_floating(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    PointwiseOperands<T> operands;
    STM_TRY(send_operands(context_, loss, input, target, weight, &operands));
    const int64_t size = input.size(), slices = std::max<int64_t>(1, (size + kPartial - 1) / kPartial);
    if (!loss.reduce)
      return launch_each(context_, "pointwise_values", size,
                         PointwiseValues<T>{operands, result.as<T>(), context_.fault, context_.op});
    const PointwiseSums<T> sums{operands,     size,        partial.as<double>(), result.as<T>(),
                                loss.divisor, slices == 1, context_.fault,       context_.op};
    STM_TRY(launch_blocks(context_, "pointwise_sums", slices, std::min(size, kPartial), sums));
    if (sums.only) return Status::ok();
    return launch_blocks(context_, "pointwise_total", 1, slices,
                         PointwiseTotal<T>{sums.partial, slices, sums.result, loss.divisor});
  });
}

Status CudaLosses::pointwise_backward(const PointwiseLoss& loss, const View& input, const View& target,
                                      const View& weight, const View& dresult, const View& dinput,
                                      const View& dtarget) noexcept {
  return dispatch_floating(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    PointwiseOperands<T> operands;
    STM_TRY(send_operands(context_, loss, input, target, weight, &operands));
    return launch_each(context_, "pointwise_gradients", input.size(),
                       PointwiseGradients<T>{operands, dresult.as<T>(), loss.reduce, loss.divisor, dinput.as<T>(),
                                             dtarget.as<T>(), context_.fault, context_.op});
  });
}

}  // namespace stm::cuda
