#include "backend/cuda/random.h"

#include <limits>

#include "backend/cuda/kernel/axes.h"
#include "backend/cuda/kernel/launch.h"
#include "backend/dispatch.h"
#include "backend/draws.h"

namespace stm::cuda {
namespace {

// Each makes the elements that one Philox block serves, of those of the input if it reads one: make(block, first, in,
// out), first being the first one's place.

template <class T>
struct Uniform {
  static constexpr bool kReads = false;
  Interval<T> interval;
  STM_DEVICE void operator()(const PhiloxBlock& block, int64_t, const T*, T* out) const {
    uniforms(block, out);
    STM_UNROLL
    for (int k = 0; k < kPerBlock<T>; ++k) out[k] = interval.at(out[k]);
  }
};

template <class T>
struct Normal {
  static constexpr bool kReads = false;
  T mean, std;
  STM_DEVICE void operator()(const PhiloxBlock& block, int64_t, const T*, T* out) const {
    normals(block, out);
    STM_UNROLL
    for (int k = 0; k < kPerBlock<T>; ++k) out[k] = mean + std * out[k];
  }
};

struct Integers {
  static constexpr bool kReads = false;
  int32_t low;
  uint32_t range;
  STM_DEVICE void operator()(const PhiloxBlock& block, int64_t, const int32_t*, int32_t* out) const {
    integers_below(block, low, range, out);
  }
};

template <class T>
struct Bernoulli {
  static constexpr bool kReads = true;
  DeviceFault* fault;
  int32_t op;
  STM_DEVICE void operator()(const PhiloxBlock& block, int64_t first, const T* p, T* out) const {
    uniforms(block, out);
    STM_UNROLL
    for (int k = 0; k < kPerBlock<T>; ++k) {
      out[k] = out[k] < p[k] ? T(1) : T(0);
      if (p[k] >= 0 && p[k] <= 1) continue;
      report_fault(fault, op,
                   {.code = DataFault::kProbability, .place = first + k, .number = static_cast<double>(p[k])});
      out[k] = std::numeric_limits<T>::quiet_NaN();
    }
  }
};

/// Element by element; the first of each row looks at what is known of it.
template <class T>
struct CheckWeight {
  DeviceFault* fault;
  int32_t op;
  const T* weights;
  const int32_t* possible;
  T* out;
  int64_t extent, least;
  STM_DEVICE void operator()(int64_t index) const {
    const T weight = weights[index];
    out[index] = weight;
    const int64_t row = index / extent;
    if (!(weight >= 0 && weight <= std::numeric_limits<T>::max()))
      report_fault(fault, op, {.code = DataFault::kWeight, .place = index, .number = static_cast<double>(weight)});
    else if (index == row * extent && possible[row] < least)
      report_fault(fault, op,
                   {.code = DataFault::kTooFewWeights, .value = possible[row], .sequence = row, .greatest = least});
  }
};

template <class T>
struct Dropout {
  static constexpr bool kReads = true;
  T bound, scale;
  STM_DEVICE void operator()(const PhiloxBlock& block, int64_t, const T* x, T* out) const {
    uniforms(block, out);
    STM_UNROLL
    for (int k = 0; k < kPerBlock<T>; ++k) out[k] = x[k] * (scale * static_cast<T>(out[k] >= bound));
  }
};

/// Element by element of a dense output, a call for each Philox block.
template <class Make, class T>
struct Fill {
  static constexpr int W = kPerBlock<T>;
  PhiloxStream stream;
  Make make;
  const T* in;
  T* out;
  int64_t count;
  bool packed;  ///< both can be read and written in packs

  STM_DEVICE void operator()(int64_t index) const {
    const PhiloxBlock block = philox_block(resolved(stream), static_cast<uint64_t>(index));
    const int64_t first = index * W;
    Pack<T, W> x{}, y;
    if (packed && first + W <= count) {
      if constexpr (Make::kReads) x = *pack_at<W>(in + first);
      make(block, first, x.item, y.item);
      *pack_at<W>(out + first) = y;
      return;
    }
    STM_UNROLL
    for (int k = 0; k < W; ++k)
      if (Make::kReads && first + k < count) x.item[k] = in[first + k];
    make(block, first, x.item, y.item);
    STM_UNROLL
    for (int k = 0; k < W; ++k)
      if (first + k < count) out[first + k] = y.item[k];
  }
};

template <class T, class Make>
Status fill(Context& context, const char* name, const PhiloxStream& stream, const Make& make, const T* in, T* out,
            int64_t count) {
  constexpr int W = kPerBlock<T>;
  return launch_each(context, name, (count + W - 1) / W,
                     Fill<Make, T>{stream, make, in, out, count, lie_in_packs<W>(in, out)});
}

/// Takes from each row after `pivot` its part along that row. Rows are scaled at the very end only.
struct Project {
  double* rows;
  int64_t length, pivot;
  struct Products {
    double along, square;
  };
  STM_DEVICE void operator()(Block& block, int64_t i) const {
    const double* other = rows + pivot * length;
    double* row = rows + (pivot + 1 + i) * length;
    const Products products = block.reduce(
        length, Products{0, 0},
        [&](int64_t j) {
          return Products{row[j] * other[j], other[j] * other[j]};
        },
        [](const Products& a, const Products& b) {
          return Products{a.along + b.along, a.square + b.square};
        });
    const double part = products.along / products.square;
    block.each(length, [&](int64_t j) { row[j] -= part * other[j]; });
  }
};

/// Row `i`, scaled to the length `gain`, becomes row `i` of the result, or column `i` if that has more rows than
/// columns.
template <class T>
struct Normalize {
  const double* rows;
  T* out;
  int64_t length;
  int64_t step, next;  ///< in `out`, from row to row and from element to element
  double gain;
  STM_DEVICE void operator()(Block& block, int64_t i) const {
    const double* row = rows + i * length;
    const double scale = gain / std::sqrt(block.sum(length, [&](int64_t j) { return row[j] * row[j]; }));
    block.each(length, [&](int64_t j) { out[i * step + j * next] = static_cast<T>(scale * row[j]); });
  }
};

}  // namespace

Status CudaRandom::uniform(PhiloxStream stream, double low, double high, const View& out) noexcept {
  return dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    return fill<T>(context_, "uniform", stream, Uniform<T>{Interval<T>(low, high)}, nullptr, out.as<T>(), out.size());
  });
}

Status CudaRandom::normal(PhiloxStream stream, double mean, double std, const View& out) noexcept {
  return dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    return fill<T>(context_, "normal", stream, Normal<T>{static_cast<T>(mean), static_cast<T>(std)}, nullptr,
                   out.as<T>(), out.size());
  });
}

Status CudaRandom::integers(PhiloxStream stream, int32_t low, uint32_t range, const View& out) noexcept {
  return fill<int32_t>(context_, "integers", stream, Integers{low, range}, nullptr, out.as<int32_t>(), out.size());
}

Status CudaRandom::bernoulli(PhiloxStream stream, const View& p, const View& out) noexcept {
  return dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    return fill<T>(context_, "bernoulli", stream, Bernoulli<T>{context_.fault, context_.op}, p.as<T>(), out.as<T>(),
                   out.size());
  });
}

Status CudaRandom::check_weights(const View& weights, const View& possible, int64_t least, const View& out) noexcept {
  if (out.size() == 0) return Status::ok();
  return dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    return launch_each(context_, "check_weights", out.size(),
                       CheckWeight<T>{context_.fault, context_.op, weights.as<T>(), possible.as<int32_t>(), out.as<T>(),
                                      out.size() / possible.size(), least});
  });
}

Status CudaRandom::dropout(PhiloxStream stream, double p, const View& x, const View& out) noexcept {
  return dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    return fill<T>(context_, "dropout", stream, Dropout<T>{static_cast<T>(p), static_cast<T>(1 / (1 - p))}, x.as<T>(),
                   out.as<T>(), out.size());
  });
}

/// Gram and Schmidt's method, as on the CPU in double and twice, since the first time rounding leaves something; one
/// launch a row, with a block of threads for each row that is still to be made orthogonal to it.
Status CudaRandom::orthogonal(PhiloxStream stream, double gain, int64_t rows, int64_t columns,
                              const View& out) noexcept {
  const bool tall = rows > columns;
  const int64_t count = tall ? columns : rows, length = tall ? rows : columns;
  if (count == 0) return Status::ok();
  void* scratch = nullptr;
  STM_TRY(context_.scratch(Context::kOther, static_cast<size_t>(count * length) * sizeof(double), &scratch));
  double* basis = static_cast<double*>(scratch);
  STM_TRY(fill<double>(context_, "normal", stream, Normal<double>{0, 1}, nullptr, basis, count * length));
  for (int pass = 0; pass < 2; ++pass)
    for (int64_t pivot = 0; pivot + 1 < count; ++pivot)
      STM_TRY(launch_blocks(context_, "orthogonal", count - pivot - 1, length, Project{basis, length, pivot}));
  return dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    return launch_blocks(context_, "orthogonal", count, length,
                         Normalize<T>{basis, out.as<T>(), length, tall ? 1 : length, tall ? count : 1, gain});
  });
}

}  // namespace stm::cuda
