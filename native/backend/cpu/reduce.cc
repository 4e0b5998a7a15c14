#include <algorithm>
#include <atomic>
#include <memory>
#include <new>
#include <type_traits>

#include "backend/cpu/backend.h"
#include "backend/data_fault.h"
#include "backend/cpu/stopping.h"
#include "backend/dispatch.h"
#include "backend/cpu/reduce_runs.h"
#include "backend/cpu/rows.h"
#include "backend/cpu/team.h"
#include "backend/folds.h"

namespace stm {
namespace {

using namespace folds;

/// Some axes of a view, walked in row-major order.
struct Axes : MergedAxes<1> {
  Axes(const View& view, int from, int to) {
    for (int i = from; i < to; ++i)
      if (view.extent[i] != 1) add(view.extent[i], {view.stride[i]});
    if (rank == 0) add(1, {1});
  }
  int64_t runs() const { return extent[rank - 1] ? size() / extent[rank - 1] : 0; }  ///< of the last axis
  /// Offset in elements of the place with this number, or of the run with this number.
  int64_t offset(int64_t index, int axes) const {
    int64_t sum = 0;
    for (int i = axes - 1; i > 0; --i) {
      sum += index % extent[i] * stride[0][i];
      index /= extent[i];
    }
    return axes > 0 ? sum + index * stride[0][0] : sum;
  }
  int64_t at(int64_t index) const { return offset(index, rank); }
  int64_t run_at(int64_t run) const { return offset(run, rank - 1); }
};

constexpr int64_t kSlice = 8'192;
constexpr int64_t kGrain = 32'768;              // elements worth a thread
constexpr int64_t kLongRun = int64_t{1} << 18;  // elements between two stop points

/// Writes one result; notes it if an i32 cannot hold it.
template <class T, class Acc>
void store(Acc acc, T& out, std::atomic<bool>& overflow) {
  if (overflows<T>(acc)) overflow.store(true, std::memory_order_relaxed);
  out = static_cast<T>(acc);
}

/// What is stored of `count` elements that were kept.
template <class R, class Acc>
Acc result_of(Acc acc, int64_t count) {
  if constexpr (requires { R::result(acc, count); }) return R::result(acc, count);
  else return acc;
}

Status finished(const std::atomic<bool>& overflow) {
  if (!overflow.load(std::memory_order_relaxed)) return Status::ok();
  return in_words({.code = DataFault::kOverflow});
}

/// A run in interleaved partial results, which the compiler keeps in vectors, joined in a fixed order. It does so for
/// 16 sums, but for no fewer than 32 extremes.
template <class R, class T>
typename R::Acc reduce_run(const T* x, int64_t stride, int64_t count) {
  using Acc = typename R::Acc;
  constexpr int64_t kLanes = std::is_same_v<Acc, T> && !std::is_base_of_v<Sum<T>, R> ? 32 : 16;
  Acc acc[kLanes];
  for (Acc& lane : acc) lane = R::start();
  for (int64_t begin = 0; begin < count; begin += kLongRun) {
    if (begin > 0) stop_point();
    const int64_t end = std::min(count, begin + kLongRun);
    int64_t i = begin;
    if (stride == 1) {
      for (; i + kLanes <= end; i += kLanes)
        for (int64_t lane = 0; lane < kLanes; ++lane) acc[lane] = R::step(acc[lane], x[i + lane]);
    }
    for (; i < end; ++i) acc[i % kLanes] = R::step(acc[i % kLanes], x[i * stride]);
  }
  for (int64_t lane = 1; lane < kLanes; ++lane) acc[0] = R::join(acc[0], acc[lane]);
  return acc[0];
}

template <class R, class T>
constexpr bool kSumsFloats = std::is_same_v<T, float>&& std::is_base_of_v<Sum<T>, R>;
template <class R, class T>
constexpr bool kLargestFloat = std::is_same_v<T, float>&& std::is_same_v<R, Max<T>>;
template <class R, class T>
constexpr bool kSmallestFloat = std::is_same_v<T, float>&& std::is_same_v<R, Min<T>>;

/// Some runs of the same length and stride, up to kRunsTogether: the same as reduce_run of each.
template <class R, class T>
void reduce_runs(const T* const* x, int64_t runs, int64_t stride, int64_t count, typename R::Acc* out) {
  if constexpr (kSumsFloats<R, T>) {
    if (stride == 1) return sum_runs(x, runs, count, out);
  } else if constexpr (kLargestFloat<R, T> || kSmallestFloat<R, T>) {
    if (stride == 1) return extreme_runs(kLargestFloat<R, T>, x, runs, count, out);
  }
  for (int64_t k = 0; k < runs; ++k) out[k] = reduce_run<R, T>(x[k], stride, count);
}

template <class R, class T>
void reduce_rows(const T* x, const Axes& outer, const Axes& inner, T* out, const Axes& places,
                 std::atomic<bool>& overflow) {
  using Acc = typename R::Acc;
  const int64_t run = inner.extent[inner.rank - 1], runs = inner.runs(), step = inner.stride[0][inner.rank - 1];
  parallel_for(outer.size(), std::max<int64_t>(1, kGrain / std::max<int64_t>(1, inner.size())),
               [&](int64_t begin, int64_t end) {
                 for (int64_t first = begin; first < end; first += kRunsTogether) {
                   const int64_t rows = std::min(kRunsTogether, end - first);
                   const T *row[kRunsTogether], *from[kRunsTogether];
                   Acc acc[kRunsTogether], part[kRunsTogether];
                   for (int64_t k = 0; k < rows; ++k) row[k] = x + outer.at(first + k), acc[k] = R::start();
                   for (int64_t r = 0; r < runs; ++r) {
                     for (int64_t k = 0; k < rows; ++k) from[k] = row[k] + inner.run_at(r);
                     reduce_runs<R, T>(from, rows, step, run, part);
                     for (int64_t k = 0; k < rows; ++k) acc[k] = R::join(acc[k], part[k]);
                   }
                   for (int64_t k = 0; k < rows; ++k)
                     store(result_of<R>(acc[k], inner.size()), out[places.at(first + k)], overflow);
                 }
               });
}

constexpr int64_t kBlock = 64;

/// Reduces `count` rows, beginning with the one of number `first`, of a block of neighbouring results that are `step`
/// apart.
template <class R, class T>
void reduce_block(const T* x, const Axes& inner, int64_t first, int64_t count, int64_t step, int64_t width,
                  typename R::Acc* acc) {
  std::fill_n(acc, width, R::start());
  if constexpr (kSumsFloats<R, T>) {
    const int64_t apart = inner.stride[0][0];
    if (step == 1 && inner.rank == 1) {
      return in_blocks(first, first + count, kLongRun / kBlock, [&](int64_t begin, int64_t end) {
        add_rows(x + begin * apart, apart, end - begin, width, acc);
      });
    }
  }
  for (int64_t i = first; i < first + count; ++i) {
    if (i % (kLongRun / kBlock) == 0) stop_point();
    const T* row = x + (inner.rank == 1 ? i * inner.stride[0][0] : inner.at(i));
    if (step == 1) {
      for (int64_t j = 0; j < width; ++j) acc[j] = R::step(acc[j], row[j]);
    } else {
      for (int64_t j = 0; j < width; ++j) acc[j] = R::step(acc[j], row[j * step]);
    }
  }
}

/// The outer axis lies densely and the reduced ones do not: blocks of neighbouring results are carried along together.
/// Few blocks of many rows are cut into slices of rows, whose number depends on the shape alone. False if there was no
/// memory for their partial results.
template <class R, class T>
bool reduce_columns(const T* x, const Axes& outer, const Axes& inner, T* out, const Axes& places,
                    std::atomic<bool>& overflow) {
  using Acc = typename R::Acc;
  constexpr int64_t kEnough = 16, kRows = 256;
  const int64_t extent = outer.extent[outer.rank - 1], step = outer.stride[0][outer.rank - 1],
                per_run = (extent + kBlock - 1) / kBlock;
  const int64_t blocks = outer.runs() * per_run, count = inner.size();
  const int64_t slices = blocks >= kEnough ? 1 : std::clamp<int64_t>(count / kRows, 1, kEnough),
                length = (count + slices - 1) / slices;
  const auto width_of = [&](int64_t block) { return std::min(kBlock, extent - block % per_run * kBlock); };
  const auto finish = [&](int64_t block, const Acc* acc) {
    const int64_t first = block / per_run * extent + block % per_run * kBlock;
    for (int64_t j = 0; j < width_of(block); ++j)
      store(result_of<R>(acc[j], count), out[places.at(first + j)], overflow);
  };
  const auto block_at = [&](int64_t block) {
    return x + outer.run_at(block / per_run) + block % per_run * kBlock * step;
  };
  if (slices == 1) {
    parallel_for(blocks, std::max<int64_t>(1, kGrain / std::max<int64_t>(1, count * std::min(kBlock, extent))),
                 [&](int64_t begin, int64_t end) {
                   Acc acc[kBlock];
                   for (int64_t block = begin; block < end; ++block) {
                     reduce_block<R, T>(block_at(block), inner, 0, count, step, width_of(block), acc);
                     finish(block, acc);
                   }
                 });
    return true;
  }
  const std::unique_ptr<Acc[]> parts(new (std::nothrow) Acc[static_cast<size_t>(blocks * slices * kBlock)]);
  if (!parts) return false;
  const int64_t grain = std::max<int64_t>(1, kGrain / (length * std::min(kBlock, extent)));
  parallel_for(blocks * slices, grain, [&](int64_t begin, int64_t end) {
    for (int64_t item = begin; item < end; ++item) {
      const int64_t block = item / slices, first = item % slices * length;
      reduce_block<R, T>(block_at(block), inner, first, std::max<int64_t>(0, std::min(length, count - first)), step,
                         width_of(block), &parts[static_cast<size_t>(item * kBlock)]);
    }
  });
  for (int64_t block = 0; block < blocks; ++block) {
    Acc* total = &parts[static_cast<size_t>(block * slices * kBlock)];
    for (int64_t slice = 1; slice < slices; ++slice)
      for (int64_t j = 0; j < width_of(block); ++j) total[j] = R::join(total[j], total[slice * kBlock + j]);
    finish(block, total);
  }
  return true;
}

/// Everything into one result: slices of fixed size on the team, joined in order, so that the number of threads does
/// not show.
template <class R, class T>
void reduce_all(const T* x, int64_t count, T* out, std::atomic<bool>& overflow) {
  constexpr int64_t kSlices = 64;
  typename R::Acc parts[kSlices];
  const int64_t slices = std::clamp<int64_t>(count / kSlice, 1, kSlices), length = (count + slices - 1) / slices;
  parallel_for(slices, 4, [&](int64_t begin, int64_t end) {
    for (int64_t s = begin; s < end;) {
      const int64_t together = std::min(kRunsTogether, end - s), left = std::max<int64_t>(0, count - s * length);
      const int64_t runs = left >= together * length ? together : 1;  // the last ones may be shorter
      const T* from[kRunsTogether];
      for (int64_t k = 0; k < runs; ++k) from[k] = x + (s + k) * length;
      reduce_runs<R, T>(from, runs, 1, std::min(length, left), parts + s);
      s += runs;
    }
  });
  typename R::Acc result = parts[0];
  for (int64_t s = 1; s < slices; ++s) result = R::join(result, parts[s]);
  store(result_of<R>(result, count), *out, overflow);
}

template <class R, class T>
Status reduce_as(const View& x, int reduced, const View& out) {
  const Axes outer(x, 0, x.rank - reduced), inner(x, x.rank - reduced, x.rank), places(out, 0, out.rank);
  const int64_t results = out.size();
  std::atomic<bool> overflow{false};
  if (results == 0) return Status::ok();
  if (results == 1 && x.contiguous()) {
    reduce_all<R, T>(x.as<T>(), x.size(), out.as<T>(), overflow);
    return finished(overflow);
  }
  const bool columns = inner.size() > 0 && outer.stride[0][outer.rank - 1] < inner.stride[0][inner.rank - 1] &&
                       outer.extent[outer.rank - 1] > 1;
  if (!columns) reduce_rows<R, T>(x.as<T>(), outer, inner, out.as<T>(), places, overflow);
  else if (!reduce_columns<R, T>(x.as<T>(), outer, inner, out.as<T>(), places, overflow))
    return Status::fail(StatusKind::OutOfMemory, "could not get memory for partial results.");
  return finished(overflow);
}

template <class T>
void arg_extreme_row(bool largest, const T* x, int64_t stride, int64_t count, int32_t* out) {
  int64_t best = 0;
  for (int64_t i = 1; i < count && x[best * stride] == x[best * stride]; ++i) {
    if (i % kLongRun == 0) stop_point();
    const T a = x[i * stride], b = x[best * stride];
    if (a != a || (largest ? a > b : a < b)) best = i;
  }
  *out = static_cast<int32_t>(best);
}

/// Elements of a running sum, and how far they lie apart.
struct Steps {
  int64_t count, from, to;
};

/// Running sums of `width` neighbouring columns.
template <class T>
void running_sums(const T* x, T* out, const Steps& steps, int64_t width, std::atomic<bool>& overflow) {
  if (width == 1) {
    typename Sum<T>::Acc sum = 0;
    for (int64_t i = 0; i < steps.count; ++i) {
      if (i % kLongRun == 0) stop_point();
      sum = Sum<T>::step(sum, x[i * steps.from]);
      store(sum, out[i * steps.to], overflow);
    }
    return;
  }
  typename Sum<T>::Acc sum[kBlock] = {};
  for (int64_t i = 0; i < steps.count; ++i) {
    if (i % (kLongRun / kBlock) == 0) stop_point();
    for (int64_t j = 0; j < width; ++j) {
      sum[j] = Sum<T>::step(sum[j], x[i * steps.from + j]);
      store(sum[j], out[i * steps.to + j], overflow);
    }
  }
}

class CpuReduce final : public ReduceKernels {
 public:
  Status reduce(Fold op, const View& x, int32_t reduced, const View& out) noexcept override {
    return dispatch_any(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      switch (op) {
        case Fold::Sum: return reduce_as<Sum<T>, T>(x, reduced, out);
        case Fold::Prod: return reduce_as<Prod<T>, T>(x, reduced, out);
        case Fold::Max: return reduce_as<Max<T>, T>(x, reduced, out);
        case Fold::Min: return reduce_as<Min<T>, T>(x, reduced, out);
        case Fold::Mean:
          if constexpr (std::is_floating_point_v<T>) return reduce_as<Mean<T>, T>(x, reduced, out);
          else break;
      }
      return Status::fail(StatusKind::Internal, "unknown reduction");
    });
  }

  Status arg_extreme(bool largest, const View& x, const View& out) noexcept override {
    return dispatch_any(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      const Axes outer(x, 0, x.rank - 1), places(out, 0, out.rank);
      const int64_t count = x.last(), stride = x.stride[x.rank - 1];
      parallel_for(out.size(), std::max<int64_t>(1, kSlice / count), [&](int64_t begin, int64_t end) {
        for (int64_t o = begin; o < end; ++o)
          arg_extreme_row(largest, x.as<const T>() + outer.at(o), stride, count, out.as<int32_t>() + places.at(o));
      });
      return Status::ok();
    });
  }

  Status cumsum(const View& x, bool reversed, const View& out) noexcept override {
    return dispatch_any(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      const Axes from(x, 0, x.rank - 1), to(out, 0, out.rank - 1);
      const int64_t count = x.last(), rows = count ? x.size() / count : 0, sign = reversed ? -1 : 1;
      const Steps steps{count, sign * x.stride[x.rank - 1], sign * out.stride[out.rank - 1]};
      const T* first = x.as<const T>() + (reversed ? (count - 1) * x.stride[x.rank - 1] : 0);
      T* first_out = out.as<T>() + (reversed ? (count - 1) * out.stride[out.rank - 1] : 0);
      const int64_t extent = from.extent[from.rank - 1];
      const bool neighbours = from.stride[0][from.rank - 1] == 1 && to.stride[0][to.rank - 1] == 1 &&
                              to.extent[to.rank - 1] == extent;  // whole blocks at once
      const int64_t width = neighbours ? std::min(kBlock, extent) : 1,
                    per_run = neighbours ? (extent + width - 1) / std::max<int64_t>(width, 1) : 1;
      const int64_t items = rows == 0 ? 0 : neighbours ? rows / extent * per_run : rows;
      std::atomic<bool> overflow{false};
      parallel_for(items, std::max<int64_t>(1, kSlice / std::max<int64_t>(count * width, 1)),
                   [&](int64_t begin, int64_t end) {
                     for (int64_t item = begin; item < end; ++item) {
                       const int64_t run = item / per_run, column = item % per_run * width;
                       const int64_t at = neighbours ? from.run_at(run) + column : from.at(item),
                                     out_at = neighbours ? to.run_at(run) + column : to.at(item);
                       running_sums(first + at, first_out + out_at, steps,
                                    std::min(width, neighbours ? extent - column : 1), overflow);
                     }
                   });
      return finished(overflow);
    });
  }
};

}  // namespace

ReduceKernels& cpu_reduce() noexcept {
  static CpuReduce kernels;
  return kernels;
}

}  // namespace stm
