#pragma once
#include <algorithm>
// Where kernels find the elements of views with any strides.
#include <utility>

#include "backend/axes.h"
#include "backend/cuda/kernel/packs.h"
#include "backend/functors.h"
#include "backend/view.h"

namespace stm::cuda {

/// A divisor that is known before the launch, 1..2^31-1: to divide by it is to multiply and shift (Granlund and
/// Montgomery, 1994).
class Divisor {
 public:
  Divisor() = default;
  explicit Divisor(int64_t value) : value_(static_cast<uint32_t>(value)) {
    while ((int64_t{1} << shift_) < value) ++shift_;
    magic_ = static_cast<uint32_t>((((uint64_t{1} << shift_) - value_) << 32) / value_ + 1);
  }
  STM_DEVICE uint32_t value() const { return value_; }
  /// n / value for n < 2^31.
  STM_DEVICE uint32_t quotient(uint32_t n) const {
    return (static_cast<uint32_t>((uint64_t{n} * magic_) >> 32) + n) >> shift_;
  }

 private:
  uint32_t value_ = 1, magic_ = 1, shift_ = 0;
};

/// Some axes of N views, walked in the order that lies densest in the first. An absent view (null) has strides of 0.
template <int N>
struct Axes : MergedAxes<N> {
  using MergedAxes<N>::rank, MergedAxes<N>::extent, MergedAxes<N>::stride, MergedAxes<N>::size;
  bool narrow = true;  ///< fewer than 2^31 elements, and axes no longer than that beside an empty one
  Divisor divisor[kMaxRank];

  /// Axes `from`..`to`-1.
  Axes(const View* const (&views)[N], int from, int to) {
    const View& first = *views[0];
    int order[kMaxRank], count = 0;
    for (int axis = from; axis < to; ++axis) {
      if (first.extent[axis] == 1) continue;
      int place = count++;
      for (; place > 0 && distance(first, order[place - 1]) < distance(first, axis); --place)
        order[place] = order[place - 1];
      order[place] = axis;
    }
    for (int i = 0; i < count; ++i) add(views, order[i]);
    if (rank == 0) extent[rank++] = 1;
    set_divisors();
  }

  int64_t last() const { return extent[rank - 1]; }
  int64_t last_stride(int view) const { return stride[view][rank - 1]; }
  /// Walks packs of `width` elements of the last axis instead of elements.
  void pack(int64_t width) {
    extent[rank - 1] /= width;
    for (int view = 0; view < N; ++view) stride[view][rank - 1] *= width;
    set_divisors();
  }

  /// How far from the first element each view has the one with this number.
  STM_DEVICE void at(int64_t index, int64_t (&offset)[N]) const {
    if (narrow) {
      locate(static_cast<uint32_t>(index), offset, [&](uint32_t n, int axis) { return divisor[axis].quotient(n); });
    } else {
      locate(index, offset, [&](int64_t n, int axis) { return n / extent[axis]; });
    }
  }
  /// The same for one view.
  STM_DEVICE int64_t at(int64_t index) const {
    static_assert(N == 1, "name the view");
    int64_t offset[1];
    at(index, offset);
    return offset[0];
  }

 private:
  static int64_t distance(const View& view, int axis) {
    return view.stride[axis] < 0 ? -view.stride[axis] : view.stride[axis];
  }

  void add(const View* const (&views)[N], int axis) {
    int64_t step[N];
    for (int i = 0; i < N; ++i) step[i] = views[i]->data ? views[i]->stride[axis] : 0;
    MergedAxes<N>::add(views[0]->extent[axis], step);
  }
  void set_divisors() {
    constexpr int64_t kMost = int64_t{1} << 31;
    narrow = size() < kMost && std::all_of(extent, extent + rank, [](int64_t n) { return n < kMost; });
    for (int i = 0; i < rank && narrow; ++i) divisor[i] = Divisor(extent[i] > 0 ? extent[i] : 1);
  }
  template <class Index, class Divide>
  STM_DEVICE void locate(Index index, int64_t (&offset)[N], const Divide& divide) const {
    for (int i = 0; i < N; ++i) offset[i] = 0;
    for (int axis = rank - 1; axis > 0; --axis) {
      const Index rest = divide(index, axis), digit = index - rest * static_cast<Index>(extent[axis]);
      for (int i = 0; i < N; ++i) offset[i] += digit * stride[i][axis];
      index = rest;
    }
    for (int i = 0; i < N; ++i) offset[i] += index * stride[i][0];
  }
};

/// Whether packs of W elements can be read at `data`, and at every step of the axes but the last, which is dense.
template <int W, class T, int N>
bool packs(const T* data, const Axes<N>& axes, int view) {
  bool even = lie_in_packs<W>(data);
  for (int i = 0; i + 1 < axes.rank; ++i) even = even && axes.stride[view][i] % W == 0;
  return even;
}

}  // namespace stm::cuda
