#pragma once
#include <algorithm>
#include <array>

#include "backend/axes.h"
#include "backend/cpu/team.h"
#include "backend/view.h"

namespace stm {

/// A callable by reference: what it refers to must outlive it.
template <size_t N>
class RowFunction {
 public:
  using Data = std::array<char*, N>;
  using Strides = std::array<int64_t, N>;
  template <class F>
  RowFunction(const F& f)
      : f_(&f), call_([](const void* f, const Data& data, const Strides& strides, int64_t count) {
          (*static_cast<const F*>(f))(data, strides, count);
        }) {}
  void operator()(const Data& data, const Strides& strides, int64_t count) const { call_(f_, data, strides, count); }

 private:
  const void* f_;
  void (*call_)(const void*, const Data&, const Strides&, int64_t);
};

/// Walks views of equal extents together. Calls
/// `row(std::array<char*, N> data, std::array<int64_t, N> strides_in_bytes, int64_t count)` for runs along the
/// innermost axis, after merging axes that lie densely behind each other in every view; walks of more than `grain`
/// elements are shared out over the team.
///
/// `row` is type-erased, so that the walk is compiled once for each N and not for each of hundreds of ops.
template <size_t N>
void for_rows(const std::array<const View*, N>& views, RowFunction<N> row, int64_t grain = 16'384) {
  constexpr int64_t kLongRun = int64_t{1} << 18;
  MergedAxes<static_cast<int>(N)> axes;
  for (int axis = 0; axis < views[0]->rank; ++axis) {
    const int64_t n = views[0]->extent[axis];
    if (n == 0) return;
    if (n == 1) continue;
    int64_t step[N];
    for (size_t i = 0; i < N; ++i) step[i] = views[i]->stride[axis] * static_cast<int64_t>(size_of(views[i]->dtype));
    axes.add(n, step);
  }
  const int rank = axes.rank;
  std::array<char*, N> base;
  for (size_t i = 0; i < N; ++i) base[i] = views[i]->template as<char>();
  if (rank == 0) {
    row(base, std::array<int64_t, N>{}, 1);
    return;
  }
  const int64_t inner = axes.extent[rank - 1];
  std::array<int64_t, N> inner_stride;
  for (size_t i = 0; i < N; ++i) inner_stride[i] = axes.stride[i][rank - 1];
  if (rank == 1) {
    parallel_for(inner, grain, [&](int64_t begin, int64_t end) {
      std::array<char*, N> data;
      for (size_t i = 0; i < N; ++i) data[i] = base[i] + begin * inner_stride[i];
      row(data, inner_stride, end - begin);
    });
    return;
  }
  int64_t outer = 1;
  for (int axis = 0; axis + 1 < rank; ++axis) outer *= axes.extent[axis];
  parallel_for(outer, std::max<int64_t>(1, grain / inner), [&](int64_t begin, int64_t end) {
    for (int64_t index = begin; index < end; ++index) {
      std::array<char*, N> data = base;
      for (int64_t axis = rank - 2, rest = index; axis >= 0; --axis) {
        const int64_t at = rest % axes.extent[axis];
        rest /= axes.extent[axis];
        for (size_t i = 0; i < N; ++i) data[i] += at * axes.stride[i][axis];
      }
      if (inner <= kLongRun) {
        row(data, inner_stride, inner);
        continue;
      }
      in_blocks(0, inner, kLongRun, [&](int64_t from, int64_t to) {
        std::array<char*, N> part = data;
        for (size_t i = 0; i < N; ++i) part[i] += from * inner_stride[i];
        row(part, inner_stride, to - from);
      });
    }
  });
}

}  // namespace stm
