#pragma once
#include <algorithm>
#include <cmath>

#include "backend/cpu/team.h"
#include "backend/kernels/normalization.h"

namespace stm {

constexpr int64_t kColumnBlock =
    64;  // columns summed together: their double accumulators stay in the first-level cache
constexpr int64_t kRowsBetweenStops = 4096;

/// sums[c] = Σ f(row, c) over the real rows, in double and in row order, whatever the number of threads.
template <class T, class F>
void column_sums(int64_t columns, int64_t rows, const Padding& padding, T* sums, F f) {
  const int64_t blocks = (columns + kColumnBlock - 1) / kColumnBlock;
  const auto sum_block = [&](int64_t block) {
    const int64_t first = block * kColumnBlock, count = std::min(kColumnBlock, columns - first);
    double total[kColumnBlock] = {};
    for_runs(padding, 0, rows, [&](int64_t from, int64_t to, bool real) {
      for (int64_t row = from; real && row < to; ++row) {
        if (row % kRowsBetweenStops == 0) stop_point();
        for (int64_t c = 0; c < count; ++c) total[c] += f(row, first + c);
      }
    });
    for (int64_t c = 0; c < count; ++c) sums[first + c] = static_cast<T>(total[c]);
  };
  const auto sum_blocks = [&](int64_t begin, int64_t end) {
    for (int64_t block = begin; block < end; ++block) sum_block(block);
  };
  if (rows * columns < 32'768) return stoppable([&] { sum_blocks(0, blocks); });
  parallel_for(blocks, 1, sum_blocks);
}

/// What a batch is normalised with, column by column.
struct BatchScale {
  const View& mean;
  const View& variance;
  double epsilon;
  double center(int64_t column) const { return at(mean, column); }
  double rstd(int64_t column) const { return 1 / std::sqrt(at(variance, column) + epsilon); }

 private:
  static double at(const View& values, int64_t i) {
    return values.dtype == DType::F64 ? values.as<double>()[i] : static_cast<double>(values.as<float>()[i]);
  }
};

/// Where gradients go; each may be absent.
struct BatchGradients {
  const View &dx, &dweight, &dbias;
};

template <class T>
Status cpu_batch_statistics(const View& x, const Padding& rows, const View& statistics);
template <class T>
Status cpu_batch_norm(const View& x, const BatchScale& scale, const View& weight, const View& bias, const Padding& rows,
                      const View& y);
/// `count`: real rows if the statistics are those of x, else 0.
template <class T>
Status cpu_batch_norm_backward(const View& x, const BatchScale& scale, const View& weight, int64_t count,
                               const Padding& rows, const View& dy, const BatchGradients& gradients);

}  // namespace stm
