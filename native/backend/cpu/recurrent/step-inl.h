// A step of one direction of one layer, and how its rows and units are shared out.
#if defined(STM_STEP_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_STEP_INL_H_
#undef STM_STEP_INL_H_
#else
#define STM_STEP_INL_H_
#endif

#include "backend/cpu/recurrent/cells-inl.h"
#include "backend/cpu/recurrent/gate_panels-inl.h"
#include "backend/cpu/recurrent/spans.h"
#include "backend/cpu/recurrent/steps.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

// What a tile needs to know of its step; pointers are those of batch row 0.
struct Step {
  const float *h_previous, *c_previous;
  ptrdiff_t ld_h_previous, ld_c_previous;
  int64_t state_depth;  // of the product with h_previous: its width, or 0 where it is zero
  float *gates, *cells, *wide, *out;
  ptrdiff_t ld_wide;
  const float* input;
};

inline Step MakeStep(const Recurrence& r, const Moment& moment, const Span& span) {
  const DirectionGeometry& g = r.geometry;
  const DirectionRows& x = r.rows;
  const std::vector<int64_t>& first = g.sequence->first;
  const int64_t H = g.hidden, O = g.width(), at = first[moment.t];
  Step step{};
  step.gates = x.gates ? x.gates + (at - x.first_gates) * x.ld_gates : nullptr;
  step.cells = x.cells ? x.cells + (g.training ? at * H : 0) : nullptr;
  step.out = x.out + at * x.ld_out;
  step.wide = step.out;
  step.ld_wide = x.ld_out;
  if (g.projection) {
    step.wide = x.wide + (g.training ? at * H : 0);
    step.ld_wide = H;
  }
  step.input = x.input ? x.input + at * g.input_size : nullptr;
  if (span.has_previous) {
    step.h_previous = x.out + first[moment.previous] * x.ld_out;
    step.ld_h_previous = x.ld_out;
    step.state_depth = O;
  } else {
    step.h_previous = x.h0 ? x.h0 : x.zeros;
    step.ld_h_previous = x.h0 ? O : 0;
    step.state_depth = x.h0 ? O : 0;
  }
  if (!g.training) {
    step.c_previous = x.cells;
    step.ld_c_previous = H;
  } else if (span.has_previous) {
    step.c_previous = x.cells ? x.cells + first[moment.previous] * H : nullptr;
    step.ld_c_previous = H;
  } else {
    step.c_previous = x.c0 ? x.c0 : x.zeros;
    step.ld_c_previous = x.c0 ? H : 0;
  }
  return step;
}

// What the cell of batch row `row` needs, from unit `unit` on.
template <class C>
HWY_INLINE Units UnitsAt(const Recurrence& r, const Step& step, int64_t row, int64_t unit) {
  const DirectionGeometry& g = r.geometry;
  Units units{g.hidden, g.hidden - unit, g.training ? step.gates + row * r.rows.ld_gates + unit : nullptr,
              nullptr,  nullptr,         g.cell == Cell::RnnRelu};
  if (C::kPrevious == Previous::kCell) {
    units.cell = step.cells + row * g.hidden + unit;
    units.previous = step.c_previous + row * step.ld_c_previous + unit;
  } else if (C::kPrevious == Previous::kOutput) {
    units.previous = step.h_previous + row * step.ld_h_previous + unit;
  }
  return units;
}

// The cells of a tile's rows from unit `unit` on, of one panel's sums.
template <class C>
HWY_INLINE void ForwardUnits(const Recurrence& r, const Step& step, const RowTile& tile, int64_t unit,
                             const float* sums) {
  using Panels = CellPanels<C>;
  constexpr ptrdiff_t kStride = Panels::kTileVecs * kLanes;
  for (int v = 0; v < C::kUnitVecs; ++v) {
    const int64_t column = unit + v * kLanes, left = r.geometry.hidden - column;
    if (left <= 0) break;
    for (int m = 0; m < tile.rows; ++m) {
      const int64_t at = tile.row + m;
      StoreFirst(C::Forward(UnitsAt<C>(r, step, at, column), sums + m * kStride + v * kLanes, Panels::kWidth),
                 step.wide + at * step.ld_wide + column, left);
    }
  }
}

// An owner's part of each step.
struct Work {
  bool by_rows;
  int64_t begin, end;  // batch rows
  int rank, members;   // among those who share the units
  Work(const DirectionGeometry& g, int owner)
      : by_rows(g.split->by_rows),
        begin(by_rows ? g.split->bounds[owner] : 0),
        end(by_rows ? g.split->bounds[owner + 1] : g.sequence->batch),
        rank(by_rows ? 0 : owner),
        members(by_rows ? 1 : g.split->owners) {}
  Share panels(int64_t columns, int64_t width) const { return Share(CeilDiv(columns, width), rank, members); }
  Spans spans(const DirectionGeometry& g, const Moment& moment) const { return Spans(*g.sequence, moment, begin, end); }
};

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
