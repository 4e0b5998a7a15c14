#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "backend/cpu/backend.h"
#include "backend/data_fault.h"
#include "backend/cpu/gemm.h"
#include "backend/cpu/stopping.h"
#include "backend/dispatch.h"
#include "backend/cpu/team.h"
#include "backend/draws.h"

namespace stm {
namespace {

constexpr int64_t kGrain = 8'192;

/// Fills `n` elements: `make(block, T numbers[kPerBlock])` makes those of one block, `put(i, number)` takes them. Parts
/// start at whole blocks.
template <class T, class Make, class Put>
void for_numbers(PhiloxStream given, int64_t n, const Make& make, const Put& put) {
  const PhiloxStream stream = resolved(given);
  constexpr int64_t per_block = kPerBlock<T>;
  parallel_for((n + per_block - 1) / per_block, kGrain / per_block, [&](int64_t begin, int64_t end) {
    T numbers[per_block];
    for (int64_t block = begin; block < end; ++block) {
      make(philox_block(stream, static_cast<uint64_t>(block)), numbers);
      const int64_t first = block * per_block, count = std::min(per_block, n - first);
      for (int64_t i = 0; i < count; ++i) put(first + i, numbers[i]);
    }
  });
}

double dot(const double* a, const double* b, int64_t length) {
  double sum[4] = {};
  int64_t i = 0;
  for (; i + 4 <= length; i += 4)
    for (int lane = 0; lane < 4; ++lane) sum[lane] += a[i + lane] * b[i + lane];
  for (; i < length; ++i) sum[0] += a[i] * b[i];
  return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

/// Makes the rows [count, length] orthonormal, block by block, by Gram and Schmidt's method: a block loses its part
/// along all rows before it (two products), then its rows one by one that along the block's rows before them. Twice,
/// since the first time rounding leaves something. On one thread, so that the result does not depend on how many there
/// are.
void orthonormalize(std::vector<double>& rows, int64_t count, int64_t length) {
  constexpr int64_t kBlock = 32;
  std::vector<double> overlap(static_cast<size_t>(kBlock * count));
  for (int64_t first = 0; first < count; first += kBlock) {
    const int64_t size = std::min(kBlock, count - first);
    double* block = &rows[static_cast<size_t>(first * length)];
    for (int pass = 0; pass < 2 && first > 0; ++pass) {
      gemm_serial<double>(
          {false, true, size, first, length, block, length, rows.data(), length, false, overlap.data(), first});
      for (int64_t i = 0; i < size * first; ++i) overlap[static_cast<size_t>(i)] *= -1;
      gemm_serial<double>(
          {false, false, size, length, first, overlap.data(), first, rows.data(), length, true, block, length});
    }
    for (int64_t k = 0; k < size; ++k) {
      stop_point();
      double* row = block + k * length;
      for (int64_t j = 0; j < 2 * k; ++j) {
        const double* other = block + j % k * length;
        const double part = dot(row, other, length);
        for (int64_t i = 0; i < length; ++i) row[i] -= part * other[i];
      }
      const double scale = 1 / std::sqrt(dot(row, row, length));
      for (int64_t i = 0; i < length; ++i) row[i] *= scale;
    }
  }
}

class CpuRandom final : public RandomKernels {
 public:
  Status uniform(PhiloxStream stream, double low, double high, const View& out) noexcept override {
    return dispatch_floating(out.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* y = out.as<T>();
      const Interval<T> interval(low, high);
      for_numbers<T>(stream, out.size(), uniforms<T>, [=](int64_t i, T u) { y[i] = interval.at(u); });
      return Status::ok();
    });
  }

  Status normal(PhiloxStream stream, double mean, double std, const View& out) noexcept override {
    return dispatch_floating(out.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* y = out.as<T>();
      const T center = static_cast<T>(mean), width = static_cast<T>(std);
      for_numbers<T>(stream, out.size(), normals<T>, [=](int64_t i, T z) { y[i] = center + width * z; });
      return Status::ok();
    });
  }

  Status integers(PhiloxStream stream, int32_t low, uint32_t range, const View& out) noexcept override {
    int32_t* y = out.as<int32_t>();
    const auto make = [=](const PhiloxBlock& block, int32_t* numbers) { integers_below(block, low, range, numbers); };
    for_numbers<int32_t>(stream, out.size(), make, [=](int64_t i, int32_t number) { y[i] = number; });
    return Status::ok();
  }

  Status bernoulli(PhiloxStream stream, const View& p, const View& out) noexcept override {
    return dispatch_floating(out.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* probability = p.as<T>();
      T* y = out.as<T>();
      const int64_t n = out.size();
      int64_t wrong = n;
      stoppable([&] {
        in_blocks(0, n, int64_t{1} << 18, [&](int64_t begin, int64_t end) {
          const auto bad = [](T p) { return !(p >= 0 && p <= 1); };
          if (const T* const found = std::find_if(probability + begin, probability + end, bad);
              found != probability + end)
            wrong = std::min<int64_t>(wrong, found - probability);
        });
      });
      if (wrong < n) {
        return in_words(
            {.code = DataFault::kProbability, .place = wrong, .number = static_cast<double>(probability[wrong])});
      }
      for_numbers<T>(stream, n, uniforms<T>, [=](int64_t i, T u) { y[i] = u < probability[i] ? T(1) : T(0); });
      return Status::ok();
    });
  }

  Status check_weights(const View& weights, const View& possible, int64_t least, const View& out) noexcept override {
    return dispatch_floating(out.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* weight = weights.as<T>();
      const int32_t* above = possible.as<int32_t>();
      const int64_t n = out.size(), rows = possible.size();
      int64_t wrong = n;
      stoppable([&] {
        in_blocks(0, n, int64_t{1} << 18, [&](int64_t begin, int64_t end) {
          const auto bad = [](T w) { return !(w >= 0 && w <= std::numeric_limits<T>::max()); };
          if (const T* const found = std::find_if(weight + begin, weight + end, bad); found != weight + end)
            wrong = std::min<int64_t>(wrong, found - weight);
          std::copy(weight + begin, weight + end, out.as<T>() + begin);
        });
      });
      if (wrong < n)
        return in_words({.code = DataFault::kWeight, .place = wrong, .number = static_cast<double>(weight[wrong])});
      const int32_t* const few = std::find_if(above, above + rows, [=](int32_t count) { return count < least; });
      if (few == above + rows) return Status::ok();
      return in_words({.code = DataFault::kTooFewWeights, .value = *few, .sequence = few - above, .greatest = least});
    });
  }

  Status dropout(PhiloxStream stream, double p, const View& x, const View& out) noexcept override {
    return dispatch_floating(out.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* from = x.as<T>();
      T* y = out.as<T>();
      // Multiplying takes half the time of a branch that nothing can predict.
      const T bound = static_cast<T>(p), scale = static_cast<T>(1 / (1 - p));
      for_numbers<T>(stream, out.size(), uniforms<T>,
                     [=](int64_t i, T u) { y[i] = from[i] * (scale * static_cast<T>(u >= bound)); });
      return Status::ok();
    });
  }

  Status orthogonal(PhiloxStream stream, double gain, int64_t rows, int64_t columns,
                    const View& out) noexcept override {
    const bool tall = rows > columns;
    const int64_t count = tall ? columns : rows, length = tall ? rows : columns;
    return guarded_until_stopped([&] {
      std::vector<double> basis(static_cast<size_t>(rows * columns));
      for_numbers<double>(stream, rows * columns, normals<double>, [&](int64_t i, double z) { basis[i] = z; });
      orthonormalize(basis, count, length);
      return dispatch_floating(out.dtype, [&](auto zero) {
        using T = decltype(zero);
        T* y = out.as<T>();
        for (int64_t i = 0; i < rows; ++i)
          for (int64_t j = 0; j < columns; ++j)
            y[i * columns + j] = static_cast<T>(gain * (tall ? basis[j * length + i] : basis[i * length + j]));
        return Status::ok();
      });
    });
  }
};

}  // namespace

RandomKernels& cpu_random() noexcept {
  static CpuRandom kernels;
  return kernels;
}

}  // namespace stm
