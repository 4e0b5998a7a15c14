#include "backend/cpu/recurrent/steps.h"

#include <algorithm>

#include "backend/cpu/recurrent/spans.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/recurrent/steps.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/recurrent/cells-inl.h"
#include "backend/cpu/recurrent/gate_math-inl.h"
#include "backend/cpu/recurrent/gate_panels-inl.h"
#include "backend/cpu/recurrent/panel-inl.h"
#include "backend/cpu/recurrent/step-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

constexpr int64_t kPlainDepth = 1024;  // rows of a plain panel that stay in the L2 cache while all row tiles pass

// What the backward pass needs besides.
struct BackwardStep : Step {
  const float* d_gates_next;
  int64_t depth;  // of the product with d_gates_next: gates * hidden, or 0 where no later step exists
  const float *d_out, *d_hn;
  float *d_bias, *d_projected;
};

template <class C>
BackwardStep MakeBackwardStep(const Recurrence& r, const BackwardRows& b, const Moment& moment, const Span& span,
                              int owner) {
  const DirectionGeometry& g = r.geometry;
  const int64_t at = g.sequence->first[moment.t];
  BackwardStep step{MakeStep(r, moment, span), nullptr, 0, nullptr, nullptr, nullptr, nullptr};
  if (span.has_next) {
    step.d_gates_next = r.rows.gates + g.sequence->first[moment.next] * r.rows.ld_gates;
    step.depth = C::kGates * g.hidden;
  } else {
    step.d_hn = b.d_hn;
  }
  step.d_out = b.d_out ? b.d_out + at * r.rows.ld_out : nullptr;
  step.d_bias = b.d_bias + owner * C::kSlots * g.hidden;
  step.d_projected = b.d_projected ? b.d_projected + at * g.projection : nullptr;
  return step;
}

template <class C>
HWY_INLINE Factors StateFactors(const Recurrence& r, const Step& step, const PanelAt& at, const RowTile& tile) {
  return GateFactors<C>(step.h_previous, step.ld_h_previous, r.weights.state, r.geometry.width(), step.state_depth, at,
                        tile);
}

// Of a step's rows, the bias and the product with h before it, for the slots of one panel: `rows` rows of `to`, `ld`
// apart.
template <class C>
void StateTile(const Recurrence& r, const Factors& state, int rows, int64_t panel, float* to, ptrdiff_t ld) {
  using Panels = CellPanels<C>;
  constexpr ptrdiff_t kStride = Panels::kTileVecs * kLanes, kProduct = Panels::kGateVecs * kLanes;
  const float* const bias = r.weights.bias + panel * kStride;
  MulAddGates<C>(rows, to, ld, bias, 0, state);
  for (int m = 0; m < rows; ++m) std::copy(bias + kProduct, bias + kStride, to + m * ld + kProduct);
}

// The sums of all slots of one panel's units for a tile's rows, then the cell.
template <class C>
void ForwardTile(const Recurrence& r, const Step& step, const PanelAt& at_panel, const RowTile& tile) {
  using Panels = CellPanels<C>;
  constexpr ptrdiff_t kStride = Panels::kTileVecs * kLanes;
  const DirectionGeometry& g = r.geometry;
  const int64_t row = tile.row, panel = at_panel.panel, H = g.hidden, unit = panel * Panels::kWidth;
  const int rows = tile.rows;
  const float* const bias = r.weights.bias + panel * kStride;
  HWY_ALIGN float sums[kMaxRows * kStride];
  const Factors state = StateFactors<C>(r, step, at_panel, tile);
  if (step.input) {
    const Factors input =
        GateFactors<C>(step.input, g.input_size, r.weights.input, g.input_size, g.input_size, at_panel, tile);
    if (g.sequence->steps == 1) {  // the state first, which may be there before the input
      if (r.rows.ahead) {
        const float* const ahead = r.rows.ahead + row * r.rows.ld_ahead + panel * kStride;
        for (int m = 0; m < rows; ++m)
          std::copy(ahead + m * r.rows.ld_ahead, ahead + m * r.rows.ld_ahead + kStride, sums + m * kStride);
      } else {
        StateTile<C>(r, state, rows, panel, sums, kStride);
      }
      float* const slots = sums + Panels::kInputOffset;
      MulAddGates<C>(rows, slots, kStride, slots, kStride, input);
    } else if (Panels::kInputOffset == 0) {
      MulAddGates<C>(rows, sums, kStride, bias, 0, input, state);
    } else {
      MulAddGates<C>(rows, sums + Panels::kInputOffset, kStride, bias + Panels::kInputOffset, 0, input);
      for (int m = 0; m < rows; ++m) std::copy(bias, bias + Panels::kInputOffset, sums + m * kStride);
      MulAddGates<C>(rows, sums, kStride, sums, kStride, state);
    }
  } else {
    for (int m = 0; m < rows; ++m) {
      std::copy(bias, bias + kStride, sums + m * kStride);
      for (int gate = 0; gate < C::kGates; ++gate) {
        const int slot = gate + C::kInputSlot;
        const float* const from = step.gates + (row + m) * r.rows.ld_gates + slot * H + unit;
        for (int v = 0; v < C::kUnitVecs && unit + v * kLanes < H; ++v) {
          float* const sum = sums + m * kStride + (slot * C::kUnitVecs + v) * kLanes;
          hn::Store(hn::Add(hn::Load(D(), sum), LoadFirst(from + v * kLanes, H - unit - v * kLanes)), D(), sum);
        }
      }
    }
    MulAddGates<C>(rows, sums, kStride, sums, kStride, state);
  }
  ForwardUnits<C>(r, step, tile, unit, sums);
}

// A product of a span's rows with plain panels, tile by tile.
struct PlainProduct {
  const float* a;  // of batch row 0; null: no product
  ptrdiff_t stride;
  int64_t depth;
  const float* panels;
  int64_t panels_depth;  // as packed
  int64_t columns;
  const float* initial;  // [batch][columns] to add, or null
  float* partial;        // [batch][ld_partial], scratch
  ptrdiff_t ld_partial;
};

// The product comes in pieces of depth; all but the last leave partial sums behind. The last hands its sums,
// [rows][vecs][kLanes], to finish.
template <class F>
HWY_INLINE void ForProductTiles(const PlainProduct& p, const Span& span, const Share& panels, const F& finish) {
  const int64_t depth = p.a ? p.depth : 0, piece = depth ? CeilDiv(depth, CeilDiv(depth, kPlainDepth)) : 1;
  const Factors none{nullptr, 0, nullptr, 0};
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    const int vecs = VecsInPanel(p.columns, panel);
    const int64_t column = panel * kPlainWidth;
    for (int64_t from = 0; from == 0 || from < depth; from += piece) {
      const float* const initial = from > 0 ? p.partial : p.initial;
      const ptrdiff_t ld_initial = from > 0 ? p.ld_partial : p.columns;
      const bool last = from + piece >= depth;
      const int64_t next_panel = !last ? panel : panel + 1 < panels.end ? panel + 1 : panels.begin;
      const int64_t next_from = last ? 0 : from + piece;
      const int next_vecs = VecsInPanel(p.columns, next_panel);
      const float* const next = p.panels + next_panel * kPlainWidth * p.panels_depth + next_from * next_vecs * kLanes;
      const int64_t next_depth = std::min(piece, depth - next_from);
      ForRowTiles(span, kRowsFor[kPlainVecs], [&](const RowTile& tile) {
        const int64_t row = tile.row;
        const int rows = tile.rows;
        HWY_ALIGN float sums[kMaxRows * kPlainVecs * kLanes];
        const ptrdiff_t stride = vecs * kLanes;
        for (int m = 0; m < rows; ++m) {
          for (int v = 0; v < vecs; ++v) {
            const int64_t at = column + v * kLanes;
            hn::Store(initial ? LoadFirst(initial + (row + m) * ld_initial + at, p.columns - at) : hn::Zero(D()), D(),
                      sums + m * stride + v * kLanes);
          }
        }
        if (depth) {
          const Factors factors{
              p.a + row * p.stride + from, p.stride, p.panels + panel * kPlainWidth * p.panels_depth + from * stride,
              std::min(piece, depth - from), Ahead::Part(next, next_vecs, next_depth, tile.index, tile.count)};
          kTiles.at[vecs][rows](sums, stride, sums, stride, factors, none);
        }
        if (last) return finish(row, rows, column, vecs, sums);
        for (int m = 0; m < rows; ++m) {
          for (int v = 0; v < vecs; ++v) {
            const int64_t at = column + v * kLanes;
            StoreFirst(hn::Load(D(), sums + m * stride + v * kLanes), p.partial + (row + m) * p.ld_partial + at,
                       p.columns - at);
          }
        }
      });
    }
  }
}

// The cell's backward for `rows` rows and `vecs` vectors of units, given the gradients of h so far.
template <class C>
void BackwardCells(const Recurrence& r, const BackwardRows& b, const BackwardStep& step, int64_t row, int rows,
                   int64_t unit, int vecs, const float* sums) {
  const int64_t H = r.geometry.hidden;
  const float* const d_out = r.geometry.projection ? nullptr : step.d_out;
  for (int v = 0; v < vecs; ++v) {
    const int64_t column = unit + v * kLanes, left = H - column;
    V d_bias[C::kSlots];
    for (int z = 0; z < C::kSlots; ++z) d_bias[z] = hn::Zero(D());
    for (int m = 0; m < rows; ++m) {
      const int64_t at = row + m;
      V d_h = hn::Load(D(), sums + (m * vecs + v) * kLanes);
      if (d_out) d_h = hn::Add(d_h, LoadFirst(d_out + at * r.rows.ld_out + column, left));
      float* const carry = b.carry + at * H + column;
      if (C::kPrevious == Previous::kOutput) d_h = hn::Add(d_h, LoadFirst(carry, left));
      C::Backward(UnitsAt<C>(r, step, at, column), d_h, carry, d_bias);
    }
    for (int z = 0; z < C::kSlots; ++z) {
      float* const sum = step.d_bias + z * H + column;
      StoreFirst(hn::Add(LoadFirst(sum, left), d_bias[z]), sum, left);
    }
  }
}

// ---- passes

// h of a projected layer, from what its cells have left.
inline void ForwardProjected(const Recurrence& r, const Step& step, const Span& span, const Share& panels) {
  const DirectionGeometry& g = r.geometry;
  const PlainProduct product{step.wide,    step.ld_wide, g.hidden,       r.weights.project, g.hidden,
                             g.projection, nullptr,      r.rows.partial, r.rows.ld_partial};
  ForProductTiles(product, span, panels, [&](int64_t row, int rows, int64_t column, int vecs, const float* sums) {
    for (int m = 0; m < rows; ++m) {
      for (int v = 0; v < vecs; ++v) {
        const int64_t at = column + v * kLanes;
        StoreFirst(hn::Load(D(), sums + (m * vecs + v) * kLanes), step.out + (row + m) * r.rows.ld_out + at,
                   g.projection - at);
      }
    }
  });
}

// The cells of some panels at one moment.
template <class C>
void ForwardCells(const Recurrence& r, const Moment& moment, const Spans& spans, const Share& panels) {
  for (const Span& span : spans) {
    const Step step = MakeStep(r, moment, span);
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      const PanelAt at{panel, panel + 1 < panels.end ? panel + 1 : panels.begin};
      ForRowTiles(span, CellPanels<C>::kRows, [&](const RowTile& tile) { ForwardTile<C>(r, step, at, tile); });
    }
  }
}

template <class C>
void Forward(const Recurrence& r, const StepParts& parts) {
  const DirectionGeometry& g = r.geometry;
  for (int64_t n = 0; n < g.sequence->steps; ++n) {
    const Moment moment(g, n);
    parts([&](int owner) {
      const Work work(g, owner);
      ForwardCells<C>(r, moment, work.spans(g, moment), work.panels(g.hidden, CellPanels<C>::kWidth));
    });
    if (!g.projection) continue;
    parts([&](int owner) {
      const Work work(g, owner);
      for (const Span& span : work.spans(g, moment))
        ForwardProjected(r, MakeStep(r, moment, span), span, work.panels(g.projection, kPlainWidth));
    });
  }
}

template <class C>
void ForwardPanel(const Recurrence& r, bool projects, int64_t panel) {
  const Moment moment(r.geometry, 0);
  const Spans spans(*r.geometry.sequence, moment, 0, r.geometry.sequence->batch);
  const Share panels(panel, panel + 1);
  if (!projects) return ForwardCells<C>(r, moment, spans, panels);
  for (const Span& span : spans) ForwardProjected(r, MakeStep(r, moment, span), span, panels);
}

template <class C>
void AheadPanel(const Recurrence& r, float* sums, int64_t panel) {
  constexpr ptrdiff_t kStride = CellPanels<C>::kTileVecs * kLanes;
  const Span batch{0, r.geometry.sequence->batch, false, false};
  const Step step = MakeStep(r, Moment(r.geometry, 0), batch);
  ForRowTiles(batch, CellPanels<C>::kRows, [&](const RowTile& tile) {
    StateTile<C>(r, StateFactors<C>(r, step, {panel, panel}, tile), tile.rows, panel,
                 sums + tile.row * r.rows.ld_ahead + panel * kStride, r.rows.ld_ahead);
  });
}

// The product of the gradients of the next step's sums with W_hh.
template <class C>
PlainProduct BackwardProduct(const Recurrence& r, const BackwardStep& step) {
  return {step.d_gates_next,  r.rows.ld_gates, step.depth,     r.weights.backward, C::kGates * r.geometry.hidden,
          r.geometry.width(), step.d_hn,       r.rows.partial, r.rows.ld_partial};
}

// The gradient of a projected h: from the output, from the next step, from the final state.
template <class C>
void BackwardProjected(const Recurrence& r, const BackwardStep& step, const Span& span, const Share& panels) {
  const int64_t P = r.geometry.projection;
  ForProductTiles(BackwardProduct<C>(r, step), span, panels,
                  [&](int64_t row, int rows, int64_t column, int vecs, const float* sums) {
                    for (int m = 0; m < rows; ++m) {
                      for (int v = 0; v < vecs; ++v) {
                        const int64_t at = column + v * kLanes, left = P - at;
                        V d_h = hn::Load(D(), sums + (m * vecs + v) * kLanes);
                        if (step.d_out)
                          d_h = hn::Add(d_h, LoadFirst(step.d_out + (row + m) * r.rows.ld_out + at, left));
                        StoreFirst(d_h, step.d_projected + (row + m) * P + at, left);
                      }
                    }
                  });
}

// The product of those gradients of h with W_hr.
inline PlainProduct UnprojectProduct(const Recurrence& r, const BackwardStep& step) {
  const int64_t P = r.geometry.projection;
  return {step.d_projected, static_cast<ptrdiff_t>(P), P, r.weights.unproject, P, r.geometry.hidden, nullptr,
          r.rows.partial,   r.rows.ld_partial};
}

template <class C>
void Backward(const Recurrence& r, const BackwardRows& b, const StepParts& parts) {
  const DirectionGeometry& g = r.geometry;
  for (int64_t n = g.sequence->steps - 1; n >= 0; --n) {
    const Moment moment(g, n);
    if (g.projection) {
      parts([&](int owner) {
        const Work work(g, owner);
        for (const Span& span : work.spans(g, moment))
          BackwardProjected<C>(r, MakeBackwardStep<C>(r, b, moment, span, owner), span,
                               work.panels(g.projection, kPlainWidth));
      });
    }
    parts([&](int owner) {
      const Work work(g, owner);
      const Share panels = work.panels(g.hidden, kPlainWidth);
      for (const Span& span : work.spans(g, moment)) {
        const BackwardStep step = MakeBackwardStep<C>(r, b, moment, span, owner);
        const PlainProduct product = g.projection ? UnprojectProduct(r, step) : BackwardProduct<C>(r, step);
        ForProductTiles(product, span, panels, [&](int64_t row, int rows, int64_t unit, int vecs, const float* sums) {
          BackwardCells<C>(r, b, step, row, rows, unit, vecs, sums);
        });
      }
    });
  }
}

void ForwardOf(const Recurrence& r, const StepParts& parts) {
  WithCell(r.geometry.cell, [&](auto cell) { Forward<decltype(cell)>(r, parts); });
}
int64_t StepPanels(const Recurrence& r, bool projects) {
  const DirectionGeometry& g = r.geometry;
  if (projects) return CeilDiv(g.projection, kPlainWidth);
  int64_t panels = 0;
  WithCell(g.cell, [&](auto cell) { panels = CeilDiv(g.hidden, CellPanels<decltype(cell)>::kWidth); });
  return panels;
}
void StepPanel(const Recurrence& r, bool projects, int64_t panel) {
  WithCell(r.geometry.cell, [&](auto cell) { ForwardPanel<decltype(cell)>(r, projects, panel); });
}
void AheadPanelOf(const Recurrence& r, float* sums, int64_t panel) {
  WithCell(r.geometry.cell, [&](auto cell) { AheadPanel<decltype(cell)>(r, sums, panel); });
}
void BackwardOf(const Recurrence& r, const BackwardRows& b, const StepParts& parts) {
  WithCell(r.geometry.cell, [&](auto cell) { Backward<decltype(cell)>(r, b, parts); });
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {
HWY_EXPORT(ForwardOf);
HWY_EXPORT(StepPanels);
HWY_EXPORT(StepPanel);
HWY_EXPORT(AheadPanelOf);
HWY_EXPORT(BackwardOf);

void run_forward(const Recurrence& r, const StepParts& parts) { HWY_DYNAMIC_DISPATCH(ForwardOf)(r, parts); }
int64_t step_panels(const Recurrence& r, bool projects) { return HWY_DYNAMIC_DISPATCH(StepPanels)(r, projects); }
void run_step_panel(const Recurrence& r, bool projects, int64_t panel) {
  HWY_DYNAMIC_DISPATCH(StepPanel)(r, projects, panel);
}
void run_ahead_panel(const Recurrence& r, float* sums, int64_t panel) {
  HWY_DYNAMIC_DISPATCH(AheadPanelOf)(r, sums, panel);
}
void run_backward(const Recurrence& r, const BackwardRows& b, const StepParts& parts) {
  HWY_DYNAMIC_DISPATCH(BackwardOf)(r, b, parts);
}

}  // namespace stm
#endif
