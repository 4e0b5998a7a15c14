#include "backend/cpu/normalization_columns.h"

#include <memory>
#include <new>

namespace stm {
namespace {

Status no_memory(int64_t numbers) {
  return Status::fail(
      StatusKind::OutOfMemory,
      {"could not get %lld bytes", static_cast<long long>(numbers * static_cast<int64_t>(sizeof(double)))},
      "free tensors");
}

/// Some doubles; null if memory has run out, since kernels must not throw.
std::unique_ptr<double[]> numbers(int64_t count) {
  return std::unique_ptr<double[]>(new (std::nothrow) double[static_cast<size_t>(count)]);
}

int64_t grain_of(int64_t columns) { return std::max<int64_t>(1, 8192 / std::max<int64_t>(1, columns)); }

/// y = a · x + b in real rows, column by column, 0 in the others; f(row, column) gives the value.
template <class T, class F>
void map_rows(int64_t rows, int64_t columns, const Padding& padding, T* y, F f) {
  parallel_for(rows, grain_of(columns), [&](int64_t begin, int64_t end) {
    for_runs(padding, begin, end, [&](int64_t from, int64_t to, bool real) {
      if (!real) {
        std::fill(y + from * columns, y + to * columns, T(0));
        return;
      }
      for (int64_t row = from; row < to; ++row)
        for (int64_t c = 0; c < columns; ++c) y[row * columns + c] = f(row * columns + c, c);
    });
  });
}

}  // namespace

template <class T>
Status cpu_batch_statistics(const View& x, const Padding& rows, const View& statistics) {
  const int64_t columns = x.last(), n = columns ? x.size() / columns : 0;
  const T* from = x.as<T>();
  double *mean = statistics.as<double>(), *variance = mean + columns;
  int64_t count = 0;
  for_runs(rows, 0, n, [&](int64_t begin, int64_t end, bool real) { count += real ? end - begin : 0; });
  column_sums(columns, n, rows, mean,
              [=](int64_t row, int64_t c) { return static_cast<double>(from[row * columns + c]); });
  for (int64_t c = 0; c < columns; ++c) mean[c] /= static_cast<double>(count);
  column_sums(columns, n, rows, variance, [=](int64_t row, int64_t c) {
    const double difference = from[row * columns + c] - mean[c];
    return difference * difference;
  });
  for (int64_t c = 0; c < columns; ++c) variance[c] /= static_cast<double>(count);
  return Status::ok();
}

template <class T>
Status cpu_batch_norm(const View& x, const BatchScale& scale, const View& weight, const View& bias, const Padding& rows,
                      const View& y) {
  const int64_t columns = x.last(), n = columns ? x.size() / columns : 0;
  const std::unique_ptr<double[]> memory = numbers(3 * columns);
  if (!memory) return no_memory(3 * columns);
  double *center = memory.get(), *factor = center + columns, *shift = factor + columns;
  for (int64_t c = 0; c < columns; ++c) {
    center[c] = scale.center(c);
    factor[c] = scale.rstd(c) * (weight.data ? static_cast<double>(weight.as<T>()[c]) : 1.0);
    shift[c] = bias.data ? static_cast<double>(bias.as<T>()[c]) : 0.0;
  }
  const T* from = x.as<T>();
  map_rows(n, columns, rows, y.as<T>(),
           [=](int64_t i, int64_t c) { return static_cast<T>((from[i] - center[c]) * factor[c] + shift[c]); });
  return Status::ok();
}

// With x̂ = (x - mean) · rstd and n real rows, dx = weight · rstd · (dy - Σdy / n - x̂ · Σ(dy · x̂) / n); the sums fall
// away where the statistics are constants.
template <class T>
Status cpu_batch_norm_backward(const View& x, const BatchScale& scale, const View& weight, int64_t count,
                               const Padding& rows, const View& dy, const BatchGradients& gradients) {
  const int64_t columns = x.last(), n = columns ? x.size() / columns : 0;
  const std::unique_ptr<double[]> memory = numbers(5 * columns);
  if (!memory) return no_memory(5 * columns);
  double *center = memory.get(), *rstd = center + columns, *factor = rstd + columns, *sum = factor + columns,
         *product = sum + columns;
  for (int64_t c = 0; c < columns; ++c) {
    center[c] = scale.center(c);
    rstd[c] = scale.rstd(c);
    factor[c] = rstd[c] * (weight.data ? static_cast<double>(weight.as<T>()[c]) : 1.0);
  }
  const T *from = x.as<T>(), *grad = dy.as<T>();
  column_sums(columns, n, rows, sum,
              [=](int64_t row, int64_t c) { return static_cast<double>(grad[row * columns + c]); });
  column_sums(columns, n, rows, product, [=](int64_t row, int64_t c) {
    return grad[row * columns + c] * (from[row * columns + c] - center[c]) * rstd[c];
  });
  for (int64_t c = 0; c < columns; ++c) {
    if (gradients.dbias.data) gradients.dbias.as<T>()[c] = static_cast<T>(sum[c]);
    if (gradients.dweight.data) gradients.dweight.as<T>()[c] = static_cast<T>(product[c]);
    sum[c] = count ? sum[c] / static_cast<double>(count) : 0;
    product[c] = count ? product[c] / static_cast<double>(count) : 0;
  }
  if (gradients.dx.data)
    map_rows(n, columns, rows, gradients.dx.as<T>(), [=](int64_t i, int64_t c) {
      return static_cast<T>(factor[c] * (grad[i] - sum[c] - (from[i] - center[c]) * rstd[c] * product[c]));
    });
  return Status::ok();
}

#define STM_INSTANTIATE(T)                                                                                         \
  template Status cpu_batch_statistics<T>(const View&, const Padding&, const View&);                               \
  template Status cpu_batch_norm<T>(const View&, const BatchScale&, const View&, const View&, const Padding&,      \
                                    const View&);                                                                  \
  template Status cpu_batch_norm_backward<T>(const View&, const BatchScale&, const View&, int64_t, const Padding&, \
                                             const View&, const BatchGradients&);
STM_INSTANTIATE(float)
STM_INSTANTIATE(double)
#undef STM_INSTANTIATE

}  // namespace stm
