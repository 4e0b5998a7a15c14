#include "backend/cuda/recurrent/copies.h"

#include <cuda_bf16.h>
#include <cuda_fp16.h>

#include <algorithm>

#include "backend/cuda/launch.h"
#include "backend/cuda/padding.h"
#include "backend/cuda/pieces.h"

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

template <class T>
STM_DEVICE T zero() {
  return Convert<T, float>::to(0.0f);
}

/// Calls `f(caller's type{}, cuDNN's type{})`.
template <class F>
Status dispatch(DType dtype, Element element, F f) {
  if (dtype == DType::F64) return f(double{}, double{});
  if (element == Element::F16) return f(float{}, __half{});
  if (element == Element::Bf16) return f(float{}, __nv_bfloat16{});
  return f(float{}, float{});
}

/// Where steps of a block lie in a padded batch.
struct Places {
  Window window;
  int64_t row, step;
  /// The first element of the caller's step that is number `index` in the block; -1 if the row has ended.
  STM_DEVICE int64_t of(int64_t index) const {
    const int64_t inner = window.batch_major ? window.steps : window.batch, outer = quotient(index, inner), rest = index - outer * inner;
    const int64_t r = window.batch_major ? outer : rest, t = window.from + (window.batch_major ? rest : outer);
    const int64_t number = window.rows ? window.rows[r] : r, length = window.lengths ? window.lengths[number] : window.most;
    if (t >= length) return -1;
    return number * row + (window.flipped ? length - 1 - t : t) * step;
  }
};

/// Steps of `width` elements, a few to a block of threads.
struct Slabs {
  int64_t steps;
  uint32_t width, each;
  Slabs(int64_t steps, int64_t width) : steps(steps), width(static_cast<uint32_t>(width)), each(static_cast<uint32_t>(std::max<int64_t>(1, 2048 / width))) {}
  int64_t count() const { return (steps + each - 1) / each; }
  /// Calls `f(step, j)` for each element of the slab.
  template <class F>
  STM_DEVICE void elements(Block& block, int64_t slab, F f) const {
    const int64_t first = slab * each, left = steps - first;
    const uint32_t wide = width;
    block.each(static_cast<int64_t>(left < each ? left : each) * wide, [&](int64_t i) {
      const uint32_t step = static_cast<uint32_t>(i) / wide;
      f(first + step, static_cast<uint32_t>(i) - step * wide);
    });
  }
};

template <class From, class To>
struct Gather {
  Places places;
  Slabs slabs;
  const From* padded;
  To* dense;
  STM_DEVICE void operator()(Block& block, int64_t slab) const {
    slabs.elements(block, slab, [&](int64_t step, int64_t j) {
      const int64_t place = places.of(step);
      dense[step * slabs.width + j] = place < 0 ? zero<To>() : Convert<To, From>::to(padded[place + j]);
    });
  }
};

template <class From, class To>
struct Scatter {
  Places places;
  Slabs slabs;
  const From* dense;
  To* padded;
  bool add;
  STM_DEVICE void operator()(Block& block, int64_t slab) const {
    slabs.elements(block, slab, [&](int64_t step, int64_t j) {
      const int64_t place = places.of(step);
      if (place < 0) return;
      const To value = Convert<To, From>::to(dense[step * slabs.width + j]);
      padded[place + j] = add ? padded[place + j] + value : value;
    });
  }
};

template <class T>
struct ClearPadding {
  Steps padded;
  Slabs slabs;
  int64_t T_;
  const int32_t* lengths;
  STM_DEVICE void operator()(Block& block, int64_t slab) const {
    slabs.elements(block, slab, [&](int64_t index, int64_t j) {
      const int64_t row = quotient(index, T_), t = index - row * T_;
      if (t >= lengths[row]) static_cast<T*>(padded.data)[row * padded.row + t * padded.step + j] = T(0);
    });
  }
};

template <class From, class To>
struct WeightItem {
  const From* from;
  To* to;
  int64_t size;
};
template <class From, class To>
using WeightTable = PieceTable<WeightItem<From, To>, 4096, 120>;

template <class From, class To>
struct CopyWeights {
  WeightTable<From, To> table;
  bool add;
  STM_DEVICE void operator()(Block& block, int64_t piece) const {
    table.with_piece(piece, [&](const WeightItem<From, To>& item, int64_t begin, int64_t size) {
      block.each(size, [&](int64_t i) {
        const To value = Convert<To, From>::to(item.from[begin + i]);
        if constexpr (sizeof(To) >= sizeof(From)) item.to[begin + i] = add ? item.to[begin + i] + value : value;
        else item.to[begin + i] = value;
      });
    });
  }
};

template <class From, class To, class At>
Status copy_weights(Context& context, const char* name, size_t count, bool add, const At& item) {
  using Table = WeightTable<From, To>;
  return Table::for_each(static_cast<int64_t>(count), item, [&](const Table& table) {
    return launch_blocks(context, name, table.pieces(), Table::kSize, CopyWeights<From, To>{table, add});
  });
}

}  // namespace

Status gather(Context& context, DType dtype, Element element, const Steps& padded, const Window& window, void* block) {
  return dispatch(dtype, element, [&](auto from, auto to) {
    using From = decltype(from);
    using To = decltype(to);
    const Slabs slabs(window.batch * window.steps, window.width);
    const Gather<From, To> kernel{{window, padded.row, padded.step}, slabs, static_cast<const From*>(padded.data), static_cast<To*>(block)};
    return launch_blocks(context, "recurrent_gather", slabs.count(), slabs.each * window.width, kernel);
  });
}

Status scatter(Context& context, DType dtype, Element element, const void* block, const Window& window, const Steps& padded, bool add) {
  return dispatch(dtype, element, [&](auto to, auto from) {
    using From = decltype(from);
    using To = decltype(to);
    const Slabs slabs(window.batch * window.steps, window.width);
    const Scatter<From, To> kernel{{window, padded.row, padded.step}, slabs, static_cast<const From*>(block), static_cast<To*>(padded.data), add};
    return launch_blocks(context, "recurrent_scatter", slabs.count(), slabs.each * window.width, kernel);
  });
}

Status clear_padding(Context& context, DType dtype, const Steps& padded, int64_t N, int64_t T, int64_t width, const int32_t* lengths) {
  const Slabs slabs(N * T, width);
  if (dtype == DType::F64)
    return launch_blocks(context, "recurrent_clear_padding", slabs.count(), slabs.each * width, ClearPadding<double>{padded, slabs, T, lengths});
  return launch_blocks(context, "recurrent_clear_padding", slabs.count(), slabs.each * width, ClearPadding<float>{padded, slabs, T, lengths});
}

Status pack_weights(Context& context, DType dtype, Element element, const std::vector<WeightRun>& runs, const void* blob, void* space, size_t space_bytes) {
  STM_CUDA(context, cudaMemsetAsync(space, 0, space_bytes, context.stream));
  return dispatch(dtype, element, [&](auto from, auto to) {
    using From = decltype(from);
    using To = decltype(to);
    return copy_weights<From, To>(context, "recurrent_pack", runs.size(), false, [&](int64_t i) {
      const WeightRun& run = runs[static_cast<size_t>(i)];
      return WeightItem<From, To>{static_cast<const From*>(blob) + run.blob, reinterpret_cast<To*>(static_cast<char*>(space) + run.space), run.count};
    });
  });
}

Status unpack_weights(Context& context, DType dtype, Element element, const std::vector<WeightRun>& runs, const void* space, void* blob, bool add) {
  return dispatch(dtype, element, [&](auto to, auto from) {
    using From = decltype(from);
    using To = decltype(to);
    return copy_weights<From, To>(context, "recurrent_unpack", runs.size(), add, [&](int64_t i) {
      const WeightRun& run = runs[static_cast<size_t>(i)];
      return WeightItem<From, To>{reinterpret_cast<const From*>(static_cast<const char*>(space) + run.space), static_cast<To*>(blob) + run.blob, run.count};
    });
  });
}

}  // namespace stm::cuda
