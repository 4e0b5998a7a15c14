#include "backend/cpu/recurrent/steps.h"

#include <algorithm>

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/recurrent/steps.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/recurrent/cells-inl.h"
#include "backend/cpu/recurrent/gate_math-inl.h"
#include "backend/cpu/recurrent/panel-inl.h"
#include "hwy/highway.h"

#ifndef STM_RECURRENT_SPAN
#define STM_RECURRENT_SPAN
namespace stm {
namespace {

// Rows [begin, end) of one step which agree on whether they have a previous and a next step in the direction of travel.
struct Span {
  int64_t begin, end;
  bool has_previous, has_next;
};

// One step's rows in at most three spans, limited to batch rows [begin, end).
struct Spans {
  Span span[3];
  int count = 0;
  Spans(const Sequence& s, int64_t previous, int64_t t, int64_t next, int64_t begin, int64_t end) {
    const auto live_at = [&](int64_t step) {
      return step < 0 || step >= s.steps ? int64_t{0} : int64_t{std::min(s.live[step], s.live[t])};
    };
    const int64_t with_previous = live_at(previous), with_next = live_at(next);
    const int64_t cuts[4] = {0, std::min(with_previous, with_next), std::max(with_previous, with_next), s.live[t]};
    for (int i = 0; i < 3; ++i) {
      const Span x{std::max(begin, cuts[i]), std::min(end, cuts[i + 1]), cuts[i] < with_previous, cuts[i] < with_next};
      if (x.begin < x.end) span[count++] = x;
    }
  }
  const Span* cbegin() const { return span; }
  const Span* cend() const { return span + count; }
};
inline const Span* begin(const Spans& spans) { return spans.cbegin(); }
inline const Span* end(const Spans& spans) { return spans.cend(); }

constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

}  // namespace
}  // namespace stm
#endif

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

constexpr int64_t kPlainWidth = kPlainVecs * kLanes;  // columns per plain panel
constexpr int64_t kTilesBetweenStops = 64;
constexpr int64_t kPlainDepth = 1024;  // rows of a plain panel that stay in the L2 cache while all row tiles pass

template <class C>
struct Geometry {
  static constexpr int kWidth = C::kUnitVecs * kLanes;        // units per gate panel
  static constexpr int kTileVecs = C::kSlots * C::kUnitVecs;  // vectors of sums a row
  static constexpr int kGateVecs = C::kGates * C::kUnitVecs;  // vectors of a product
  static constexpr int kInputOffset = C::kInputSlot * C::kUnitVecs * kLanes;
};

HWY_INLINE int VecsInPanel(int64_t columns, int64_t panel) {
  return static_cast<int>(std::min<int64_t>(kPlainVecs, ceil_div(columns - panel * kPlainWidth, kLanes)));
}

// ---- packing

// [gates][hidden][columns] -> panels of kWidth units: [columns][slot][kUnitVecs * kLanes], slots in the order of the
// state's if rotated.
template <class C>
void PackGatePanels(bool state, const float* weight, int64_t hidden, int64_t columns, float* panels, int rank,
                    int members) {
  constexpr int kWidth = Geometry<C>::kWidth;
  const Share share(ceil_div(hidden, kWidth), rank, members);
  for (int64_t panel = share.begin; panel < share.end; ++panel) {
    stop_point();
    const int64_t unit = panel * kWidth, left = std::min<int64_t>(kWidth, hidden - unit);
    float* HWY_RESTRICT to = panels + panel * C::kGates * kWidth * columns;
    for (int gate = 0; gate < C::kGates; ++gate) {
      const int slot = state ? (gate + C::kRotate) % C::kGates : gate;
      const float* from = weight + (gate * hidden + unit) * columns;
      for (int64_t k = 0; k < columns; ++k) {
        float* HWY_RESTRICT lanes = to + (k * C::kGates + slot) * kWidth;
        for (int64_t j = 0; j < left; ++j) lanes[j] = from[j * columns + k];
        for (int64_t j = left; j < kWidth; ++j) lanes[j] = 0.0f;
      }
    }
  }
}

// [depth][columns] -> panels of up to kPlainVecs vectors: [depth][vecs][kLanes]; row k of a panel is row (k + first) %
// depth of the matrix.
void PackPlainPanels(const float* weight, int64_t depth, int64_t columns, int64_t first, float* panels, int rank,
                     int members) {
  const Share share(ceil_div(columns, kPlainWidth), rank, members);
  for (int64_t panel = share.begin; panel < share.end; ++panel) {
    stop_point();
    const int64_t column = panel * kPlainWidth;
    const int vecs = VecsInPanel(columns, panel);
    float* to = panels + panel * kPlainWidth * depth;
    for (int64_t k = 0; k < depth; ++k) {
      const int64_t row = k + first < depth ? k + first : k + first - depth;
      for (int v = 0; v < vecs; ++v, to += kLanes) {
        hn::StoreU(LoadFirst(weight + row * columns + column + v * kLanes, columns - column - v * kLanes), D(), to);
      }
    }
  }
}

// [columns][depth] -> the same panels.
void PackTransposedPanels(const float* weight, int64_t depth, int64_t columns, float* panels, int rank, int members) {
  const Share share(ceil_div(columns, kPlainWidth), rank, members);
  for (int64_t panel = share.begin; panel < share.end; ++panel) {
    stop_point();
    const int64_t column = panel * kPlainWidth, width = VecsInPanel(columns, panel) * kLanes,
                  left = std::min(width, columns - column);
    float* to = panels + panel * kPlainWidth * depth;
    for (int64_t k = 0; k < depth; ++k, to += width) {
      for (int64_t j = 0; j < left; ++j) to[j] = weight[(column + j) * depth + k];
      for (int64_t j = left; j < width; ++j) to[j] = 0.0f;
    }
  }
}

// [panel][slot][kWidth]
template <class C>
void PackBias(const float* b_ih, const float* b_hh, int64_t hidden, float* panels) {
  constexpr int kWidth = Geometry<C>::kWidth;
  const int64_t count = ceil_div(hidden, kWidth) * C::kSlots * kWidth;
  std::fill(panels, panels + count, 0.0f);
  if (!b_ih) return;
  for (int64_t unit = 0; unit < hidden; ++unit) {
    float* const lane = panels + unit / kWidth * C::kSlots * kWidth + unit % kWidth;
    for (int gate = 0; gate < C::kGates; ++gate) {
      lane[(gate + C::kInputSlot) * kWidth] += b_ih[gate * hidden + unit];
      lane[(gate + C::kRotate) % C::kGates * kWidth] += b_hh[gate * hidden + unit];
    }
  }
}

// ---- steps

// What a tile needs to know of its step; pointers are those of batch row 0.
struct Step {
  const float *h_previous, *c_previous;
  ptrdiff_t ld_h_previous, ld_c_previous;
  int64_t state_depth;  // of the product with h_previous: its width, or 0 where it is zero
  const float* d_gates_next;
  int64_t depth;  // of the product with d_gates_next: gates * hidden, or 0 where no later step exists
  float *gates, *cells, *wide, *out;
  ptrdiff_t ld_wide;
  const float *input, *d_out, *d_hn;
  float *d_bias, *d_projected;
};

template <class C>
Step MakeStep(const Recurrence& r, int64_t t, int64_t previous, int64_t next, const Span& span, int owner) {
  const Sequence& s = *r.sequence;
  const int64_t H = r.hidden, O = r.projection ? r.projection : H, at = s.first[t];
  Step step{};
  step.gates = r.gates ? r.gates + at * r.ld_gates : nullptr;
  step.cells = r.cells ? r.cells + (r.training ? at * H : 0) : nullptr;
  step.wide = r.projection ? r.wide + (r.training ? at * H : 0) : r.out + at * r.ld_out;
  step.ld_wide = r.projection ? H : r.ld_out;
  step.out = r.out + at * r.ld_out;
  step.input = r.input ? r.input + at * r.input_size : nullptr;
  if (span.has_previous) {
    step.h_previous = r.out + s.first[previous] * r.ld_out;
    step.ld_h_previous = r.ld_out;
    step.state_depth = O;
  } else {
    step.h_previous = r.h0 ? r.h0 : r.zeros;
    step.ld_h_previous = r.h0 ? O : 0;
    step.state_depth = r.h0 ? O : 0;
  }
  if (!r.training) {
    step.c_previous = r.cells;
    step.ld_c_previous = H;
  } else if (span.has_previous) {
    step.c_previous = r.cells ? r.cells + s.first[previous] * H : nullptr;
    step.ld_c_previous = H;
  } else {
    step.c_previous = r.c0 ? r.c0 : r.zeros;
    step.ld_c_previous = r.c0 ? H : 0;
  }
  step.d_gates_next = span.has_next ? r.gates + s.first[next] * r.ld_gates : nullptr;
  step.depth = span.has_next ? C::kGates * H : 0;
  step.d_out = r.d_out ? r.d_out + at * r.ld_d_out : nullptr;
  step.d_hn = span.has_next ? nullptr : r.d_hn;
  step.d_bias = r.d_bias ? r.d_bias + owner * C::kSlots * H : nullptr;
  step.d_projected = r.d_projected ? r.d_projected + at * r.projection : nullptr;
  return step;
}

// Calls tile(row, rows) for row tiles of nearly equal height, at most `height`.
template <class F>
HWY_INLINE void ForRowTiles(const Span& span, int height, const F& tile) {
  const int64_t rows = span.end - span.begin, tiles = ceil_div(rows, height);
  int64_t row = span.begin;
  for (int64_t i = 0; i < tiles; ++i) {
    if (i % kTilesBetweenStops == 0) stop_point();
    const int n = static_cast<int>(rows / tiles + (i < rows % tiles));
    tile(row, n);
    row += n;
  }
}

// What the cell of batch row `row` needs, from unit `unit` on.
template <class C>
HWY_INLINE Units UnitsAt(const Recurrence& r, const Step& step, int64_t row, int64_t unit) {
  Units units{r.hidden, r.hidden - unit, r.training ? step.gates + row * r.ld_gates + unit : nullptr,
              nullptr,  nullptr,         r.cell == Cell::RnnRelu};
  if (C::kPrevious == Previous::kCell) {
    units.cell = step.cells + row * r.hidden + unit;
    units.previous = step.c_previous + row * step.ld_c_previous + unit;
  } else if (C::kPrevious == Previous::kOutput) {
    units.previous = step.h_previous + row * step.ld_h_previous + unit;
  }
  return units;
}

// The sums of all slots of one panel's units for `rows` rows, then the cell.
template <class C>
void ForwardTile(const Recurrence& r, const Step& step, int64_t row, int rows, int64_t panel) {
  using G = Geometry<C>;
  constexpr ptrdiff_t kStride = G::kTileVecs * kLanes;
  const int64_t H = r.hidden, unit = panel * G::kWidth;
  const float* const bias = r.bias + panel * kStride;
  HWY_ALIGN float sums[kMaxRows * kStride];
  const TileFunction product = kTiles.at[G::kGateVecs][rows];
  const Factors none{nullptr, 0, nullptr, 0};
  const Factors state{step.h_previous + row * step.ld_h_previous, step.ld_h_previous,
                      r.forward_panels + panel * G::kGateVecs * kLanes * (r.projection ? r.projection : H),
                      step.state_depth};
  if (r.input) {
    const Factors input{step.input + row * r.input_size, static_cast<ptrdiff_t>(r.input_size),
                        r.input_panels + panel * G::kGateVecs * kLanes * r.input_size, r.input_size};
    if (G::kInputOffset == 0) {
      product(sums, kStride, bias, 0, input, state);
    } else {
      product(sums + G::kInputOffset, kStride, bias + G::kInputOffset, 0, input, none);
      for (int m = 0; m < rows; ++m) std::copy(bias, bias + G::kInputOffset, sums + m * kStride);
      product(sums, kStride, sums, kStride, state, none);
    }
  } else {
    for (int m = 0; m < rows; ++m) {
      std::copy(bias, bias + kStride, sums + m * kStride);
      for (int gate = 0; gate < C::kGates; ++gate) {
        const int slot = gate + C::kInputSlot;
        const float* const from = step.gates + (row + m) * r.ld_gates + slot * H + unit;
        for (int v = 0; v < C::kUnitVecs && unit + v * kLanes < H; ++v) {
          float* const sum = sums + m * kStride + (slot * C::kUnitVecs + v) * kLanes;
          hn::Store(hn::Add(hn::Load(D(), sum), LoadFirst(from + v * kLanes, H - unit - v * kLanes)), D(), sum);
        }
      }
    }
    product(sums, kStride, sums, kStride, state, none);
  }
  for (int v = 0; v < C::kUnitVecs; ++v) {
    const int64_t column = unit + v * kLanes, left = H - column;
    if (left <= 0) break;
    for (int m = 0; m < rows; ++m) {
      const int64_t at = row + m;
      StoreFirst(C::Forward(UnitsAt<C>(r, step, at, column), sums + m * kStride + v * kLanes, G::kWidth),
                 step.wide + at * step.ld_wide + column, left);
    }
  }
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
  const int64_t depth = p.a ? p.depth : 0, piece = depth ? ceil_div(depth, ceil_div(depth, kPlainDepth)) : 1;
  const Factors none{nullptr, 0, nullptr, 0};
  for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
    const int vecs = VecsInPanel(p.columns, panel);
    const int64_t column = panel * kPlainWidth;
    for (int64_t from = 0; from == 0 || from < depth; from += piece) {
      const float* const initial = from > 0 ? p.partial : p.initial;
      const ptrdiff_t ld_initial = from > 0 ? p.ld_partial : p.columns;
      const bool last = from + piece >= depth;
      ForRowTiles(span, kRowsFor[kPlainVecs], [&](int64_t row, int rows) {
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
          const Factors factors{p.a + row * p.stride + from, p.stride,
                                p.panels + panel * kPlainWidth * p.panels_depth + from * stride,
                                std::min(piece, depth - from)};
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
void BackwardCells(const Recurrence& r, const Step& step, int64_t row, int rows, int64_t unit, int vecs,
                   const float* sums) {
  const int64_t H = r.hidden;
  const float* const d_out = r.projection ? nullptr : step.d_out;
  for (int v = 0; v < vecs; ++v) {
    const int64_t column = unit + v * kLanes, left = H - column;
    V d_bias[C::kSlots];
    for (int z = 0; z < C::kSlots; ++z) d_bias[z] = hn::Zero(D());
    for (int m = 0; m < rows; ++m) {
      const int64_t at = row + m;
      V d_h = hn::Load(D(), sums + (m * vecs + v) * kLanes);
      if (d_out) d_h = hn::Add(d_h, LoadFirst(d_out + at * r.ld_d_out + column, left));
      float* const carry = r.carry + at * H + column;
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

struct Work {  // an owner's part of each step
  bool by_rows;
  int64_t begin, end;  // batch rows
  int rank, members;   // among those who share the units
  Work(const Recurrence& r, int owner)
      : by_rows(r.split->by_rows),
        begin(by_rows ? r.split->bounds[owner] : 0),
        end(by_rows ? r.split->bounds[owner + 1] : r.sequence->batch),
        rank(by_rows ? 0 : owner),
        members(by_rows ? 1 : r.split->owners) {}
  Share panels(int64_t columns, int64_t width) const { return Share(ceil_div(columns, width), rank, members); }
};

template <class C>
void Forward(const Recurrence& r, int owner) {
  const Sequence& s = *r.sequence;
  const Work work(r, owner);
  const Share panels = work.panels(r.hidden, Geometry<C>::kWidth), projected = work.panels(r.projection, kPlainWidth);
  const int direction = r.reverse ? -1 : 1;
  for (int64_t n = 0; n < s.steps; ++n) {
    const int64_t t = r.reverse ? s.steps - 1 - n : n, previous = t - direction, next = t + direction;
    const Spans spans(s, previous, t, next, work.begin, work.end);
    for (const Span& span : spans) {
      const Step step = MakeStep<C>(r, t, previous, next, span, owner);
      for (int64_t panel = panels.begin; panel < panels.end; ++panel) {
        ForRowTiles(span, kRowsFor[Geometry<C>::kGateVecs],
                    [&](int64_t row, int rows) { ForwardTile<C>(r, step, row, rows, panel); });
      }
    }
    if (!work.by_rows) r.between_steps->wait();
    if (!r.projection) continue;
    for (const Span& span : spans) {
      const Step step = MakeStep<C>(r, t, previous, next, span, owner);
      const PlainProduct product{step.wide,    step.ld_wide, r.hidden,  r.project_panels, r.hidden,
                                 r.projection, nullptr,      r.partial, r.ld_partial};
      ForProductTiles(product, span, projected,
                      [&](int64_t row, int rows, int64_t column, int vecs, const float* sums) {
                        for (int m = 0; m < rows; ++m) {
                          for (int v = 0; v < vecs; ++v) {
                            const int64_t at = column + v * kLanes;
                            StoreFirst(hn::Load(D(), sums + (m * vecs + v) * kLanes),
                                       step.out + (row + m) * r.ld_out + at, r.projection - at);
                          }
                        }
                      });
    }
    if (!work.by_rows) r.between_steps->wait();
  }
}

// The gradient of a projected h: from the output, from the next step, from the final state.
template <class C>
void BackwardProjected(const Recurrence& r, const Step& step, const Span& span, const Share& panels) {
  const PlainProduct product{step.d_gates_next, r.ld_gates, step.depth, r.backward_panels, C::kGates * r.hidden,
                             r.projection,      step.d_hn,  r.partial,  r.ld_partial};
  ForProductTiles(product, span, panels, [&](int64_t row, int rows, int64_t column, int vecs, const float* sums) {
    for (int m = 0; m < rows; ++m) {
      for (int v = 0; v < vecs; ++v) {
        const int64_t at = column + v * kLanes, left = r.projection - at;
        V d_h = hn::Load(D(), sums + (m * vecs + v) * kLanes);
        if (step.d_out) d_h = hn::Add(d_h, LoadFirst(step.d_out + (row + m) * r.ld_d_out + at, left));
        StoreFirst(d_h, step.d_projected + (row + m) * r.projection + at, left);
      }
    }
  });
}

template <class C>
void Backward(const Recurrence& r, int owner) {
  const Sequence& s = *r.sequence;
  const Work work(r, owner);
  const Share panels = work.panels(r.hidden, kPlainWidth), projected = work.panels(r.projection, kPlainWidth);
  const int direction = r.reverse ? -1 : 1;
  for (int64_t n = s.steps - 1; n >= 0; --n) {
    const int64_t t = r.reverse ? s.steps - 1 - n : n, previous = t - direction, next = t + direction;
    const Spans spans(s, previous, t, next, work.begin, work.end);
    if (r.projection) {
      for (const Span& span : spans)
        BackwardProjected<C>(r, MakeStep<C>(r, t, previous, next, span, owner), span, projected);
      if (!work.by_rows) r.between_steps->wait();
    }
    for (const Span& span : spans) {
      const Step step = MakeStep<C>(r, t, previous, next, span, owner);
      const PlainProduct product =
          r.projection
              ? PlainProduct{step.d_projected, static_cast<ptrdiff_t>(r.projection),
                             r.projection,     r.unproject_panels,
                             r.projection,     r.hidden,
                             nullptr,          r.partial,
                             r.ld_partial}
              : PlainProduct{step.d_gates_next, r.ld_gates, step.depth, r.backward_panels, C::kGates * r.hidden,
                             r.hidden,          step.d_hn,  r.partial,  r.ld_partial};
      ForProductTiles(product, span, panels, [&](int64_t row, int rows, int64_t unit, int vecs, const float* sums) {
        BackwardCells<C>(r, step, row, rows, unit, vecs, sums);
      });
    }
    if (!work.by_rows) r.between_steps->wait();
  }
}

// ---- the choice of the cell

void PackGatePanelsOf(Cell cell, bool state, const float* weight, int64_t hidden, int64_t columns, float* panels,
                      int rank, int members) {
  const auto pack = cell == Cell::Lstm  ? &PackGatePanels<LstmCell>
                    : cell == Cell::Gru ? &PackGatePanels<GruCell>
                                        : &PackGatePanels<RnnCell>;
  pack(state, weight, hidden, columns, panels, rank, members);
}
void PackBiasOf(Cell cell, const float* b_ih, const float* b_hh, int64_t hidden, float* panels) {
  const auto pack = cell == Cell::Lstm  ? &PackBias<LstmCell>
                    : cell == Cell::Gru ? &PackBias<GruCell>
                                        : &PackBias<RnnCell>;
  pack(b_ih, b_hh, hidden, panels);
}
void ForwardOf(const Recurrence& r, int owner) {
  const auto forward = r.cell == Cell::Lstm  ? &Forward<LstmCell>
                       : r.cell == Cell::Gru ? &Forward<GruCell>
                                             : &Forward<RnnCell>;
  forward(r, owner);
}
void BackwardOf(const Recurrence& r, int owner) {
  const auto backward = r.cell == Cell::Lstm  ? &Backward<LstmCell>
                        : r.cell == Cell::Gru ? &Backward<GruCell>
                                              : &Backward<RnnCell>;
  backward(r, owner);
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {
HWY_EXPORT(PackGatePanelsOf);
HWY_EXPORT(PackPlainPanels);
HWY_EXPORT(PackTransposedPanels);
HWY_EXPORT(PackBiasOf);
HWY_EXPORT(ForwardOf);
HWY_EXPORT(BackwardOf);

namespace {
constexpr int64_t kWidest = 64;  // numbers in the widest panel of any instruction set
size_t padded(int64_t count) { return static_cast<size_t>(ceil_div(count, kWidest) * kWidest); }
}  // namespace

size_t gate_panels_size(Cell cell, int64_t hidden, int64_t columns) {
  return padded(hidden) * static_cast<size_t>((cell == Cell::Lstm ? 4 : cell == Cell::Gru ? 3 : 1) * columns);
}
size_t plain_panels_size(int64_t depth, int64_t columns) { return padded(columns) * static_cast<size_t>(depth); }
size_t bias_panels_size(Cell cell, int64_t hidden) { return padded(hidden) * static_cast<size_t>(cell_slots(cell)); }

void pack_gate_panels(Cell cell, bool state, const float* weight, int64_t hidden, int64_t columns, float* panels,
                      int rank, int members) {
  HWY_DYNAMIC_DISPATCH(PackGatePanelsOf)(cell, state, weight, hidden, columns, panels, rank, members);
}
void pack_backward_panels(Cell cell, const float* weight, int64_t hidden, int64_t columns, float* panels, int rank,
                          int members) {
  const int64_t depth = (cell == Cell::Lstm ? 4 : cell == Cell::Gru ? 3 : 1) * hidden;
  HWY_DYNAMIC_DISPATCH(PackPlainPanels)
  (weight, depth, columns, cell == Cell::Gru ? 2 * hidden : 0, panels, rank, members);
}
void pack_plain_panels(const float* weight, int64_t depth, int64_t columns, bool transposed, float* panels, int rank,
                       int members) {
  if (transposed) {
    HWY_DYNAMIC_DISPATCH(PackTransposedPanels)(weight, depth, columns, panels, rank, members);
  } else {
    HWY_DYNAMIC_DISPATCH(PackPlainPanels)(weight, depth, columns, 0, panels, rank, members);
  }
}
void pack_bias(Cell cell, const float* b_ih, const float* b_hh, int64_t hidden, float* panels) {
  HWY_DYNAMIC_DISPATCH(PackBiasOf)(cell, b_ih, b_hh, hidden, panels);
}
void run_forward(const Recurrence& r, int owner) { HWY_DYNAMIC_DISPATCH(ForwardOf)(r, owner); }
void run_backward(const Recurrence& r, int owner) { HWY_DYNAMIC_DISPATCH(BackwardOf)(r, owner); }

}  // namespace stm
#endif
