#include "backend/cuda/kernel/columns.h"
#include "backend/cuda/normalization.h"
#include "backend/dispatch.h"

namespace stm::cuda {
namespace {

/// A vector of statistics, F64 or as the data.
struct Column {
  const void* data;
  bool wide;
  explicit Column(const View& view) : data(view.data), wide(view.dtype == DType::F64) {}
  STM_DEVICE double at(int64_t i) const {
    return wide ? static_cast<const double*>(data)[i] : static_cast<double>(static_cast<const float*>(data)[i]);
  }
};

/// What a batch is normalised with, column by column.
template <class T>
struct BatchScale {
  Column mean, variance;
  const T* weight;
  double epsilon;
  STM_DEVICE double center(int64_t column) const { return mean.at(column); }
  STM_DEVICE double rstd(int64_t column) const { return 1 / std::sqrt(variance.at(column) + epsilon); }
  STM_DEVICE double factor(int64_t column) const {
    return rstd(column) * (weight ? static_cast<double>(weight[column]) : 1.0);
  }
};

// ---- statistics

/// Of some numbers: how many, their mean, and the sum of the squares of their distances from it.
struct Moments {
  double count, mean, squares;
};

/// Each lane measures from its first number, so that squares lose no digits to a large mean.
template <class T>
struct LaneMoments {
  const T* x;
  ColumnWalk walk;
  Moments* parts;
  STM_DEVICE void operator()(int64_t thread) const {
    double count = 0, origin = 0, sum = 0, squares = 0;
    walk.each(thread, [&](int64_t at, int64_t, bool real) {
      if (!real) return;
      const double value = x[at];
      if (count == 0 && value - value == 0) origin = value;  // finite
      const double distance = value - origin;
      count += 1;
      sum += distance;
      squares += distance * distance;
    });
    const double shift = count > 0 ? sum / count : 0;
    parts[thread] = {count, origin + shift, squares - sum * shift};
  }
};

/// The parts of a column together (Chan, Golub and LeVeque, 1979).
struct JoinMoments {
  const Moments* parts;
  double* statistics;
  int64_t columns, lanes;
  double count;
  STM_DEVICE void operator()(Block& block, int64_t column) const {
    const auto part = [&](int64_t lane) -> const Moments& { return parts[lane * columns + column]; };
    const double mean = block.sum(lanes, [&](int64_t lane) { return part(lane).count * part(lane).mean; }) / count;
    const double squares = block.sum(lanes, [&](int64_t lane) {
      const Moments& lane_part = part(lane);
      const double distance = lane_part.mean - mean;
      return lane_part.squares + lane_part.count * distance * distance;
    });
    block.once([&] {
      statistics[column] = mean;
      statistics[columns + column] = squares / count;
    });
  }
};

template <class T>
struct UpdateRunning {
  const double* statistics;
  T *mean, *variance;
  int64_t columns;
  double momentum, unbias;
  const DeviceFault* fault;
  STM_DEVICE void operator()(int64_t c) const {
    if (fault->code != 0) return;
    mean[c] = static_cast<T>((1 - momentum) * mean[c] + momentum * statistics[c]);
    variance[c] = static_cast<T>((1 - momentum) * variance[c] + momentum * unbias * statistics[columns + c]);
  }
};

// ---- batch norm

template <class T>
struct BatchNorm {
  const T* x;
  BatchScale<T> scale;
  const T* bias;
  T* y;
  ColumnWalk walk;
  STM_DEVICE void operator()(int64_t thread) const {
    const int64_t column = walk.column_of(thread);
    const double center = scale.center(column), factor = scale.factor(column),
                 shift = bias ? static_cast<double>(bias[column]) : 0.0;
    walk.each(thread, [&](int64_t at, int64_t, bool real) {
      y[at] = real ? static_cast<T>((x[at] - center) * factor + shift) : T(0);
    });
  }
};

/// Of dweight and dbias.
template <class T>
struct BatchNormTerm {
  const T *x, *dy;
  BatchScale<T> scale;
  STM_DEVICE auto at_column(int64_t column) const {
    return [x = x, dy = dy, center = scale.center(column), rstd = scale.rstd(column)](int64_t at, int64_t) {
      const double grad = dy[at];
      return TwoSums{grad * (x[at] - center) * rstd, grad};
    };
  }
};

/// With x̂ = (x - mean) · rstd and n real rows, dx = weight · rstd · (dy - Σdy / n - x̂ · Σ(dy · x̂) / n); `means`
/// holds the two sums over n, if they count.
template <class T>
struct BatchNormGradient {
  const T *x, *dy;
  BatchScale<T> scale;
  const TwoSums* means;
  T* dx;
  ColumnWalk walk;
  STM_DEVICE void operator()(int64_t thread) const {
    const int64_t column = walk.column_of(thread);
    const double center = scale.center(column), rstd = scale.rstd(column), factor = scale.factor(column);
    const TwoSums mean = means ? means[column] : TwoSums{0, 0};
    walk.each(thread, [&](int64_t at, int64_t, bool real) {
      dx[at] = real ? static_cast<T>(factor * (dy[at] - mean.second - (x[at] - center) * rstd * mean.first)) : T(0);
    });
  }
};

/// Real rows among `rows`.
int64_t count_real(const Padding& padding, int64_t rows) {
  int64_t count = 0;
  for_runs(padding, 0, rows, [&](int64_t begin, int64_t end, bool real) { count += real ? end - begin : 0; });
  return count;
}

int64_t rows_of(const View& x) { return x.last() ? x.size() / x.last() : 0; }

}  // namespace

Status CudaNormalization::batch_statistics(const View& x, const Padding& rows, const View& statistics) noexcept {
  return dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = rows_of(x), columns = x.last();
    DevicePadding padding;
    STM_TRY(send_padding(context_, rows, n, &padding));
    const ColumnWalk walk = ColumnWalk::over(n, columns, 16, padding);
    void* memory = nullptr;
    STM_TRY(context_.scratch(Context::kPartials, static_cast<size_t>(walk.threads()) * sizeof(Moments), &memory));
    Moments* const parts = static_cast<Moments*>(memory);
    STM_TRY(launch_each(context_, "batch_statistics", walk.threads(), LaneMoments<T>{x.as<const T>(), walk, parts}));
    return launch_blocks(
        context_, "batch_statistics", columns, walk.lanes,
        JoinMoments{parts, statistics.as<double>(), columns, walk.lanes, static_cast<double>(count_real(rows, n))});
  });
}

Status CudaNormalization::update_running_statistics(const View& statistics, int64_t count, double momentum,
                                                    const View& running_mean, const View& running_variance) noexcept {
  return dispatch_floating(running_mean.dtype, [&](auto zero) {
    using T = decltype(zero);
    const double unbias = static_cast<double>(count) / static_cast<double>(count - 1);
    return launch_each(context_, "update_running_statistics", statistics.last(),
                       UpdateRunning<T>{statistics.as<const double>(), running_mean.as<T>(), running_variance.as<T>(),
                                        statistics.last(), momentum, unbias, context_.fault});
  });
}

Status CudaNormalization::batch_norm(const View& x, const View& mean, const View& variance, const View& weight,
                                     const View& bias, double epsilon, const Padding& rows, const View& y) noexcept {
  return dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = rows_of(x);
    DevicePadding padding;
    STM_TRY(send_padding(context_, rows, n, &padding));
    const ColumnWalk walk = ColumnWalk::over(n, x.last(), 4, padding);
    const BatchScale<T> scale{Column(mean), Column(variance), weight.as<const T>(), epsilon};
    return launch_each(context_, "batch_norm", walk.threads(),
                       BatchNorm<T>{x.as<const T>(), scale, bias.as<const T>(), y.as<T>(), walk});
  });
}

Status CudaNormalization::batch_norm_backward(const View& x, const View& mean, const View& variance, const View& weight,
                                              double epsilon, bool of_batch, int64_t count, const Padding& rows,
                                              const View& dy, const View& dx, const View& dweight,
                                              const View& dbias) noexcept {
  return dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = rows_of(x), columns = x.last();
    const T *const from = x.as<const T>(), *const grad = dy.as<const T>();
    const bool through = of_batch && count > 0;
    const BatchScale<T> scale{Column(mean), Column(variance), weight.as<const T>(), epsilon};
    DevicePadding padding;
    STM_TRY(send_padding(context_, rows, n, &padding));
    TwoSums* means = nullptr;
    if (dweight.data || dbias.data || (through && dx.data)) {
      const ColumnWalk walk = ColumnWalk::over(n, columns, 16, padding);
      void* memory = nullptr;
      STM_TRY(context_.scratch(Context::kPartials, static_cast<size_t>(walk.threads() + columns) * sizeof(TwoSums),
                               &memory));
      TwoSums* const parts = static_cast<TwoSums*>(memory);
      if (through) means = parts + walk.threads();
      STM_TRY(launch_each(context_, "batch_norm_columns", walk.threads(),
                          SumLanes<BatchNormTerm<T>>{{from, grad, scale}, walk, parts}));
      STM_TRY(launch_blocks(
          context_, "batch_norm_columns", columns, walk.lanes,
          SumParts<T>{parts, columns, walk.lanes, dweight.as<T>(), dbias.as<T>(), means, static_cast<double>(count)}));
    }
    if (!dx.data) return Status::ok();
    const ColumnWalk walk = ColumnWalk::over(n, columns, 4, padding);
    return launch_each(context_, "batch_norm_backward", walk.threads(),
                       BatchNormGradient<T>{from, grad, scale, means, dx.as<T>(), walk});
  });
}

}  // namespace stm::cuda
