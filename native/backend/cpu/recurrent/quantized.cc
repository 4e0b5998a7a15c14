#include "backend/cpu/recurrent/quantized.h"

#include <algorithm>

#include "backend/carver.h"
#include "backend/cpu/recurrent/layout.h"
#include "backend/cpu/recurrent/steps.h"
#include "backend/cpu/team.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/recurrent/quantized.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/quantized/rows-inl.h"
#include "backend/cpu/quantized/tiles-inl.h"
#include "backend/cpu/recurrent/step-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

constexpr int64_t kInputBlock = 96;  // rounded rows that stay in the L2 cache while they meet a member's panels

// ---- packing

// [gates][hidden][columns] -> panels of kWidth units.
template <class C>
void PackInt8Gates(const int8_t* weight, int64_t hidden, int64_t columns, int8_t* to, int rank, int members) {
  constexpr int64_t kWidth = CellPanels<C>::kWidth, kColumns = CellPanels<C>::kGateVecs * kLanes;
  const Share share(CeilDiv(hidden, kWidth), rank, members);
  for (int64_t panel = share.begin; panel < share.end; ++panel) {
    stop_point();
    const auto row_at = [&](int64_t column) -> const int8_t* {
      const int64_t gate = column / kWidth, unit = panel * kWidth + column % kWidth;
      return unit < hidden ? weight + (gate * hidden + unit) * columns : nullptr;
    };
    PackInt8Panel(kColumns, columns, row_at, to + panel * kColumns * panel_depth(columns));
  }
}

void PackQuantized(const RecurrentProblem& p, const LayerWeights<const int8_t>& w, int64_t input_size,
                   const QuantizedLayer& to, int rank, int members) {
  WithCell(p.cell, [&](auto cell) {
    PackInt8Gates<decltype(cell)>(w.w_ih, p.H, input_size, to.input, rank, members);
    PackInt8Gates<decltype(cell)>(w.w_hh, p.H, p.width(), to.state, rank, members);
  });
  const Share share(p.P ? CeilDiv(p.P, kInt8Width) : 0, rank, members);
  for (int64_t panel = share.begin; panel < share.end; ++panel) {
    stop_point();
    PackPlainInt8(w.w_hr, p.P, p.H, panel, to.project);
  }
}

// ---- products

// Weights of a layer's input, or of its state.
struct Int8Weights {
  const int8_t* panels;
  const float* scales;
  int64_t depth;
};

// Calls to(gate, v, unit, left, row, sums, scales) with each vector of the products of `count` rows with one panel: see
// AddScaled.
template <class C, class F>
HWY_INLINE void ForInt8Products(const QuantizedRows& rows, int count, const Int8Weights& w, int64_t panel,
                                int64_t hidden, const F& to) {
  using Panels = CellPanels<C>;
  HWY_ALIGN int32_t sums[kMaxRows * Panels::kGateVecs * kLanes];
  const int64_t depth = panel_depth(w.depth);
  kInt8Tiles.at[Panels::kGateVecs][count](rows, w.panels + panel * Panels::kGateVecs * kLanes * depth, depth, sums);
  for (int gate = 0; gate < C::kGates; ++gate) {
    for (int v = 0; v < C::kUnitVecs; ++v) {
      const int64_t unit = panel * Panels::kWidth + v * kLanes, left = hidden - unit;
      if (left <= 0) break;
      const V scales = LoadFirst(w.scales + gate * hidden + unit, left);
      const int32_t* const at = sums + (gate * C::kUnitVecs + v) * kLanes;
      for (int m = 0; m < count; ++m)
        to(gate, v, unit, left, m, at + m * Panels::kGateVecs * kLanes, hn::Mul(Const(rows.scales[m]), scales));
    }
  }
}

// With the input's bias.
template <class C>
void InputProducts(const Recurrence& r, int64_t rows, int rank, int members) {
  const int64_t H = r.geometry.hidden;
  const float* const bias = r.quantized.b_ih;
  const Int8Weights weights{r.quantized.input, r.quantized.scale_ih, r.geometry.input_size};
  const Share panels(CeilDiv(H, CellPanels<C>::kWidth), rank, members);
  float* const gates = r.rows.gates + C::kInputSlot * H;
  for (int64_t block = 0; block < rows; block += kInputBlock) {
    const int64_t end = std::min(rows, block + kInputBlock);
    for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
      stop_point();
      for (int64_t row = block; row < end;) {
        const int count = static_cast<int>(std::min<int64_t>(Int8Rows(CellPanels<C>::kGateVecs), end - row));
        ForInt8Products<C>(r.rows.rounded_input.from(row), count, weights, panel, H,
                           [&](int gate, int, int64_t unit, int64_t left, int m, const int32_t* sums, V scales) {
                             const V initial = bias ? LoadFirst(bias + gate * H + unit, left) : hn::Zero(D());
                             StoreFirst(AddScaled(sums, scales, initial),
                                        gates + (row + m) * r.rows.ld_gates + gate * H + unit, left);
                           });
        row += count;
      }
    }
  }
}

// ---- steps

// Adds a bias, or what the input's product has left, to its slots of a row of a panel's sums.
template <class C>
HWY_INLINE void AddToSlots(const float* from, int64_t hidden, int first_slot, int rotate, int64_t unit, float* sums) {
  for (int gate = 0; from && gate < C::kGates; ++gate) {
    const int slot = first_slot + (gate + rotate) % C::kGates;
    for (int v = 0; v < C::kUnitVecs; ++v) {
      const int64_t column = unit + v * kLanes, left = hidden - column;
      if (left <= 0) break;
      float* const sum = sums + (slot * C::kUnitVecs + v) * kLanes;
      hn::Store(hn::Add(hn::Load(D(), sum), LoadFirst(from + gate * hidden + column, left)), D(), sum);
    }
  }
}

// The sums of all slots of one panel's units for a tile's rows, then the cell. A slot sums the bias and the product of
// the input, then those of the state, whether they are computed here or before.
template <class C>
void Int8Tile(const Recurrence& r, const Step& step, int64_t panel, const RowTile& tile) {
  using Panels = CellPanels<C>;
  constexpr ptrdiff_t kStride = Panels::kTileVecs * kLanes;
  const QuantizedLayer& w = r.quantized;
  const int64_t H = r.geometry.hidden, unit = panel * Panels::kWidth;
  HWY_ALIGN float sums[kMaxRows * kStride] = {};
  const auto add_products = [&](const QuantizedRows& rows, const Int8Weights& weights, int first_slot, int rotate) {
    ForInt8Products<C>(rows.from(tile.row), tile.rows, weights, panel, H,
                       [&](int gate, int v, int64_t, int64_t, int m, const int32_t* whole, V scales) {
                         const int slot = first_slot + (gate + rotate) % C::kGates;
                         float* const sum = sums + m * kStride + (slot * C::kUnitVecs + v) * kLanes;
                         hn::Store(AddScaled(whole, scales, hn::Load(D(), sum)), D(), sum);
                       });
  };
  for (int m = 0; m < tile.rows; ++m) {
    const float* const gates = step.input ? w.b_ih : step.gates + (tile.row + m) * r.rows.ld_gates + C::kInputSlot * H;
    AddToSlots<C>(gates, H, C::kInputSlot, 0, unit, sums + m * kStride);
  }
  if (step.input) add_products(r.rows.rounded_input, {w.input, w.scale_ih, r.geometry.input_size}, C::kInputSlot, 0);
  for (int m = 0; m < tile.rows; ++m) AddToSlots<C>(w.b_hh, H, 0, C::kRotate, unit, sums + m * kStride);
  if (step.state_depth) add_products(r.rows.rounded_h, {w.state, w.scale_hh, step.state_depth}, 0, C::kRotate);
  ForwardUnits<C>(r, step, tile, unit, sums);
}

// The rows of a moment that an owner rounds: its own, or a part of all where units are owned.
inline Spans RowsToRound(const DirectionGeometry& g, const Work& work, const Moment& moment) {
  const Share rows = work.by_rows ? Share(work.begin, work.end) : Share(g.sequence->batch, work.rank, work.members);
  return Spans(*g.sequence, moment, rows.begin, rows.end);
}

inline void RoundInputs(const Recurrence& r, const Step& step, const Span& span) {
  const int64_t O = r.geometry.width(), D_in = r.geometry.input_size, rows = span.end - span.begin, first = span.begin;
  if (step.state_depth)
    QuantizeRows(step.h_previous + first * step.ld_h_previous, step.ld_h_previous, O, rows,
                 r.rows.rounded_h.from(first));
  if (step.input) QuantizeRows(step.input + first * D_in, D_in, D_in, rows, r.rows.rounded_input.from(first));
}

inline void ProjectInt8(const Recurrence& r, const Step& step, const Span& span, const Share& panels) {
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    stop_point();
    MulPlainInt8(r.rows.rounded_wide.from(span.begin), span.end - span.begin, r.geometry.hidden, r.quantized.project,
                 panel, r.quantized.scale_hr, nullptr, r.geometry.projection, step.out + span.begin * r.rows.ld_out,
                 r.rows.ld_out);
  }
}

// The cells of some panels at one moment.
template <class C>
void Int8Cells(const Recurrence& r, const Moment& moment, const Work& work) {
  const Share panels = work.panels(r.geometry.hidden, CellPanels<C>::kWidth);
  for (const Span& span : work.spans(r.geometry, moment)) {
    const Step step = MakeStep(r, moment, span);
    for (int64_t panel = panels.begin; panel < panels.end; ++panel)
      ForRowTiles(span, Int8Rows(CellPanels<C>::kGateVecs),
                  [&](const RowTile& tile) { Int8Tile<C>(r, step, panel, tile); });
  }
}
using Int8CellsFunction = void (*)(const Recurrence&, const Moment&, const Work&);

void ForwardInt8(const Recurrence& r, const Share& steps, const StepParts& parts, Int8CellsFunction cells) {
  const DirectionGeometry& g = r.geometry;
  for (int64_t n = steps.begin; n < steps.end; ++n) {
    const Moment moment(g, n);
    parts([&](int owner) {
      for (const Span& span : RowsToRound(g, Work(g, owner), moment)) RoundInputs(r, MakeStep(r, moment, span), span);
    });
    parts([&](int owner) { cells(r, moment, Work(g, owner)); });
    if (!g.projection) continue;
    parts([&](int owner) {
      for (const Span& span : RowsToRound(g, Work(g, owner), moment)) {
        const Step step = MakeStep(r, moment, span);
        QuantizeRows(step.wide + span.begin * step.ld_wide, step.ld_wide, g.hidden, span.end - span.begin,
                     r.rows.rounded_wide.from(span.begin));
      }
    });
    parts([&](int owner) {
      const Work work(g, owner);
      for (const Span& span : work.spans(g, moment))
        ProjectInt8(r, MakeStep(r, moment, span), span, work.panels(g.projection, kInt8Width));
    });
  }
}

void QuantizeRowsOf(const float* x, ptrdiff_t ld, int64_t columns, int64_t count, const QuantizedRows& to) {
  QuantizeRows(x, ld, columns, count, to);
}
void InputProductsOf(const Recurrence& r, int64_t rows, int rank, int members) {
  WithCell(r.geometry.cell, [&](auto cell) { InputProducts<decltype(cell)>(r, rows, rank, members); });
}
void ForwardInt8Of(const Recurrence& r, const Share& steps, const StepParts& parts) {
  WithCell(r.geometry.cell, [&](auto cell) { ForwardInt8(r, steps, parts, &Int8Cells<decltype(cell)>); });
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {
HWY_EXPORT(PackQuantized);
HWY_EXPORT(QuantizeRowsOf);
HWY_EXPORT(InputProductsOf);
HWY_EXPORT(ForwardInt8Of);

namespace {

constexpr int64_t kMostUnits = 32;  // of a panel of gates, of the widest instruction set

QuantizedLayer carve_layer(const RecurrentProblem& p, int64_t layer, CacheLineCarver& carve) {
  const int64_t units = (p.H + kMostUnits - 1) / kMostUnits * kMostUnits;
  const auto gates = [&](int64_t columns) {
    return static_cast<int8_t*>(carve.take(static_cast<size_t>(p.gates() * units * panel_depth(columns))));
  };
  QuantizedLayer to{};
  to.input = gates(p.input_size(layer));
  to.state = gates(p.width());
  to.project = static_cast<int8_t*>(carve.take(static_cast<size_t>(p.P ? plain_panel_bytes(p.P, p.H) : 0)));
  return to;
}

}  // namespace

size_t quantized_packed_bytes(const RecurrentProblem& p) {
  CacheLineCarver carve(nullptr);
  for (int64_t i = 0; i < p.L * p.K; ++i) carve_layer(p, i / p.K, carve);
  return carve.bytes();
}

QuantizedLayer quantized_layer(const RecurrentProblem& p, void* packed, const float* scales, int64_t i) {
  CacheLineCarver carve(packed);
  QuantizedLayer layer{};
  for (int64_t j = 0; j <= i; ++j) layer = carve_layer(p, j / p.K, carve);
  for_each_weight(p, [&](const RecurrentWeight& w) {
    const float* const at = scales;
    if (scales) scales += w.rows;
    if (w.layer * p.K + w.direction != i) return;
    switch (w.role) {
      case RecurrentWeight::Input: layer.scale_ih = at; break;
      case RecurrentWeight::State: layer.scale_hh = at; break;
      case RecurrentWeight::Projection: layer.scale_hr = at; break;
      case RecurrentWeight::InputBias: layer.b_ih = at; break;
      case RecurrentWeight::StateBias: layer.b_hh = at; break;
    }
  });
  return layer;
}

void pack_quantized_layer(const RecurrentProblem& p, const int8_t* weights, int64_t i, void* packed, int rank,
                          int members) {
  HWY_DYNAMIC_DISPATCH(PackQuantized)
  (p, layer_weights(p, weights, i), p.input_size(i / p.K), quantized_layer(p, packed, nullptr, i), rank, members);
}

void quantize_rows(const float* x, ptrdiff_t ld, int64_t columns, int64_t count, const QuantizedRows& to) {
  HWY_DYNAMIC_DISPATCH(QuantizeRowsOf)(x, ld, columns, count, to);
}
void run_quantized_input(const Recurrence& r, int64_t rows, int rank, int members) {
  HWY_DYNAMIC_DISPATCH(InputProductsOf)(r, rows, rank, members);
}
void run_quantized_forward(const Recurrence& r, const Share& steps, const StepParts& parts) {
  HWY_DYNAMIC_DISPATCH(ForwardInt8Of)(r, steps, parts);
}

}  // namespace stm
#endif
