#include "backend/cuda/recurrent/copies.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

#include "backend/cuda/kernel/axes.h"
#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/kernel/padding.h"
#include "backend/cuda/kernel/pieces.h"
#include "backend/dispatch.h"

namespace stm::cuda {
namespace {

template <class To, class From>
struct Convert {
  STM_DEVICE static To to(From x) { return static_cast<To>(x); }
};
template <>
struct Convert<__half, float> {
  STM_DEVICE static __half to(float x) { return __float2half_rn(x); }
};
template <>
struct Convert<float, __half> {
  STM_DEVICE static float to(__half x) { return __half2float(x); }
};
template <>
struct Convert<__nv_bfloat16, float> {
  STM_DEVICE static __nv_bfloat16 to(float x) { return __float2bfloat16_rn(x); }
};
template <>
struct Convert<float, __nv_bfloat16> {
  STM_DEVICE static float to(__nv_bfloat16 x) { return __bfloat162float(x); }
};

template <int W, class T>
STM_DEVICE Pack<T, W> zeros() {
  Pack<T, W> pack;
  STM_UNROLL
  for (int k = 0; k < W; ++k) pack.item[k] = Convert<T, float>::to(0.0f);
  return pack;
}

/// Calls `f(caller's type{}, cuDNN's type{})`.
template <class F>
Status dispatch(DType dtype, Element element, F f) {
  if (dtype == DType::F64) return f(double{}, double{});
  if (element == Element::F16) return f(float{}, __half{});
  if (element == Element::Bf16) return f(float{}, __nv_bfloat16{});
  return f(float{}, float{});
}

/// To divide numbers of at most `most` by one that is known before the launch.
class Division {
 public:
  Division(int64_t most, int64_t by)
      : by_(std::max<int64_t>(by, 1)), narrow_(most < kMost && by_ < kMost), divisor_(narrow_ ? by_ : 1) {}
  STM_DEVICE int64_t quotient(int64_t n) const {
    return narrow_ ? divisor_.quotient(static_cast<uint32_t>(n)) : n / by_;
  }
  STM_DEVICE int64_t by() const { return by_; }

 private:
  static constexpr int64_t kMost = int64_t{1} << 31;
  int64_t by_;
  bool narrow_;
  Divisor divisor_;
};

/// Where steps of a block lie in a padded batch.
class Places {
 public:
  Places(const Window& window, const Steps& padded)
      : window_(window),
        row_(padded.row),
        step_(padded.step),
        inner_(window.batch * window.steps, window.batch_major ? window.steps : window.batch) {}
  /// The first element of the caller's step that is number `index` in the block; -1 if the row has ended.
  STM_DEVICE int64_t of(int64_t index) const {
    const int64_t outer = inner_.quotient(index), rest = index - outer * inner_.by();
    const int64_t r = window_.batch_major ? outer : rest, t = window_.from + (window_.batch_major ? rest : outer);
    const int64_t number = window_.rows ? window_.rows[r] : r,
                  length = window_.lengths ? window_.lengths[number] : window_.most;
    if (t >= length) return -1;
    return number * row_ + (window_.flipped ? length - 1 - t : t) * step_;
  }

 private:
  Window window_;
  int64_t row_, step_;
  Division inner_;
};

/// Steps of `width` elements, a few to a block of threads: which are walked pack by pack where all steps lie in packs.
template <int W>
struct Slabs {
  int64_t steps;
  bool packed;
  uint32_t units, each;  ///< packs or elements of a step, and steps of a slab
  Divisor by_units;
  Slabs(int64_t steps, int64_t width, bool packed)
      : steps(steps),
        packed(packed),
        units(static_cast<uint32_t>(packed ? width / W : width)),
        each(static_cast<uint32_t>(std::max<int64_t>(1, 2048 / width))),
        by_units(units) {}
  int64_t count() const { return (steps + each - 1) / each; }
  int64_t threads() const { return int64_t{each} * units; }

  /// Calls `f(width, step, j)` for the elements of the slab: `width` of them from element j of the step on.
  template <class F>
  STM_DEVICE void walk(Block& block, int64_t slab, const F& f) const {
    const int64_t first = slab * each, left = steps - first;
    block.each((left < each ? left : each) * units, [&](int64_t i) {
      const uint32_t step = by_units.quotient(static_cast<uint32_t>(i)), unit = static_cast<uint32_t>(i) - step * units;
      if (packed) f(Width<W>{}, first + step, int64_t{unit} * W);
      else f(Width<1>{}, first + step, int64_t{unit});
    });
  }
};

/// Whether steps of `width` elements of a padded batch can be read in packs of W.
template <int W, class T>
bool steps_lie_in_packs(const Steps& padded, int64_t width) {
  return width % W == 0 && padded.row % W == 0 && padded.step % W == 0 &&
         lie_in_packs<W>(static_cast<const T*>(padded.data));
}

template <int W, class From, class To>
STM_DEVICE Pack<To, W> converted(const From* from) {
  const Pack<From, W> given = *pack_at<W>(from);
  Pack<To, W> pack;
  STM_UNROLL
  for (int k = 0; k < W; ++k) pack.item[k] = Convert<To, From>::to(given.item[k]);
  return pack;
}

/// Writes a pack, or adds it to what is there. Only numbers of the caller's are added to.
template <int W, class To>
STM_DEVICE void put(Pack<To, W> pack, To* to, bool add) {
  if constexpr (std::is_floating_point_v<To>) {
    if (add) {
      const Pack<To, W> before = *pack_at<W>(to);
      STM_UNROLL
      for (int k = 0; k < W; ++k) pack.item[k] = before.item[k] + pack.item[k];
    }
  }
  *pack_at<W>(to) = pack;
}

template <class From, class To>
struct Gather {
  static constexpr int W = kPackWidth<From, To>;
  Places places;
  Slabs<W> slabs;
  const From* padded;
  To* dense;
  int64_t width;
  STM_DEVICE void operator()(Block& block, int64_t slab) const {
    slabs.walk(block, slab, [&](auto some, int64_t step, int64_t j) {
      constexpr int kSome = decltype(some)::value;
      const int64_t place = places.of(step);
      const Pack<To, kSome> pack = place < 0 ? zeros<kSome, To>() : converted<kSome, From, To>(padded + place + j);
      put(pack, dense + step * width + j, false);
    });
  }
};

template <class From, class To>
struct Scatter {
  static constexpr int W = kPackWidth<From, To>;
  Places places;
  Slabs<W> slabs;
  const From* dense;
  To* padded;
  int64_t width;
  bool add;
  STM_DEVICE void operator()(Block& block, int64_t slab) const {
    slabs.walk(block, slab, [&](auto some, int64_t step, int64_t j) {
      constexpr int kSome = decltype(some)::value;
      const int64_t place = places.of(step);
      if (place >= 0) put(converted<kSome, From, To>(dense + step * width + j), padded + place + j, add);
    });
  }
};

template <class T>
struct ClearPadding {
  static constexpr int W = kPackWidth<T>;
  Steps padded;
  Slabs<W> slabs;
  Division by_row;
  const int32_t* lengths;
  STM_DEVICE void operator()(Block& block, int64_t slab) const {
    slabs.walk(block, slab, [&](auto some, int64_t index, int64_t j) {
      constexpr int kSome = decltype(some)::value;
      const int64_t row = by_row.quotient(index), t = index - row * by_row.by();
      if (t >= lengths[row])
        put(zeros<kSome, T>(), static_cast<T*>(padded.data) + row * padded.row + t * padded.step + j, false);
    });
  }
};

template <class From, class To>
struct ConversionItem {
  const From* from;
  To* to;
  int64_t size;
};

template <class From, class To>
struct ConvertPieces {
  static constexpr int W = kPackWidth<From, To>;
  using Item = ConversionItem<From, To>;
  using Table = PieceTable<Item, 4096, 120>;
  Table table;
  bool add;
  STM_DEVICE void operator()(Block& block, int64_t piece) const {
    table.with_piece(piece, [&](const Item& item, int64_t begin, int64_t size) {
      each_pack<W>(block, size, lie_in_packs<W>(item.from, item.to), [&](auto some, int64_t i) {
        constexpr int kSome = decltype(some)::value;
        put(item.from ? converted<kSome, From, To>(item.from + begin + i) : zeros<kSome, To>(), item.to + begin + i,
            add);
      });
    });
  }
};

template <class From, class To>
Status convert(Context& context, const std::vector<Conversion>& arrays, bool add) {
  using Kernel = ConvertPieces<From, To>;
  using Table = typename Kernel::Table;
  const auto item = [&](int64_t i) {
    const Conversion& array = arrays[static_cast<size_t>(i)];
    return typename Kernel::Item{static_cast<const From*>(array.from), static_cast<To*>(array.to), array.count};
  };
  return Table::for_each(static_cast<int64_t>(arrays.size()), item, [&](const Table& table) {
    return launch_blocks(context, "recurrent_convert", table.pieces(), Table::kSize / Kernel::W, Kernel{table, add});
  });
}

}  // namespace

Status gather(Context& context, DType dtype, Element element, const Steps& padded, const Window& window, void* block) {
  return dispatch(dtype, element, [&](auto from, auto to) {
    using From = decltype(from);
    using To = decltype(to);
    using Kernel = Gather<From, To>;
    const bool packed =
        steps_lie_in_packs<Kernel::W, From>(padded, window.width) && lie_in_packs<Kernel::W>(static_cast<To*>(block));
    const Slabs<Kernel::W> slabs(window.batch * window.steps, window.width, packed);
    const Kernel kernel{Places(window, padded), slabs, static_cast<const From*>(padded.data), static_cast<To*>(block),
                        window.width};
    return launch_blocks(context, "recurrent_gather", slabs.count(), slabs.threads(), kernel);
  });
}

Status scatter(Context& context, DType dtype, Element element, const void* block, const Window& window,
               const Steps& padded, bool add) {
  return dispatch(dtype, element, [&](auto to, auto from) {
    using From = decltype(from);
    using To = decltype(to);
    using Kernel = Scatter<From, To>;
    const bool packed = steps_lie_in_packs<Kernel::W, To>(padded, window.width) &&
                        lie_in_packs<Kernel::W>(static_cast<const From*>(block));
    const Slabs<Kernel::W> slabs(window.batch * window.steps, window.width, packed);
    const Kernel kernel{Places(window, padded),        slabs,        static_cast<const From*>(block),
                        static_cast<To*>(padded.data), window.width, add};
    return launch_blocks(context, "recurrent_scatter", slabs.count(), slabs.threads(), kernel);
  });
}

Status clear_padding(Context& context, DType dtype, const Steps& padded, int64_t N, int64_t T, int64_t width,
                     const int32_t* lengths) {
  return dispatch_floating(dtype, [&](auto zero) {
    using T_ = decltype(zero);
    using Kernel = ClearPadding<T_>;
    const Slabs<Kernel::W> slabs(N * T, width, steps_lie_in_packs<Kernel::W, T_>(padded, width));
    return launch_blocks(context, "recurrent_clear_padding", slabs.count(), slabs.threads(),
                         Kernel{padded, slabs, Division(N * T, T), lengths});
  });
}

Status convert_in(Context& context, DType dtype, Element element, const std::vector<Conversion>& arrays) {
  return dispatch(dtype, element,
                  [&](auto from, auto to) { return convert<decltype(from), decltype(to)>(context, arrays, false); });
}

Status convert_out(Context& context, DType dtype, Element element, const std::vector<Conversion>& arrays, bool add) {
  return dispatch(dtype, element,
                  [&](auto to, auto from) { return convert<decltype(from), decltype(to)>(context, arrays, add); });
}

}  // namespace stm::cuda
