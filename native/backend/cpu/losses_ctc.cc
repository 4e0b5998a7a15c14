#include <algorithm>
#include <cmath>

#include "backend/cpu/losses.h"

namespace stm {
namespace {

constexpr double kNever = -std::numeric_limits<double>::infinity();

/// log(e^a + e^b + e^c).
double log_add(double a, double b, double c) {
  const double largest = std::max(a, std::max(b, c));
  if (largest == kNever) return kNever;
  return largest + std::log(std::exp(a - largest) + std::exp(b - largest) + std::exp(c - largest));
}

/// One sequence. Its states are the labels with a blank before, between and after them:
///
///   state   0      1      2      3      4          2·labels
///           blank  l_0    blank  l_1    blank  ···  blank
///
/// A path stays in a state, goes to the next, or jumps over a blank between two different labels.
template <class T>
struct Sequence {
  const T* input;  ///< its column of [T, N, C]
  int64_t step_stride, class_stride;
  const int32_t* labels;
  int64_t steps, states;
  int64_t blank;

  Sequence(const CtcLoss& loss, const View& view, const View& target, int64_t n)
      : input(view.as<T>() + n * view.stride[1]),
        step_stride(view.stride[0]),
        class_stride(view.stride[2]),
        labels(target.as<int32_t>() + loss.target_offsets[n]),
        steps(loss.input_lengths[n]),
        states(2 * loss.target_lengths[n] + 1),
        blank(loss.blank) {}
  int64_t label_of(int64_t state) const { return state % 2 ? labels[state / 2] : blank; }
  double at(int64_t t, int64_t state) const {
    return static_cast<double>(input[t * step_stride + label_of(state) * class_stride]);
  }
  bool may_jump_to(int64_t state) const {
    return state >= 2 && state % 2 && labels[state / 2] != labels[state / 2 - 1];
  }

  /// alpha[t, s]: log-probability of all paths over steps 0..t that end in state s. Returns the loss, -log of all paths
  /// through all labels.
  double forward(double* alpha, int64_t row) const {
    if (steps == 0) return states == 1 ? 0 : -kNever;
    std::fill(alpha, alpha + states, kNever);
    alpha[0] = at(0, 0);
    if (states > 1) alpha[1] = at(0, 1);
    for (int64_t t = 1; t < steps; ++t) {
      stop_point();
      const double* before = alpha + (t - 1) * row;
      for (int64_t s = 0; s < states; ++s)
        alpha[t * row + s] =
            log_add(before[s], s > 0 ? before[s - 1] : kNever, may_jump_to(s) ? before[s - 2] : kNever) + at(t, s);
    }
    const double* last = alpha + (steps - 1) * row;
    return -log_add(last[states - 1], states > 1 ? last[states - 2] : kNever, kNever);
  }

  /// Adds -factor · (share of the probability that passes through each class) to each step's gradient. `beta` has two
  /// rows of `row` numbers.
  void backward(const double* alpha, int64_t row, double* beta, double loss, double factor, T* dinput,
                int64_t dinput_stride) const {
    double *now = beta, *after = beta + row;
    for (int64_t t = steps - 1; t >= 0; --t) {
      stop_point();
      std::swap(now, after);  // `after` is step t + 1
      for (int64_t s = states - 1; s >= 0; --s) {
        double rest = s >= states - 2 ? 0 : kNever;
        if (t < steps - 1)
          rest = log_add(after[s], s + 1 < states ? after[s + 1] : kNever,
                         s + 2 < states && may_jump_to(s + 2) ? after[s + 2] : kNever);
        dinput[t * dinput_stride + label_of(s)] -= static_cast<T>(factor * std::exp(alpha[t * row + s] + rest + loss));
        now[s] = rest + at(t, s);
      }
    }
  }
};

template <class T>
Status check_labels(const CtcLoss& loss, const View& input, const View& target) {
  for (int64_t n = 0; n < input.extent[1]; ++n) {
    for (int64_t i = 0; i < loss.target_lengths[n]; ++i) {
      const int32_t label = target.as<int32_t>()[loss.target_offsets[n] + i];
      if (label >= 0 && label < input.extent[2] && label != loss.blank) continue;
      return in_words({.code = DataFault::kSequenceLabel,
                       .value = label,
                       .place = i,
                       .sequence = n,
                       .greatest = input.extent[2] - 1,
                       .except = loss.blank});
    }
  }
  return Status::ok();
}

template <class T>
Status forward(const CtcLoss& loss, const View& input, const View& target, const View& result, const View& losses,
               const View& alpha) {
  const Status status = check_labels<T>(loss, input, target);
  if (!status.is_ok()) return status;
  const int64_t count = input.extent[1], row = 2 * loss.longest_target + 1;
  double* values = losses.as<double>();
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n)
      values[n] = Sequence<T>(loss, input, target, n).forward(alpha.as<double>() + n * input.extent[0] * row, row);
  });
  double sum = 0;
  for (int64_t n = 0; n < count; ++n) {
    const double value = loss.zero_infinity && std::isinf(values[n]) ? 0 : values[n] / loss.divisors[n];
    if (loss.reduce) sum += value;
    else result.as<T>()[n] = static_cast<T>(value);
  }
  if (loss.reduce) *result.as<T>() = static_cast<T>(sum);
  return Status::ok();
}

template <class T>
Status backward(const CtcLoss& loss, const View& input, const View& target, const View& losses, const View& alpha,
                const View& dresult, const View& beta, const View& dinput) {
  const int64_t steps = input.extent[0], count = input.extent[1], classes = input.extent[2],
                row = 2 * loss.longest_target + 1;
  parallel_for(dinput.size(), 65'536,
               [&](int64_t begin, int64_t end) { std::fill(dinput.as<T>() + begin, dinput.as<T>() + end, T(0)); });
  parallel_for(count, 1, [&](int64_t begin, int64_t end) {
    for (int64_t n = begin; n < end; ++n) {
      const double value = losses.as<double>()[n];
      if (loss.zero_infinity && std::isinf(value)) continue;
      const double factor = static_cast<double>(dresult.as<T>()[loss.reduce ? 0 : n]) / loss.divisors[n];
      Sequence<T>(loss, input, target, n)
          .backward(alpha.as<double>() + n * steps * row, row, beta.as<double>() + n * 2 * row, value, factor,
                    dinput.as<T>() + n * classes, count * classes);
    }
  });
  return Status::ok();
}

}  // namespace

Status cpu_ctc(const CtcLoss& loss, const View& input, const View& target, const View& result, const View& losses,
               const View& alpha) {
  return dispatch_floating(
      input.dtype, [&](auto zero) { return forward<decltype(zero)>(loss, input, target, result, losses, alpha); });
}

Status cpu_ctc_backward(const CtcLoss& loss, const View& input, const View& target, const View& losses,
                        const View& alpha, const View& dresult, const View& beta, const View& dinput) {
  return dispatch_floating(input.dtype, [&](auto zero) {
    return backward<decltype(zero)>(loss, input, target, losses, alpha, dresult, beta, dinput);
  });
}

}  // namespace stm
