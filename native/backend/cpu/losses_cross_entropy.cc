#include <cmath>

#include "backend/cpu/losses.h"
#include "backend/cpu/normalization_rows.h"

namespace stm {
namespace {

int64_t row_grain(int64_t classes) { return std::max<int64_t>(1, 16'384 / classes); }

/// The row's numbers in `saved`: largest element, log Σ e^(x - largest), loss.
struct SavedRow {
  double largest, log_sum, loss;
};

/// What of the operands one row needs. With label smoothing s over C classes, weights w and label y, the loss is Σ a_c
/// · -log p_c with a_c = (1 - s) · w_y at c = y, plus s / C · w_c everywhere; all times the step's weight.
template <class T>
struct Rows {
  const CrossEntropyLoss& loss;
  int64_t rows, classes;
  const T* input;
  const int32_t* target;
  const T *class_weight, *step_weight;
  double weight_sum =
      0;  ///< Σ w_c, if labels are smoothed: else a class without labels counts for nothing, whatever its weight

  Rows(const CrossEntropyLoss& loss, const View& input, const View& target, const View& class_weight,
       const View& step_weight)
      : loss(loss),
        rows(target.size()),
        classes(input.last()),
        input(input.as<T>()),
        target(target.as<int32_t>()),
        class_weight(class_weight.as<T>()),
        step_weight(step_weight.as<T>()) {
    for (int64_t c = 0; c < classes && rows > 0 && loss.label_smoothing > 0; ++c) weight_sum += weight_of(c);
  }
  double weight_of(int64_t c) const { return class_weight ? static_cast<double>(class_weight[c]) : 1.0; }
  double step_weight_of(int64_t row) const { return step_weight ? static_cast<double>(step_weight[row]) : 1.0; }
  bool ignored(int64_t row) const { return target[row] == loss.ignore_index; }
  double smoothing() const { return loss.label_smoothing / static_cast<double>(classes); }

  SavedRow forward(int64_t row) const {
    const T* x = input + row * classes;
    const T largest = row_max(x, classes);
    const double log_sum = std::log(exp_row(x, largest, static_cast<T*>(nullptr), classes));
    const int32_t y = target[row];
    double value = (1 - loss.label_smoothing) * weight_of(y) * (log_sum - (static_cast<double>(x[y]) - largest));
    if (loss.label_smoothing > 0) {
      const double smooth = lane_sum(
          classes, [&](int64_t c) { return weight_of(c) * (log_sum - (static_cast<double>(x[c]) - largest)); });
      value += smoothing() * smooth;
    }
    return {static_cast<double>(largest), log_sum, value * step_weight_of(row)};
  }

  /// dx_c = g · (p_c · Σ a - a_c), with g the upstream gradient times the step's weight.
  void backward(int64_t row, const SavedRow& saved, double upstream, T* dx) const {
    const T* x = input + row * classes;
    const int32_t y = target[row];
    const double g = upstream * step_weight_of(row), at_label = (1 - loss.label_smoothing) * weight_of(y),
                 everywhere = smoothing();
    exp_row(x, static_cast<T>(saved.largest), dx, classes);
    const T factor = static_cast<T>(g * (at_label + everywhere * weight_sum) * std::exp(-saved.log_sum));
    scale_row(dx, factor, classes);
    if (loss.label_smoothing > 0) {
      for (int64_t c = 0; c < classes; ++c) dx[c] -= static_cast<T>(g * everywhere * weight_of(c));
    }
    dx[y] -= static_cast<T>(g * at_label);
  }
};

template <class T>
Status check_labels(const Rows<T>& rows) {
  FirstWrong wrong;
  for_runs(rows.loss.steps, 0, rows.rows, [&](int64_t from, int64_t to, bool real) {
    for (int64_t row = from; real && row < to; ++row) {
      if (!rows.ignored(row) && (rows.target[row] < 0 || rows.target[row] >= rows.classes)) wrong.at(row);
    }
  });
  if (!wrong.any()) return Status::ok();
  return in_words({.code = DataFault::kLabel,
                   .value = rows.target[wrong.item()],
                   .place = wrong.item(),
                   .greatest = rows.classes - 1,
                   .except = rows.loss.ignore_index});
}

template <class T>
Status forward(const Rows<T>& rows, const View& result, const View& saved) {
  const Status status = check_labels(rows);
  if (!status.is_ok()) return status;
  SavedRow* const kept = reinterpret_cast<SavedRow*>(saved.as<double>());
  parallel_for(rows.rows, row_grain(rows.classes), [&](int64_t begin, int64_t end) {
    for_runs(rows.loss.steps, begin, end, [&](int64_t from, int64_t to, bool real) {
      for (int64_t row = from; row < to; ++row)
        kept[row] = real && !rows.ignored(row) ? rows.forward(row) : SavedRow{0, 0, 0};
    });
  });
  double sum = 0, weights = 0;
  for_runs(rows.loss.steps, 0, rows.rows, [&](int64_t from, int64_t to, bool real) {
    for (int64_t row = from; real && row < to; ++row) {
      if (rows.ignored(row)) continue;
      sum += kept[row].loss;
      weights += rows.weight_of(rows.target[row]) * rows.step_weight_of(row);
    }
  });
  saved.as<double>()[3 * rows.rows] = weights;
  saved.as<double>()[3 * rows.rows + 1] = sum;
  if (!rows.loss.reduce) {
    for (int64_t row = 0; row < rows.rows; ++row) result.as<T>()[row] = static_cast<T>(kept[row].loss);
    return Status::ok();
  }
  const bool nothing = rows.loss.mean && weights == 0;
  if (nothing && !rows.loss.lenient) {
    return in_words({.code = DataFault::kNothingCounts, .value = rows.rows});
  }
  *result.as<T>() = static_cast<T>(nothing ? 0 : rows.loss.mean ? sum / weights : sum);
  return Status::ok();
}

template <class T>
void backward(const Rows<T>& rows, const View& saved, const View& dresult, T* dinput) {
  const SavedRow* const kept = reinterpret_cast<const SavedRow*>(saved.as<double>());
  const T* dy = dresult.as<T>();
  const double divisor = rows.loss.mean ? saved.as<double>()[3 * rows.rows] : 1.0;
  const double common = rows.loss.reduce && divisor != 0 ? *dy / divisor : 0;  // a mean over nothing has no gradient
  parallel_for(rows.rows, row_grain(rows.classes), [&](int64_t begin, int64_t end) {
    for_runs(rows.loss.steps, begin, end, [&](int64_t from, int64_t to, bool real) {
      for (int64_t row = from; row < to; ++row) {
        T* dx = dinput + row * rows.classes;
        if (real && !rows.ignored(row))
          rows.backward(row, kept[row], rows.loss.reduce ? common : static_cast<double>(dy[row]), dx);
        else std::fill(dx, dx + rows.classes, T(0));
      }
    });
  });
}

}  // namespace

Status cpu_cross_entropy(const CrossEntropyLoss& loss, const View& input, const View& target, const View& class_weight,
                         const View& step_weight, const View& result, const View& saved) {
  return dispatch_floating(input.dtype, [&](auto zero) {
    return forward(Rows<decltype(zero)>(loss, input, target, class_weight, step_weight), result, saved);
  });
}

Status cpu_cross_entropy_backward(const CrossEntropyLoss& loss, const View& input, const View& target,
                                  const View& class_weight, const View& step_weight, const View& saved,
                                  const View& dresult, const View& dinput) {
  return dispatch_floating(input.dtype, [&](auto zero) {
    using T = decltype(zero);
    backward(Rows<T>(loss, input, target, class_weight, step_weight), saved, dresult, dinput.as<T>());
    return Status::ok();
  });
}

}  // namespace stm
