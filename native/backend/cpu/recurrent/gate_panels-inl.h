// Weights in panels of gates, for products whose columns are the sums of cells, and the tiles of rows along them.
#if defined(STM_GATE_PANELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_GATE_PANELS_INL_H_
#undef STM_GATE_PANELS_INL_H_
#else
#define STM_GATE_PANELS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "backend/cpu/recurrent/cells-inl.h"
#include "backend/cpu/recurrent/panel-inl.h"
#include "backend/cpu/recurrent/spans.h"
#include "backend/cpu/stopping.h"
#include "backend/cpu/team.h"
#include "backend/cpu/transpose-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

constexpr int64_t kTilesBetweenStops = 64;

// [gates][hidden][columns] -> panels of kWidth units: [columns][slot][kUnitVecs * kLanes], slots in the order of the
// state's if rotated.
template <class C>
void PackGatePanels(bool state, const float* weight, int64_t hidden, int64_t columns, float* panels, int rank,
                    int members) {
  constexpr int kWidth = CellPanels<C>::kWidth;
  const Share share(CeilDiv(hidden, kWidth), rank, members);
  for (int64_t panel = share.begin; panel < share.end; ++panel) {
    stop_point();
    const int64_t unit = panel * kWidth, left = std::min<int64_t>(kWidth, hidden - unit);
    for (int gate = 0; gate < C::kGates; ++gate) {
      const int slot = state ? (gate + C::kRotate) % C::kGates : gate;
      TransposeRows(weight + (gate * hidden + unit) * columns, columns, left, kWidth, columns,
                    panels + panel * C::kGates * kWidth * columns + slot * kWidth, C::kGates * kWidth);
    }
  }
}

// Rows of a span that share a tile: number `index` of `count`.
struct RowTile {
  int64_t row;
  int rows;
  int64_t index, count;
};

// Calls tile(RowTile) for row tiles of nearly equal height, at most `height`.
template <class F>
HWY_INLINE void ForRowTiles(const Span& span, int height, const F& tile) {
  const int64_t rows = span.end - span.begin, tiles = CeilDiv(rows, height);
  int64_t row = span.begin;
  for (int64_t i = 0; i < tiles; ++i) {
    if (i % kTilesBetweenStops == 0) stop_point();
    const int n = static_cast<int>(rows / tiles + (i < rows % tiles));
    tile(RowTile{row, n, i, tiles});
    row += n;
  }
}

// A panel of gates, and the one that comes after it.
struct PanelAt {
  int64_t panel, next;
};

template <class C>
HWY_INLINE Factors GateFactors(const float* a, ptrdiff_t stride, const float* panels, int64_t panels_depth,
                               int64_t depth, const PanelAt& at, const RowTile& tile) {
  constexpr int kVecs = CellPanels<C>::kGateVecs;
  const int64_t size = kVecs * kLanes * panels_depth;
  return {a + tile.row * stride, stride, panels + at.panel * size, depth,
          Ahead::Part(panels + at.next * size, kVecs, panels_depth, tile.index, tile.count)};
}

// sums = initial + both products, of as many rows as a tile has at most.
template <class C>
HWY_INLINE void MulAddGates(int rows, float* sums, ptrdiff_t ld, const float* initial, ptrdiff_t ld_initial,
                            const Factors& first, const Factors& second = {nullptr, 0, nullptr, 0}) {
  constexpr int kVecs = CellPanels<C>::kGateVecs;
  if (!CellPanels<C>::kInHalves || rows <= kRowsFor[kVecs])
    return kTiles.at[kVecs][rows](sums, ld, initial, ld_initial, first, second);
  constexpr ptrdiff_t kHalf = kHalfVecs * kLanes;
  for (int half = 0; half < 2; ++half, sums += kHalf, initial += kHalf)
    kTiles.half[rows](sums, ld, initial, ld_initial, first.Half(half), second.Half(half));
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
