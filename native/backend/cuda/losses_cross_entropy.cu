#include <cmath>
#include <limits>

#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/kernel/packs.h"
#include "backend/cuda/kernel/padding.h"
#include "backend/cuda/losses.h"
#include "backend/dispatch.h"

namespace stm::cuda {
namespace {

constexpr int64_t kNarrow = 32;         ///< up to so many classes, a row is the work of one thread
constexpr int64_t kRowsOfPart = 64;     ///< of narrow rows: one a thread
constexpr int64_t kWidestParts = 2048;  ///< of wide rows
constexpr int64_t kSegment = 4096;      ///< classes of one row that a block takes in the backward pass
constexpr int64_t kOfThread = 4;        ///< classes of a wide row that a thread has at least
constexpr int64_t kFlat = 128;          ///< up to so many classes, the backward pass takes the elements one by one

/// Σ e^(x - largest) of the elements seen so far.
template <class T>
struct ExpSum {
  T largest;
  double sum;

  static STM_DEVICE ExpSum none() { return {-std::numeric_limits<T>::infinity(), 0}; }
  static STM_DEVICE ExpSum of(T x) {
    const T infinity = std::numeric_limits<T>::infinity();
    return {x, x == -infinity ? 0 : x == infinity ? std::numeric_limits<double>::quiet_NaN() : 1};
  }
  static STM_DEVICE ExpSum join(const ExpSum& a, const ExpSum& b) {
    const bool b_larger = b.largest > a.largest ||
                          a.largest != a.largest;  // a NaN goes into the sum, and is not the largest beside a number
    const T largest = b_larger ? b.largest : a.largest, other = b_larger ? a.largest : b.largest;
    const double more = b_larger ? b.sum : a.sum, less = b_larger ? a.sum : b.sum;
    return {largest, less == 0 ? more : more + less * static_cast<double>(std::exp(other - largest))};
  }
};

/// Two sums: of losses, and of their weights.
struct Sums {
  double value, weight;
  static STM_DEVICE Sums join(const Sums& a, const Sums& b) { return {a.value + b.value, a.weight + b.weight}; }
};

/// The operands. With label smoothing s over C classes, weights w and label y, the loss is Σ a_c · -log p_c with a_c =
/// (1 - s) · w_y at c = y, plus s / C · w_c everywhere; all times the step's weight.
template <class T>
struct Rows {
  const T* input;
  const int32_t* target;
  const T *class_weight, *step_weight;
  int64_t rows, classes, ignore_index;
  double smoothing;
  DevicePadding steps;
  DeviceFault* fault;
  int32_t op;

  STM_DEVICE bool counts(int64_t row) const { return steps.is_real(row) && target[row] != ignore_index; }
  STM_DEVICE bool has_label(int64_t row) const { return target[row] >= 0 && target[row] < classes; }
  STM_DEVICE void report(int64_t row) const {
    report_fault(fault, op,
                 {.code = DataFault::kLabel,
                  .value = target[row],
                  .place = row,
                  .greatest = classes - 1,
                  .except = ignore_index});
  }
  STM_DEVICE T weight_of(int64_t c) const { return class_weight ? class_weight[c] : T(1); }
  STM_DEVICE T step_weight_of(int64_t row) const { return step_weight ? step_weight[row] : T(1); }
};

/// Σ of all parts: the result, if there is to be one number, and the sums of the weights and of the losses.
template <class T>
struct Total {
  const Sums* parts;
  int64_t count, rows;
  double* sums_out;  ///< weights, losses
  T* result;         ///< null if each row has its own
  bool mean, lenient;
  DeviceFault* fault;
  int32_t op;
  STM_DEVICE void operator()(Block& block, int64_t) const {
    const Sums sums = block.reduce(
        count, Sums{0, 0}, [&](int64_t i) { return parts[i]; }, Sums::join);
    block.once([&] {
      sums_out[0] = sums.weight;
      sums_out[1] = sums.value;
      if (!result) return;
      const bool nothing = mean && sums.weight == 0;
      if (nothing && !lenient) report_fault(fault, op, {.code = DataFault::kNothingCounts, .value = rows});
      const T of_nothing = lenient ? T(0) : std::numeric_limits<T>::quiet_NaN();
      *result = nothing ? of_nothing : static_cast<T>(mean ? sums.value / sums.weight : sums.value);
    });
  }
};

/// Losses of the rows, and their sums by parts.
template <class T>
struct Forward {
  Rows<T> rows;
  T* result;      ///< of each row; null if there is to be one number
  double* saved;  ///< three numbers a row
  Sums* parts;
  int64_t rows_of_part;
  Total<T> total;

  STM_DEVICE void operator()(Block& block, int64_t part) const {
    const int64_t first = part * rows_of_part, rest = rows.rows - first, n = rest < rows_of_part ? rest : rows_of_part;
    if (rows.classes <= kNarrow) {
      const auto of_row = [&](int64_t i) {
        Alone alone;
        Sums sums{0, 0};
        walk(alone, first + i, sums);
        return sums;
      };
      const Sums sums = block.reduce(n, Sums{0, 0}, of_row, Sums::join);
      block.once([&] { parts[part] = sums; });
    } else {
      block.once([&] { parts[part] = {0, 0}; });
      for (int64_t row = first; row < first + n; ++row) walk(block, row, parts[part]);
    }
    if (total.count == 1) total(block, 0);
  }

 private:
  /// Adds the row's loss and weight to `sums`.
  template <class Team>
  STM_DEVICE void walk(Team& team, int64_t row, Sums& sums) const {
    if (!rows.counts(row)) return team.once([&] { keep(row, 0, 0, 0); });
    constexpr int W = kPackWidth<T>;
    const T* x = rows.input + row * rows.classes;
    const bool packed = lie_in_packs<W>(x);
    const auto exp_sum = [&](auto width, int64_t c) {
      constexpr int kSome = decltype(width)::value;
      const Pack<T, kSome> pack = load_pack<kSome>(x + c, packed);
      return join_pairs<kSome>([&](int k) { return ExpSum<T>::of(pack.item[k]); }, ExpSum<T>::join);
    };
    const ExpSum<T> exps = reduce_packs<W>(team, rows.classes, ExpSum<T>::none(), exp_sum, ExpSum<T>::join);
    const double largest = static_cast<double>(exps.largest);
    const double log_sum =
        exps.sum == 0 ? std::numeric_limits<double>::quiet_NaN() : std::log(exps.sum);  // 0: all are -infinity
    double smooth = 0;                                                                  // Σ w_c · -log p_c
    if (rows.smoothing > 0) {
      const auto plus = [](double a, double b) { return a + b; };
      const auto part = [&](auto width, int64_t c) {
        constexpr int kSome = decltype(width)::value;
        const Pack<T, kSome> pack = load_pack<kSome>(x + c, packed);
        return join_pairs<kSome>(
            [&](int k) {
              return static_cast<double>(rows.weight_of(c + k)) *
                     (log_sum - (static_cast<double>(pack.item[k]) - largest));
            },
            plus);
      };
      smooth = reduce_packs<W>(team, rows.classes, 0.0, part, plus);
    }
    team.once([&] { sums = Sums::join(sums, finish(row, x, largest, log_sum, smooth)); });
  }

  STM_DEVICE Sums finish(int64_t row, const T* x, double largest, double log_sum, double smooth) const {
    const double nothing = std::numeric_limits<double>::quiet_NaN();
    if (!rows.has_label(row)) {
      rows.report(row);
      keep(row, nothing, nothing, nothing);
      return {nothing, nothing};
    }
    const int32_t y = rows.target[row];
    const double weight = static_cast<double>(rows.weight_of(y)),
                 step_weight = static_cast<double>(rows.step_weight_of(row));
    double loss = (1 - rows.smoothing) * weight * (log_sum - (static_cast<double>(x[y]) - largest));
    if (rows.smoothing > 0) loss += rows.smoothing / static_cast<double>(rows.classes) * smooth;
    keep(row, largest, log_sum, loss * step_weight);
    return {loss * step_weight, weight * step_weight};
  }

  STM_DEVICE void keep(int64_t row, double largest, double log_sum, double loss) const {
    saved[3 * row] = largest;
    saved[3 * row + 1] = log_sum;
    saved[3 * row + 2] = loss;
    if (result) result[row] = static_cast<T>(loss);
  }
};

/// Σ w_c.
template <class T>
struct WeightSum {
  const T* weights;
  double* out;
  int64_t classes;
  STM_DEVICE void operator()(Block& block, int64_t) const {
    const double sum = block.sum(classes, [&](int64_t c) { return static_cast<double>(weights[c]); });
    block.once([&] { *out = sum; });
  }
};

/// dx_c = g · (p_c · Σ a - a_c), with g the upstream gradient times the step's weight.
template <class T>
struct Backward {
  Rows<T> rows;
  const double* saved;
  const T* dresult;
  bool reduce, mean;
  const double* weight_sum;  ///< Σ w_c; null if it is the number of classes
  T* dinput;

  /// Element by element.
  STM_DEVICE void operator()(int64_t i) const {
    const int64_t row = quotient(i, rows.classes);
    dinput[i] = at(factors_of(row), i - row * rows.classes, rows.input[i]);
  }
  /// A segment of a row.
  STM_DEVICE void operator()(Block& block, int64_t part) const {
    constexpr int W = kPackWidth<T>;
    const int64_t segments = segments_of(rows.classes), row = quotient(part, segments),
                  first = (part - row * segments) * kSegment;
    const Factors factors = factors_of(row);
    const T* const x = rows.input + row * rows.classes + first;
    T* const dx = dinput + row * rows.classes + first;
    const int64_t rest = rows.classes - first;
    each_pack<W>(block, rest < kSegment ? rest : kSegment, lie_in_packs<W>(x, dx), [&](auto width, int64_t i) {
      constexpr int kSome = decltype(width)::value;
      Pack<T, kSome> pack = *pack_at<kSome>(x + i);
      STM_UNROLL
      for (int k = 0; k < kSome; ++k) pack.item[k] = at(factors, first + i + k, pack.item[k]);
      *pack_at<kSome>(dx + i) = pack;
    });
  }
  static STM_DEVICE int64_t segments_of(int64_t classes) { return (classes + kSegment - 1) / kSegment; }

 private:
  /// dx_c = common · e^(x_c - largest) - everywhere · w_c, less at_label at the label.
  struct Factors {
    T largest, common, everywhere, at_label;
    int64_t label;
  };
  STM_DEVICE Factors factors_of(int64_t row) const {
    if (!rows.counts(row)) return {0, 0, 0, 0, kNoLabel};
    if (!rows.has_label(row)) {
      rows.report(row);
      return {0, std::numeric_limits<T>::quiet_NaN(), 0, 0, kNoLabel};
    }
    const int64_t label = rows.target[row];
    const T divisor = reduce && mean ? static_cast<T>(saved[3 * rows.rows]) : T(1);
    const T upstream =
        divisor == T(0) ? T(0) : (reduce ? *dresult : dresult[row]) / divisor;  // a mean over nothing has no gradient
    const T g = upstream * rows.step_weight_of(row),
            everywhere = static_cast<T>(rows.smoothing) / static_cast<T>(rows.classes);
    const T at_label = static_cast<T>(1 - rows.smoothing) * rows.weight_of(label);
    const T all = at_label + everywhere * (weight_sum ? static_cast<T>(*weight_sum) : static_cast<T>(rows.classes));
    return {static_cast<T>(saved[3 * row]), g * all * std::exp(-static_cast<T>(saved[3 * row + 1])), g * everywhere,
            g * at_label, label};
  }
  STM_DEVICE T at(const Factors& factors, int64_t c, T x) const {
    if (factors.label == kNoLabel) return factors.common;
    T dx = factors.common * std::exp(x - factors.largest);
    if (rows.smoothing > 0) dx -= factors.everywhere * rows.weight_of(c);
    return c == factors.label ? dx - factors.at_label : dx;
  }
  static constexpr int64_t kNoLabel = -1;
};

template <class T>
Status send_rows(Context& context, const CrossEntropyLoss& loss, const View& input, const View& target,
                 const View& class_weight, const View& step_weight, Rows<T>* out) {
  *out = {input.as<T>(),
          target.as<int32_t>(),
          class_weight.as<T>(),
          step_weight.as<T>(),
          target.size(),
          input.last(),
          loss.ignore_index,
          loss.label_smoothing,
          {},
          context.fault,
          context.op};
  return send_padding(context, loss.steps, target.size(), &out->steps);
}

template <class T>
Status forward(Context& context, const CrossEntropyLoss& loss, const Rows<T>& rows, const View& result,
               const View& saved) {
  const bool narrow = rows.classes <= kNarrow;
  const int64_t rows_of_part = narrow ? kRowsOfPart : (rows.rows + kWidestParts - 1) / kWidestParts;
  const int64_t count =
      rows.rows > 0 ? (rows.rows + rows_of_part - 1) / rows_of_part : 1;  // without rows, a part that has none
  void* parts = nullptr;
  STM_TRY(context.scratch(Context::kPartials, static_cast<size_t>(count) * sizeof(Sums), &parts));
  const Total<T> total{static_cast<Sums*>(parts),
                       count,
                       rows.rows,
                       saved.as<double>() + 3 * rows.rows,
                       loss.reduce ? result.as<T>() : nullptr,
                       loss.mean,
                       loss.lenient,
                       context.fault,
                       context.op};
  const Forward<T> kernel{
      rows, loss.reduce ? nullptr : result.as<T>(), saved.as<double>(), static_cast<Sums*>(parts), rows_of_part, total};
  STM_TRY(launch_blocks(context, "cross_entropy", count, narrow ? kRowsOfPart : rows.classes / kOfThread, kernel));
  return count == 1 ? Status::ok() : launch_blocks(context, "cross_entropy_total", 1, count, total);
}

template <class T>
Status backward(Context& context, const CrossEntropyLoss& loss, const Rows<T>& rows, const View& saved,
                const View& dresult, const View& dinput) {
  void* weight_sum = nullptr;
  if (rows.class_weight && rows.smoothing > 0) {
    STM_TRY(context.scratch(Context::kOther, sizeof(double), &weight_sum));
    STM_TRY(launch_blocks(context, "cross_entropy_weights", 1, rows.classes,
                          WeightSum<T>{rows.class_weight, static_cast<double*>(weight_sum), rows.classes}));
  }
  const Backward<T> kernel{rows,          saved.as<double>(), dresult.as<T>(),
                           loss.reduce,   loss.mean,          static_cast<double*>(weight_sum),
                           dinput.as<T>()};
  if (rows.classes <= kFlat) return launch_each(context, "cross_entropy_gradients", rows.rows * rows.classes, kernel);
  const int64_t segments = Backward<T>::segments_of(rows.classes);
  return launch_blocks(context, "cross_entropy_gradients", rows.rows * segments,
                       std::min(rows.classes, kSegment) / kOfThread, kernel);
}

}  // namespace

Status CudaLosses::cross_entropy(const CrossEntropyLoss& loss, const View& input, const View& target,
                                 const View& class_weight, const View& step_weight, const View& result,
                                 const View& saved) noexcept {
  return dispatch_floating(input.dtype, [&](auto zero) {
    Rows<decltype(zero)> rows;
    STM_TRY(send_rows(context_, loss, input, target, class_weight, step_weight, &rows));
    return forward(context_, loss, rows, result, saved);
  });
}

Status CudaLosses::cross_entropy_backward(const CrossEntropyLoss& loss, const View& input, const View& target,
                                          const View& class_weight, const View& step_weight, const View& saved,
                                          const View& dresult, const View& dinput) noexcept {
  return dispatch_floating(input.dtype, [&](auto zero) {
    Rows<decltype(zero)> rows;
    STM_TRY(send_rows(context_, loss, input, target, class_weight, step_weight, &rows));
    return backward(context_, loss, rows, saved, dresult, dinput);
  });
}

}  // namespace stm::cuda
