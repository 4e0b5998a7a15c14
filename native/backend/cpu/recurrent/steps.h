#pragma once
#include <cstddef>
#include <cstdint>

#include "backend/cpu/recurrent/pack.h"
#include "backend/cpu/recurrent/quantized.h"
#include "backend/cpu/recurrent/sequence.h"
#include "backend/kernels/recurrent.h"

namespace stm {

/// The sizes of one direction of one layer, and how its work is shared. H hidden units, O the width of h.
struct DirectionGeometry {
  const Sequence* sequence;
  const Split* split;
  Cell cell;
  int64_t hidden, projection, input_size;  ///< projection: 0 for none
  bool reverse, training;
  bool quantized = false;

  int64_t width() const { return projection ? projection : hidden; }
};

/// What its steps read and write, over a packed sequence. A row of gates has cell_slots() slots of H numbers: see
/// cells-inl.h.
struct DirectionRows {
  const float* h0;     ///< [batch][O], or null for zeros
  const float* c0;     ///< [batch][H], or null for zeros; training only (else `cells` holds them)
  const float* zeros;  ///< [max(H, O)]
  const float* input;  ///< [rows][input_size], multiplied by the tiles; or null: `gates` hold the product
  const float* ahead;  ///< of a single step, what run_ahead_panel has left, or null
  ptrdiff_t ld_ahead;
  /// [rows][ld_gates]: in, the input product; out, what backward needs; after the backward pass, the gradients of the
  /// sums. Quantised: of the rows of a block of steps, from row `first_gates` of the sequence on.
  float* gates;
  int64_t first_gates;
  ptrdiff_t ld_gates;
  float* cells;  ///< LSTM. Training: [rows][H]; inference: the running state [batch][H], c0 in, cN out
  float* wide;   ///< projected, h before the projection. Training: [rows][H]; inference: [batch][H]
  float* out;    ///< [rows][ld_out], h
  ptrdiff_t ld_out;
  float* partial;  ///< [batch][ld_partial], scratch
  ptrdiff_t ld_partial;
  /// Quantised: the rounded input, of the rows that `gates` have, or, where it is multiplied step by step, scratch for
  /// those of a step as the others: h of the step before, and h before the projection [batch].
  QuantizedRows rounded_input, rounded_h, rounded_wide;
};

/// What the backward pass needs besides.
struct BackwardRows {
  const float* d_out;  ///< [rows][ld_out], or null for zeros
  const float* d_hn;   ///< [batch][O], or null for zeros
  /// [batch][H], the gradient that flows past the products. LSTM: d_cN in, d_c0 out. GRU: d_hN in (then d_hn is null),
  /// its part of d_h0 out.
  float* carry;
  float* d_projected;  ///< [rows][P], out: the gradient of h
  float* d_bias;       ///< [owners][slots][H], sums over the rows; cleared by the caller
};

/// One direction of one layer over a packed sequence: f32, with weights of f32 or of 8 bits.
struct Recurrence {
  DirectionGeometry geometry;
  PackedLayer weights;
  DirectionRows rows;
  QuantizedLayer quantized;  ///< if the geometry says so, in the place of `weights`
};

/// What a member computes of a direction's steps: the parts of one owner of rows, who needs nothing of the others; or,
/// if units are owned, those that nobody else has taken, a round for each step; two for a projected one or of 8 bits,
/// four for one that is both.
struct StepParts {
  int owner;
  Rounds::Walk* rounds = nullptr;

  template <class F>
  void operator()(const F& part_of) const {
    if (rounds) rounds->round(part_of);
    else part_of(owner);
  }
};
inline int64_t rounds_of_steps(const DirectionGeometry& g, int64_t steps) {
  return steps * (g.projection ? 2 : 1) * (g.quantized ? 2 : 1);
}

/// For each owner of rows, or for each member who takes part in the rounds.
void run_forward(const Recurrence& r, const StepParts& parts);

/// Of a sequence of a single step, whose panels of units need each other only from layer to layer: how many there are,
/// and one of them. `projects`: those of the projection, after all of the cells.
int64_t step_panels(const Recurrence& r, bool projects);
void run_step_panel(const Recurrence& r, bool projects, int64_t panel);

/// The bias and the product with h0 of one of those panels of cells, for all rows of the batch, into `sums`: [batch]
/// rows of slots_stride() numbers.
void run_ahead_panel(const Recurrence& r, float* sums, int64_t panel);

void run_backward(const Recurrence& r, const BackwardRows& b, const StepParts& parts);

}  // namespace stm
