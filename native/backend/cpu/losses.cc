#include "backend/cpu/losses.h"

#include <cmath>

#include "backend/cpu/backend.h"
#include "backend/pointwise_losses.h"

namespace stm {
namespace {

/// Notes the first real element where a probability is due and something else stands.
template <class T>
void look_for_wrong(const T* values, const Padding& elements, int64_t size, FirstWrong& wrong) {
  parallel_for(size, 16'384, [&](int64_t begin, int64_t end) {
    for_runs(elements, begin, end, [&](int64_t from, int64_t to, bool real) {
      for (int64_t i = from; real && i < to; ++i) {
        if (is_probability(values[i])) continue;
        wrong.at(i);
        return;
      }
    });
  });
}

template <class T>
Status check_probabilities(DataFault::Code code, const View& view, const Padding& elements) {
  FirstWrong wrong;
  look_for_wrong(view.as<T>(), elements, view.size(), wrong);
  if (!wrong.any()) return Status::ok();
  return in_words({.code = code, .place = wrong.item(), .number = static_cast<double>(view.as<T>()[wrong.item()])});
}

template <class T>
Status check_domain(const PointwiseLoss& loss, const View& input, const View& target) {
  const bool binary = loss.function == Pointwise::BinaryCrossEntropy,
             logits = loss.function == Pointwise::BinaryCrossEntropyWithLogits;
  if (binary) {
    const Status status = check_probabilities<T>(DataFault::kInputNoProbability, input, loss.elements);
    if (!status.is_ok()) return status;
  }
  if (binary || logits) return check_probabilities<T>(DataFault::kTargetNoProbability, target, loss.elements);
  if (loss.function == Pointwise::Divergence)
    return check_probabilities<T>(DataFault::kTargetNoDistribution, target, loss.elements);
  return Status::ok();
}

template <class T>
T weight_at(const View& weight, int64_t i) {
  return weight.data ? weight.as<T>()[i % weight.extent[0]] : T(1);
}

template <class T, class Functor>
void reduced_values(Functor, const PointwiseLoss& loss, const View& input, const View& target, const View& weight,
                    const View& result, const View& partial) {
  const T *x = input.as<T>(), *t = target.as<T>();
  const T a = static_cast<T>(loss.parameter);
  const int64_t size = input.size(), slices = (size + LossKernels::kPartial - 1) / LossKernels::kPartial;
  double* sums = partial.as<double>();
  parallel_for(slices, 4, [&](int64_t first, int64_t last) {
    for (int64_t slice = first; slice < last; ++slice) {
      double sum = 0;
      for_runs(loss.elements, slice * LossKernels::kPartial, std::min(size, (slice + 1) * LossKernels::kPartial),
               [&](int64_t from, int64_t to, bool real) {
                 for (int64_t i = from; real && i < to; ++i)
                   sum += Functor::value(x[i], t[i], a, weight_at<T>(weight, i));
               });
      sums[slice] = sum;
    }
  });
  double sum = 0;
  for (int64_t slice = 0; slice < slices; ++slice) sum += sums[slice];
  *result.as<T>() = static_cast<T>(sum / loss.divisor);
}

/// out[i] = f(i) where element i is real, else 0.
template <class T, class F>
void map_elements(const Padding& elements, int64_t size, T* out, F f) {
  parallel_for(size, 8192, [&](int64_t begin, int64_t end) {
    for_runs(elements, begin, end, [&](int64_t from, int64_t to, bool real) {
      if (real) {
        for (int64_t i = from; i < to; ++i) out[i] = f(i);
      } else {
        std::fill(out + from, out + to, T(0));
      }
    });
  });
}

class CpuLosses final : public LossKernels {
 public:
  Status pointwise(const PointwiseLoss& loss, const View& input, const View& target, const View& weight,
                   const View& result, const View& partial) noexcept override {
    return dispatch_floating(input.dtype, [&](auto zero) {
      using T = decltype(zero);
      const Status status = check_domain<T>(loss, input, target);
      if (!status.is_ok()) return status;
      return with_pointwise<T>(loss.function, [&](auto functor) {
        using Functor = decltype(functor);
        if (loss.reduce) {
          reduced_values<T>(functor, loss, input, target, weight, result, partial);
        } else {
          const T *x = input.as<T>(), *t = target.as<T>();
          map_elements(loss.elements, input.size(), result.as<T>(), [&, a = static_cast<T>(loss.parameter)](int64_t i) {
            return Functor::value(x[i], t[i], a, weight_at<T>(weight, i));
          });
        }
        return Status::ok();
      });
    });
  }

  Status pointwise_backward(const PointwiseLoss& loss, const View& input, const View& target, const View& weight,
                            const View& dresult, const View& dinput, const View& dtarget) noexcept override {
    return dispatch_floating(input.dtype, [&](auto zero) {
      using T = decltype(zero);
      return with_pointwise<T>(loss.function, [&](auto functor) {
        using Functor = decltype(functor);
        const T *x = input.as<T>(), *t = target.as<T>(), *dy = dresult.as<T>();
        const T a = static_cast<T>(loss.parameter), common = loss.reduce ? static_cast<T>(*dy / loss.divisor) : T(0);
        const auto upstream = [=, reduce = loss.reduce](int64_t i) { return reduce ? common : dy[i]; };
        if (dinput.data)
          map_elements(loss.elements, input.size(), dinput.as<T>(),
                       [&](int64_t i) { return upstream(i) * Functor::by_x(x[i], t[i], a, weight_at<T>(weight, i)); });
        if (dtarget.data)
          map_elements(loss.elements, input.size(), dtarget.as<T>(),
                       [&](int64_t i) { return upstream(i) * Functor::by_t(x[i], t[i], a, weight_at<T>(weight, i)); });
        return Status::ok();
      });
    });
  }

  Status cross_entropy(const CrossEntropyLoss& loss, const View& input, const View& target, const View& class_weight,
                       const View& step_weight, const View& result, const View& saved) noexcept override {
    return cpu_cross_entropy(loss, input, target, class_weight, step_weight, result, saved);
  }
  Status cross_entropy_backward(const CrossEntropyLoss& loss, const View& input, const View& target,
                                const View& class_weight, const View& step_weight, const View& saved,
                                const View& dresult, const View& dinput) noexcept override {
    return cpu_cross_entropy_backward(loss, input, target, class_weight, step_weight, saved, dresult, dinput);
  }
  Status ctc(const CtcLoss& loss, const View& input, const View& target, const View& result, const View& losses,
             const View& alpha) noexcept override {
    return cpu_ctc(loss, input, target, result, losses, alpha);
  }
  Status ctc_backward(const CtcLoss& loss, const View& input, const View& target, const View& losses, const View& alpha,
                      const View& dresult, const View& beta, const View& dinput) noexcept override {
    return cpu_ctc_backward(loss, input, target, losses, alpha, dresult, beta, dinput);
  }
};

}  // namespace

LossKernels& cpu_losses() noexcept {
  static CpuLosses kernels;
  return kernels;
}

}  // namespace stm
