#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "backend/carver.h"
#include "backend/cpu/quantized/layout.h"
#include "backend/kernels/recurrent.h"

namespace stm {

/// Where everything of the f32 engine lies in the caller's buffers. Each struct is made from a problem and a base
/// address; with a null one only `bytes` means anything. Pure arithmetic, independent of threads and instruction set,
/// so that sizes asked for on one thread hold on another. `i` is a pseudo-layer, l·K + k.

using CacheLineCarver = Carver<64>;

/// Slots in a row of gates, and the slot where the input's (state's: 0) gates begin: see cells-inl.h.
constexpr int64_t cell_slots(Cell cell) { return cell == Cell::Gru ? 4 : gates_of(cell); }
constexpr int64_t cell_input_slot(Cell cell) { return cell == Cell::Gru ? 1 : 0; }

/// Row length of the gates. A stride of a multiple of 2 KB would put a column of the matrix into few cache sets.
inline int64_t gates_stride(const RecurrentProblem& p) {
  const int64_t numbers = cell_slots(p.cell) * p.H;
  return numbers + (numbers % 512 == 0 ? 16 : 0);
}

/// One pseudo-layer's weights, or the gradients of them, in the caller's layout.
template <class Float>
struct LayerWeights {
  Float *w_ih, *w_hh, *w_hr, *b_ih, *b_hh;  ///< w_hr null without projection, b_ih and b_hh without bias
};

template <class Float>
LayerWeights<Float> layer_weights(const RecurrentProblem& p, Float* weights, int64_t i) {
  LayerWeights<Float> layer{};
  for_each_weight(p, [&](const RecurrentWeight& w) {
    if (w.layer * p.K + w.direction != i) return;
    Float* const at = weights + w.first;
    switch (w.role) {
      case RecurrentWeight::Input: layer.w_ih = at; break;
      case RecurrentWeight::State: layer.w_hh = at; break;
      case RecurrentWeight::Projection: layer.w_hr = at; break;
      case RecurrentWeight::InputBias: layer.b_ih = at; break;
      case RecurrentWeight::StateBias: layer.b_hh = at; break;
    }
  });
  return layer;
}

/// Whether the caller's rows are in storage order, without padding: x, y and their gradients are then used where they
/// lie.
inline bool rows_in_place(const RecurrentProblem& p, int64_t rows) {
  return rows == p.N * p.T && (!p.batch_first || p.N <= 1 || p.T <= 1);
}

/// Whether the inputs of a layer are multiplied many steps at once, before these steps: those of a single row, which
/// would fill one of a tile's rows only, products of bf16, and those of 8 bits, but of a single step.
inline bool multiplies_inputs_apart(const RecurrentProblem& p) {
  return p.quantized ? p.T > 1 : p.N == 1 || p.math == MathMode::Bf16;
}

/// Of how many rows the products of the input are kept at a time, in each direction: of all, or, with weights of 8
/// bits, of a block of steps, small enough for a cache. In smaller ones the weights would be read too often, and the
/// members of a team would wait for each other too often.
inline int64_t input_block_rows(const RecurrentProblem& p, int64_t rows) {
  constexpr int64_t kBytes = 512 << 10, kLeastRows = 192;
  if (!p.quantized) return rows;
  const int64_t fit = kBytes / (gates_stride(p) * static_cast<int64_t>(sizeof(float)));
  return std::min(rows, std::max({fit, kLeastRows, p.N}));
}

/// How many layers' outputs are kept: in training all of them; in inference two in turn, but all of a single step,
/// whose final states are read after the last layer.
inline int64_t kept_outputs(const RecurrentProblem& p) {
  return p.training || p.T == 1 ? p.L : std::min<int64_t>(p.L, 2);
}

/// What the layers' steps work on. In training `i` counts all pseudo-layers; inference has gates and wide of one layer
/// at a time, and of the cells the running state.
struct LayerArrays {
  float* x;  ///< the packed input, unless in place
  float *gates, *cells, *wide;
  float* between;  ///< outputs of the layers, packed; the last layer's only if not in place
  int64_t gates_step, cells_step, wide_step, between_step;
};

/// What a training forward leaves for backward.
struct Reserve {
  uint64_t* state;  ///< kFresh after forward, kSpent after backward
  LayerArrays arrays;
  size_t bytes;
  static constexpr uint64_t kFresh = 0x73746d6672657368, kSpent = 0x73746d7370656e74;

  Reserve(const RecurrentProblem& p, int64_t rows, void* base) {
    CacheLineCarver carve(base);
    state = reinterpret_cast<uint64_t*>(carve.floats(2));
    LayerArrays& a = arrays;
    a.gates_step = rows * gates_stride(p);
    a.cells_step = p.cell == Cell::Lstm ? rows * p.H : 0;
    a.wide_step = p.P ? rows * p.H : 0;
    a.between_step = rows * p.K * p.width();
    a.x = carve.floats(rows_in_place(p, rows) ? 0 : rows * p.D);
    a.gates = carve.floats(p.L * p.K * a.gates_step);
    a.cells = carve.floats(p.L * p.K * a.cells_step);
    a.wide = carve.floats(p.L * p.K * a.wide_step);
    a.between = carve.floats((p.L - rows_in_place(p, rows)) * a.between_step);
    bytes = carve.bytes();
  }
};

/// Scratch that both passes have.
struct StateScratch {
  float* zeros;    ///< [max(H, O)]
  float* partial;  ///< [K][N][max(H, O)]
  float* h0;       ///< [L·K][N][O], sorted
  float* c0;       ///< [L·K][N][H], sorted; the running state in inference
};

/// Scratch of a forward call. Without training it stands in for the reserve.
struct ForwardScratch {
  StateScratch states;
  LayerArrays arrays;
  int64_t input_block;  ///< rows of `gates` and of the rounded input
  /// Of each direction: see DirectionRows.
  QuantizedRows rounded_input[2] = {}, rounded_h[2] = {}, rounded_wide[2] = {};
  bool shares_rounded_input = false;  ///< whether both directions have the same
  size_t bytes;

  ForwardScratch(const RecurrentProblem& p, int64_t rows, void* base) {
    const int64_t O = p.width(), widest = std::max(p.H, O), spare = p.training ? 0 : 1;
    CacheLineCarver carve(base);
    states.zeros = carve.floats(widest);
    states.partial = carve.floats(p.P ? p.K * p.N * widest : 0);
    states.h0 = carve.floats(p.lengths ? p.L * p.K * p.N * O : 0);
    states.c0 = carve.floats(p.cell == Cell::Lstm && (p.lengths || !p.training) ? p.L * p.K * p.N * p.H : 0);
    LayerArrays& a = arrays;
    input_block = input_block_rows(p, rows);
    a.gates_step = input_block * gates_stride(p);
    a.cells_step = p.N * p.H;
    a.wide_step = p.P ? p.N * p.H : 0;
    a.between_step = rows * p.K * O;
    a.x = carve.floats(rows_in_place(p, rows) ? 0 : spare * rows * p.D);
    a.gates = carve.floats(multiplies_inputs_apart(p) ? spare * p.K * a.gates_step : 0);
    a.cells = states.c0;
    a.wide = carve.floats(spare * p.K * a.wide_step);
    a.between = carve.floats(spare * kept_outputs(p) * a.between_step);
    if (p.quantized) carve_rounded(p, rows, carve);
    bytes = carve.bytes();
  }

 private:
  // The directions share the rounded input of all steps; else they are at other steps, and in a single step each rounds
  // it for itself.
  void carve_rounded(const RecurrentProblem& p, int64_t rows, CacheLineCarver& carve) {
    const auto rounded = [&](int64_t count, int64_t columns) {
      QuantizedRows to{nullptr, nullptr, quantized_stride(columns)};
      to.values = static_cast<int16_t*>(carve.take(static_cast<size_t>(count * to.stride) * sizeof(int16_t)));
      to.scales = carve.floats(count);
      return to;
    };
    const int64_t widest = std::max(p.D, p.L > 1 ? p.input_size(1) : 0);
    shares_rounded_input = p.T > 1 && input_block == rows;
    for (int64_t k = 0; k < p.K; ++k) {
      rounded_input[k] = k == 0 || !shares_rounded_input ? rounded(input_block, widest) : rounded_input[0];
      rounded_h[k] = rounded(p.N, p.width());
      if (p.P) rounded_wide[k] = rounded(p.N, p.H);
    }
  }
};

/// Scratch of a backward call.
struct BackwardScratch {
  StateScratch states;
  float* d_hn;                            ///< [L·K][N][O], sorted
  float *carry, *previous, *d_projected;  ///< [K][N][H], [K][rows][O], [K][rows][P]
  float* first_gates;   ///< [K][N][gates · H]: the gradients of each row's first sums, in the caller's order of rows
  float *d_out, *d_in;  ///< gradients of a layer's output and input, in turn: [rows][max(K·O, D)]
  int64_t previous_step, d_projected_step, first_gates_step;
  size_t bytes;

  BackwardScratch(const RecurrentProblem& p, int64_t rows, void* base) {
    const int64_t O = p.width(), widest = std::max(p.H, O);
    CacheLineCarver carve(base);
    previous_step = rows * O;
    d_projected_step = rows * p.P;
    first_gates_step = p.N * p.gates() * p.H;
    states.zeros = carve.floats(widest);
    states.partial = carve.floats(p.K * p.N * widest);
    states.h0 = carve.floats(p.lengths ? p.L * p.K * p.N * O : 0);
    states.c0 = carve.floats(p.lengths && p.cell == Cell::Lstm ? p.L * p.K * p.N * p.H : 0);
    d_hn = carve.floats(p.lengths ? p.L * p.K * p.N * O : 0);
    carry = carve.floats(p.K * p.N * p.H);
    previous = carve.floats(p.K * previous_step);
    d_projected = carve.floats(p.K * d_projected_step);
    first_gates = carve.floats(p.K * first_gates_step);
    d_out = carve.floats(rows * std::max(p.K * O, p.D));
    d_in = carve.floats(rows * std::max(p.K * O, p.D));
    bytes = carve.bytes();
  }
};

}  // namespace stm
