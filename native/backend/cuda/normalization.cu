#include "backend/cuda/normalization.h"

#include <algorithm>
#include <limits>

#include "backend/cuda/kernel/columns.h"
#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/kernel/packs.h"
#include "backend/dispatch.h"

namespace stm::cuda {
namespace {

/// `Row` has `template <class Team> run(Team&, row)`, for a block or a thread alone.
template <class Row>
struct RowKernel : Row {
  STM_DEVICE void operator()(Block& block, int64_t row) const { this->run(block, row); }
  STM_DEVICE void operator()(int64_t row) const {
    Alone alone;
    this->run(alone, row);
  }
};

template <class Row>
Status launch_rows(Context& context, const char* name, int64_t rows, int64_t width, const Row& row) {
  if (width <= 16) return launch_each(context, name, rows, RowKernel<Row>{row});
  return launch_blocks(context, name, rows, (width + 3) / 4,
                       RowKernel<Row>{row});  // some elements for each thread: barriers cost more
}

struct Plus {
  template <class T>
  STM_DEVICE T operator()(const T& a, const T& b) const {
    return a + b;
  }
};

/// Σ f(width, first), each of `width` elements of type T.
template <class T, class Team, class F>
STM_DEVICE double sum_packs(Team& team, int64_t n, const F& f) {
  return reduce_packs<kPackWidth<T>>(team, n, 0.0, f, Plus{});
}

// ---- softmax

/// Rows of a mask with any strides.
struct MaskRows {
  const uint8_t* data = nullptr;
  int32_t rank = 0;  ///< axes but the last
  int64_t extent[kMaxRank] = {}, stride[kMaxRank] = {}, step = 1;

  explicit MaskRows(const View& mask) : data(mask.as<const uint8_t>()), rank(std::max(mask.rank - 1, 0)) {
    std::copy_n(mask.extent, rank, extent);
    std::copy_n(mask.stride, rank, stride);
    if (mask.rank > 0) step = mask.stride[rank];
  }
  STM_DEVICE const uint8_t* row(int64_t row) const {
    int64_t offset = 0;
    for (int32_t axis = rank - 1; axis >= 0; --axis) {
      const int64_t outer = quotient(row, extent[axis]);
      offset += (row - outer * extent[axis]) * stride[axis];
      row = outer;
    }
    return data + offset;
  }
};

template <class T>
struct SoftmaxRow {
  const T* x;
  T* y;
  int64_t n;
  bool logarithm;
  MaskRows mask;

  template <class Team>
  STM_DEVICE void run(Team& team, int64_t row) const {
    constexpr int W = kPackWidth<T>;
    const T* const from = x + row * n;
    T* const to = y + row * n;
    const uint8_t* const shows = mask.data ? mask.row(row) : nullptr;
    const int64_t step = mask.step;
    const bool packed = lie_in_packs<W>(from);
    const auto shown = [=](int64_t i) { return !shows || shows[i * step] != 0; };
    constexpr T kLeast = -std::numeric_limits<T>::infinity();
    // A NaN may be passed over here: the sum has it. A row without any element left has 0 everywhere.
    const auto larger = [](T a, T b) { return a > b ? a : b; };
    const auto largest = [=](auto width, int64_t i) {
      constexpr int kSome = decltype(width)::value;
      const Pack<T, kSome> pack = load_pack<kSome>(from + i, packed);
      return join_pairs<kSome>([&](int k) { return shown(i + k) ? pack.item[k] : kLeast; }, larger);
    };
    const T most = reduce_packs<W>(team, n, kLeast, largest, larger);
    const double sum = sum_packs<T>(team, n, [=](auto width, int64_t i) {
      constexpr int kSome = decltype(width)::value;
      const Pack<T, kSome> pack = load_pack<kSome>(from + i, packed);
      return join_pairs<kSome>(
          [&](int k) { return shown(i + k) ? static_cast<double>(std::exp(pack.item[k] - most)) : 0.0; }, Plus{});
    });
    const T log_sum = static_cast<T>(std::log(sum)), whole = static_cast<T>(sum);
    const bool log = logarithm;
    each_pack<W>(team, n, lie_in_packs<W>(from, to), [=](auto width, int64_t i) {
      constexpr int kSome = decltype(width)::value;
      Pack<T, kSome> pack = *pack_at<kSome>(from + i);
      STM_UNROLL
      for (int k = 0; k < kSome; ++k) {
        const T least = pack.item[k] - most;
        pack.item[k] = log ? least - log_sum : shown(i + k) ? std::exp(least) / whole : T(0);
      }
      *pack_at<kSome>(to + i) = pack;
    });
  }
};

template <class T>
struct SoftmaxGradientRow {
  const T *y, *dy;
  T* dx;
  int64_t n;
  bool logarithm;

  template <class Team>
  STM_DEVICE void run(Team& team, int64_t row) const {
    constexpr int W = kPackWidth<T>;
    const T *const value = y + row * n, *const grad = dy + row * n;
    T* const to = dx + row * n;
    const bool log = logarithm, packed = lie_in_packs<W>(value, grad);
    const T sum = static_cast<T>(sum_packs<T>(team, n, [=](auto width, int64_t i) {
      constexpr int kSome = decltype(width)::value;
      const Pack<T, kSome> g = load_pack<kSome>(grad + i, packed), v = load_pack<kSome>(value + i, packed);
      return join_pairs<kSome>(
          [&](int k) { return log ? static_cast<double>(g.item[k]) : static_cast<double>(v.item[k]) * g.item[k]; },
          Plus{});
    }));
    each_pack<W>(team, n, packed && lie_in_packs<W>(to), [=](auto width, int64_t i) {
      constexpr int kSome = decltype(width)::value;
      const Pack<T, kSome> v = *pack_at<kSome>(value + i);
      Pack<T, kSome> g = *pack_at<kSome>(grad + i);
      STM_UNROLL
      for (int k = 0; k < kSome; ++k)
        g.item[k] = log ? g.item[k] - std::exp(v.item[k]) * sum : v.item[k] * (g.item[k] - sum);
      *pack_at<kSome>(to + i) = g;
    });
  }
};

// ---- layer norm

template <class T>
struct LayerNormRow {
  const T *x, *weight, *bias;
  T* y;
  double* statistics;
  int64_t width;
  double epsilon;

  template <class Team>
  STM_DEVICE void run(Team& team, int64_t row) const {
    constexpr int W = kPackWidth<T>;
    const T *const from = x + row * width, *const w = weight, *const b = bias;
    T* const to = y + row * width;
    const bool packed = lie_in_packs<W>(from);
    const auto sum_of = [&](const auto& f) {
      return sum_packs<T>(team, width, [=](auto some, int64_t i) {
        constexpr int kSome = decltype(some)::value;
        const Pack<T, kSome> pack = load_pack<kSome>(from + i, packed);
        return join_pairs<kSome>([&](int k) { return f(pack.item[k]); }, Plus{});
      });
    };
    const double mean = sum_of([](T value) { return static_cast<double>(value); }) / static_cast<double>(width);
    const auto squared = [=](T value) { return (value - mean) * (value - mean); };
    const double rstd = 1 / std::sqrt(sum_of(squared) / static_cast<double>(width) + epsilon);
    // What the mean loses as a T comes back as a shift: the differences from the rounded one are exact.
    const T center = static_cast<T>(mean), factor = static_cast<T>(rstd),
            rest = static_cast<T>((static_cast<double>(center) - mean) * rstd);
    each_pack<W>(team, width, lie_in_packs<W>(from, to, w, b), [=](auto some, int64_t i) {
      constexpr int kSome = decltype(some)::value;
      Pack<T, kSome> pack = *pack_at<kSome>(from + i);
      STM_UNROLL
      for (int k = 0; k < kSome; ++k) {
        T value = (pack.item[k] - center) * factor + rest;
        if (w) value *= w[i + k];
        if (b) value += b[i + k];
        pack.item[k] = value;
      }
      *pack_at<kSome>(to + i) = pack;
    });
    team.once([&] {
      statistics[2 * row] = mean;
      statistics[2 * row + 1] = rstd;
    });
  }
};

/// dx = rstd · (g - mean(g) - x̂ · mean(g · x̂)) with g = dy · weight, x̂ the normalised row.
template <class T>
struct LayerNormGradientRow {
  const T *x, *weight, *dy;
  const double* statistics;
  T* dx;
  int64_t width;

  template <class Team>
  STM_DEVICE void run(Team& team, int64_t row) const {
    constexpr int W = kPackWidth<T>;
    const T *const from = x + row * width, *const grad = dy + row * width, *const w = weight;
    T* const to = dx + row * width;
    const double mean = statistics[2 * row], rstd = statistics[2 * row + 1];
    const bool packed = lie_in_packs<W>(from, grad);
    const auto g = [=](int64_t i, T value) {
      return w ? static_cast<double>(value) * w[i] : static_cast<double>(value);
    };
    const auto join = [](const TwoSums& a, const TwoSums& b) {
      return TwoSums{a.first + b.first, a.second + b.second};
    };
    const auto term = [=](auto some, int64_t i) {
      constexpr int kSome = decltype(some)::value;
      const Pack<T, kSome> value = load_pack<kSome>(from + i, packed), dvalue = load_pack<kSome>(grad + i, packed);
      return join_pairs<kSome>(
          [&](int k) {
            const double scaled = g(i + k, dvalue.item[k]);
            return TwoSums{scaled, scaled * (value.item[k] - mean) * rstd};
          },
          join);
    };
    const TwoSums sum = reduce_packs<W>(team, width, TwoSums{0, 0}, term, join);
    const double of_g = sum.first / static_cast<double>(width), of_product = sum.second / static_cast<double>(width);
    each_pack<W>(team, width, packed && lie_in_packs<W>(to), [=](auto some, int64_t i) {
      constexpr int kSome = decltype(some)::value;
      const Pack<T, kSome> value = *pack_at<kSome>(from + i);
      Pack<T, kSome> dvalue = *pack_at<kSome>(grad + i);
      STM_UNROLL
      for (int k = 0; k < kSome; ++k)
        dvalue.item[k] =
            static_cast<T>(rstd * (g(i + k, dvalue.item[k]) - of_g - (value.item[k] - mean) * rstd * of_product));
      *pack_at<kSome>(to + i) = dvalue;
    });
  }
};

/// Of dweight and dbias.
template <class T>
struct LayerNormTerm {
  const T *x, *dy;
  const double* statistics;
  STM_DEVICE auto at_column(int64_t) const {
    return [*this](int64_t at, int64_t row) {
      const double grad = dy[at];
      return TwoSums{grad * (x[at] - statistics[2 * row]) * statistics[2 * row + 1], grad};
    };
  }
};

template <class T>
Status layer_norm_columns(Context& context, const LayerNormTerm<T>& term, int64_t rows, int64_t width, T* dweight,
                          T* dbias) {
  const ColumnWalk walk = ColumnWalk::over(rows, width, 16, DevicePadding{nullptr, 1, 1});
  void* parts = nullptr;
  STM_TRY(context.scratch(Context::kPartials, static_cast<size_t>(walk.threads()) * sizeof(TwoSums), &parts));
  TwoSums* const sums = static_cast<TwoSums*>(parts);
  STM_TRY(launch_each(context, "layer_norm_columns", walk.threads(), SumLanes<LayerNormTerm<T>>{term, walk, sums}));
  return launch_blocks(context, "layer_norm_columns", width, walk.lanes,
                       SumParts<T>{sums, width, walk.lanes, dweight, dbias, nullptr, 1});
}

}  // namespace

Status CudaNormalization::softmax(const View& x, const View& mask, bool logarithm, const View& y) noexcept {
  return dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = x.last();
    return launch_rows(context_, "softmax", n ? x.size() / n : 0, n,
                       SoftmaxRow<T>{x.as<const T>(), y.as<T>(), n, logarithm, MaskRows(mask)});
  });
}

Status CudaNormalization::softmax_backward(const View& y, const View& dy, bool logarithm, const View& dx) noexcept {
  return dispatch_floating(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int64_t n = y.last();
    return launch_rows(context_, "softmax_backward", n ? y.size() / n : 0, n,
                       SoftmaxGradientRow<T>{y.as<const T>(), dy.as<const T>(), dx.as<T>(), n, logarithm});
  });
}

Status CudaNormalization::layer_norm(const View& x, const View& weight, const View& bias, int64_t width, double epsilon,
                                     const View& y, const View& statistics) noexcept {
  return dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    return launch_rows(context_, "layer_norm", x.size() / width, width,
                       LayerNormRow<T>{x.as<const T>(), weight.as<const T>(), bias.as<const T>(), y.as<T>(),
                                       statistics.as<double>(), width, epsilon});
  });
}

Status CudaNormalization::layer_norm_backward(const View& x, const View& weight, int64_t width, const View& statistics,
                                              const View& dy, const View& dx, const View& dweight,
                                              const View& dbias) noexcept {
  return dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const int64_t rows = x.size() / width;
    const T *const from = x.as<const T>(), *const grad = dy.as<const T>();
    const double* const stats = statistics.as<const double>();
    if (dx.data)
      STM_TRY(launch_rows(context_, "layer_norm_backward", rows, width,
                          LayerNormGradientRow<T>{from, weight.as<const T>(), grad, stats, dx.as<T>(), width}));
    if (!dweight.data && !dbias.data) return Status::ok();
    return layer_norm_columns<T>(context_, {from, grad, stats}, rows, width, dweight.as<T>(), dbias.as<T>());
  });
}

}  // namespace stm::cuda
