#include "backend/cuda/reduce.h"

#include <algorithm>
#include <cstdlib>

#include "backend/cuda/kernel/axes.h"
#include "backend/cuda/kernel/fitted.h"
#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/kernel/padding.h"
#include "backend/dispatch.h"

// A result is reduced by one thread where its elements are few or its neighbours' lie beside them, else by a block of
// threads. Where results are fewer than the device can work on at once, each is cut into slices; a second launch joins
// what they leave.

namespace stm::cuda {
namespace {

enum class Reducer : int32_t { Sum, Prod, Max, Min, Mean, ArgMax, ArgMin };

/// What is kept of some elements: in double, or in 64 bits of whole numbers, whatever the reduction is.
template <class T>
struct Kept {
  folds::Wide<T> number;
  int32_t place;  ///< of an extreme; -1: no element yet
};

/// Of two extremes the one to keep: the first NaN, else the one that is beyond the other, else the first of equals.
template <class T>
STM_DEVICE Kept<T> extreme(bool largest, const Kept<T>& a, const Kept<T>& b) {
  if (a.place < 0 || b.place < 0) return a.place < 0 ? b : a;
  const bool a_is_nan = a.number != a.number, b_is_nan = b.number != b.number;
  if (a.number == b.number || (a_is_nan && b_is_nan)) return a.place < b.place ? a : b;
  if (a_is_nan || b_is_nan) return a_is_nan ? a : b;
  return (largest ? a.number > b.number : a.number < b.number) ? a : b;
}

/// What a reduction does, and with what: which elements belong to which result, and where both are.
template <class T>
struct Reduction {
  static constexpr int W = 16 / sizeof(T) < 4 ? 16 / sizeof(T) : 4;  ///< elements of a pack
  using Wide = folds::Wide<T>;
  Reducer reducer;
  Axes<2> outer;  ///< of x and the results
  Axes<1> inner;
  const T* x;
  void* out;
  int64_t results, units, slices;
  Kept<T>* partials;  ///< [slices, results], if there is more than one slice
  bool packed;        ///< a result's elements lie in packs
  int64_t count;      ///< elements of a result
  DeviceFault* fault;
  int32_t op;

  /// What changes nothing.
  STM_DEVICE T neutral() const {
    switch (reducer) {
      case Reducer::Prod: return folds::Prod<T>::start();
      case Reducer::Max: return folds::Max<T>::start();
      case Reducer::Min: return folds::Min<T>::start();
      default: return T(0);
    }
  }
  STM_DEVICE Kept<T> start() const { return {static_cast<Wide>(neutral()), -1}; }

  /// Calls `f(join)` with the function that joins two of what is kept.
  template <class F>
  STM_DEVICE void with_join(const F& f) const {
    using K = Kept<T>;
    switch (reducer) {
      case Reducer::Sum:
      case Reducer::Mean:
        return f([](const K& a, const K& b) { return K{folds::Sum<Wide>::join(a.number, b.number), 0}; });
      case Reducer::Prod:
        return f([](const K& a, const K& b) { return K{folds::Prod<Wide>::join(a.number, b.number), 0}; });
      case Reducer::Max:
        return f([](const K& a, const K& b) { return K{folds::Max<Wide>::join(a.number, b.number), 0}; });
      case Reducer::Min:
        return f([](const K& a, const K& b) { return K{folds::Min<Wide>::join(a.number, b.number), 0}; });
      case Reducer::ArgMax: return f([](const K& a, const K& b) { return extreme(true, a, b); });
      case Reducer::ArgMin: return f([](const K& a, const K& b) { return extreme(false, a, b); });
    }
  }
  STM_DEVICE Kept<T> joined(const Kept<T>& a, const Kept<T>& b) const {
    Kept<T> both = a;
    with_join([&](const auto& join) { both = join(a, b); });
    return both;
  }
  /// `kept` and kAhead units, which are packs or single elements and are read at once: `first` and those behind it,
  /// `step` apart, as far as they are below `end`.
  template <int kAhead, bool kMayPack>
  STM_DEVICE Kept<T> with_units(Kept<T> kept, const T* from, int64_t first, int64_t step, int64_t end) const {
    const bool packs = kMayPack && packed;
    constexpr int kWidth = kMayPack ? W : 1;
    Pack<T, kWidth> next[kAhead];
    const T none = neutral();
    STM_UNROLL
    for (int k = 0; k < kAhead; ++k) {
      const int64_t unit = first + k * step;
      if (packs && unit < end) next[k] = *pack_at<kWidth>(from + unit * W);
      else next[k].item[0] = unit < end ? from[inner.at(unit)] : none;
    }
    with_join([&](const auto& join) {
      STM_UNROLL
      for (int k = 0; k < kAhead; ++k) {
        const int64_t unit = first + k * step, place = packs ? unit * W : unit;
        kept = join(kept, Kept<T>{static_cast<Wide>(next[k].item[0]), unit < end ? static_cast<int32_t>(place) : -1});
        if constexpr (kMayPack) {
          STM_UNROLL
          for (int w = 1; w < W; ++w)
            if (packs && unit < end)
              kept = join(kept, Kept<T>{static_cast<Wide>(next[k].item[w]), static_cast<int32_t>(place + w)});
        }
      }
    });
    return kept;
  }

  STM_DEVICE const T* elements_of(int64_t result) const {
    int64_t at[2];
    outer.at(result, at);
    return x + at[0];
  }
  STM_DEVICE void put(int64_t result, const Kept<T>& kept) const {
    int64_t at[2];
    outer.at(result, at);
    if (reducer == Reducer::ArgMax || reducer == Reducer::ArgMin) static_cast<int32_t*>(out)[at[1]] = kept.place;
    else
      static_cast<T*>(out)[at[1]] =
          fitted<T>(reducer == Reducer::Mean ? kept.number / static_cast<Wide>(count) : kept.number, fault, op);
  }
  STM_DEVICE void put_slice(int64_t result, int64_t slice, const Kept<T>& kept) const {
    if (slices == 1) put(result, kept);
    else partials[slice * results + result] = kept;
  }
};

/// A thread for each slice of a result. Slices take turns at the elements, so that neighbouring threads read side by
/// side.
template <class T>
struct ReduceByThreads {
  static constexpr int kAhead = 8;
  Reduction<T> r;
  STM_DEVICE void operator()(int64_t item) const {
    const int64_t slice = quotient(item, r.results), result = item - slice * r.results;
    const T* from = r.elements_of(result);
    Kept<T> kept = r.start();
    for (int64_t i = slice; i < r.units; i += kAhead * r.slices)
      kept = r.template with_units<kAhead, false>(kept, from, i, r.slices, r.units);
    r.put_slice(result, slice, kept);
  }
};

/// A block of threads for each slice of a result, which is a run of units.
template <class T>
struct ReduceByBlocks {
  static constexpr int kAhead = 4;
  Reduction<T> r;
  int64_t length;  ///< of a slice
  STM_DEVICE void operator()(Block& block, int64_t item) const {
    const int64_t slice = quotient(item, r.results), result = item - slice * r.results;
    const T* from = r.elements_of(result);
    const int64_t first = slice * length, end = std::min(r.units, first + length),
                  calls = (end - first + kAhead - 1) / kAhead;
    const Kept<T> kept = block.reduce(
        calls, r.start(),
        [&](int64_t call) { return r.template with_units<kAhead, true>(r.start(), from, first + call, calls, end); },
        [&](const Kept<T>& a, const Kept<T>& b) { return r.joined(a, b); });
    block.once([&] { r.put_slice(result, slice, kept); });
  }
};

template <class T>
struct JoinByThreads {
  Reduction<T> r;
  STM_DEVICE void operator()(int64_t result) const {
    Kept<T> kept = r.start();
    for (int64_t slice = 0; slice < r.slices; ++slice) kept = r.joined(kept, r.partials[slice * r.results + result]);
    r.put(result, kept);
  }
};

template <class T>
struct JoinByBlocks {
  Reduction<T> r;
  STM_DEVICE void operator()(Block& block, int64_t result) const {
    const Kept<T> kept = block.reduce(
        r.slices, r.start(), [&](int64_t slice) { return r.partials[slice * r.results + result]; },
        [&](const Kept<T>& a, const Kept<T>& b) { return r.joined(a, b); });
    block.once([&] { r.put(result, kept); });
  }
};

/// At most `wanted` slices, none of fewer than `least` elements.
int64_t slices_of(int64_t count, int64_t wanted, int64_t least) {
  return std::max<int64_t>(1, std::min(wanted, count / least));
}

template <class T>
Status reduce_as(Context& context, Reducer reducer, const View& x, int32_t reduced, const View& out) {
  constexpr int W = Reduction<T>::W, kAhead = ReduceByBlocks<T>::kAhead;
  constexpr int64_t kFew = 32,
                    kSmall = int64_t{1} << 18;  // elements of a result for one thread, and in all that caches hold
  const Axes<2> outer({&x, &out}, 0, x.rank - reduced);
  const Axes<1> inner({&x}, x.rank - reduced, x.rank);
  const int64_t results = out.size(), count = inner.size();
  if (results == 0) return Status::ok();
  Reduction<T> r{reducer, outer,   inner, x.as<const T>(), out.data,      results,   count,
                 1,       nullptr, false, count,           context.fault, context.op};
  const bool columns = outer.last() > 1 && std::abs(outer.last_stride(0)) < std::abs(inner.last_stride(0));
  const bool by_threads = count <= kFew || (columns && results * count > kSmall);
  const int64_t at_once = int64_t{context.multiprocessors} * 1'024;
  int64_t length = 0;
  if (by_threads) {
    r.slices = slices_of(count, at_once / results, 16);
  } else {
    r.packed = inner.rank == 1 && inner.last_stride(0) == 1 && count % W == 0 && packs<W>(r.x, outer, 0) &&
               outer.last_stride(0) % W == 0;
    if (r.packed) r.units /= W;
    const int64_t wanted = slices_of(r.units, 2 * at_once / kMaxThreads / results, kMaxThreads * kAhead);
    length = (r.units + wanted - 1) / wanted;
    r.slices = (r.units + length - 1) / length;
  }
  if (r.slices > 1) {
    void* partials = nullptr;
    STM_TRY(
        context.scratch(Context::kPartials, static_cast<size_t>(r.slices * r.results) * sizeof(Kept<T>), &partials));
    r.partials = static_cast<Kept<T>*>(partials);
  }
  if (by_threads) STM_TRY(launch_each(context, "reduce", r.slices * r.results, ReduceByThreads<T>{r}));
  else
    STM_TRY(launch_blocks(context, "reduce", r.slices * r.results, (length + kAhead - 1) / kAhead,
                          ReduceByBlocks<T>{r, length}));
  if (r.slices == 1) return Status::ok();
  if (r.slices <= 8) return launch_each(context, "reduce", r.results, JoinByThreads<T>{r});
  return launch_blocks(context, "reduce", r.results, r.slices, JoinByBlocks<T>{r});
}

}  // namespace

Status CudaReduce::reduce(Fold op, const View& x, int32_t reduced, const View& out) noexcept {
  return dispatch_any(x.dtype, [&](auto zero) {
    return reduce_as<decltype(zero)>(context_, static_cast<Reducer>(op), x, reduced, out);
  });
}

Status CudaReduce::arg_extreme(bool largest, const View& x, const View& out) noexcept {
  return dispatch_any(x.dtype, [&](auto zero) {
    return reduce_as<decltype(zero)>(context_, largest ? Reducer::ArgMax : Reducer::ArgMin, x, 1, out);
  });
}

}  // namespace stm::cuda
