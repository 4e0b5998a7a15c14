#pragma once
#include <cstddef>
#include <cstdint>

#include "backend/cpu/recurrent/sequence.h"
#include "backend/kernels/recurrent.h"

namespace stm {

/// One direction of one layer over a packed sequence, in f32. H hidden units, O the width of h, which is P if
/// projected, else H. A row of gates has cell_slots() slots of H numbers: see cells-inl.h. Panels are made by the
/// functions below.
struct Recurrence {
  const Sequence* sequence;
  const Split* split;
  Barrier* between_steps;  ///< of the owners
  Cell cell;
  int64_t hidden, projection, input_size;  ///< projection: 0 for none
  bool reverse, training;
  const float* h0;     ///< [batch][O], or null for zeros
  const float* c0;     ///< [batch][H], or null for zeros; training only (else `cells` holds them)
  const float* zeros;  ///< [max(H, O)]
  const float* bias;   ///< pack_bias
  const float* forward_panels;
  const float* project_panels;  ///< product with W_hr^T

  /// The input product: either fused (the tile multiplies input rows by packed W_ih), or done beforehand (input is
  /// null, gates hold the product).
  const float* input;
  const float* input_panels;

  float*
      /// [rows][ld_gates]: in, the input product; out, what backward needs; after the backward pass, the gradients of
      /// the sums
      gates;
  ptrdiff_t ld_gates;
  float* cells;  ///< LSTM. Training: [rows][H]; inference: the running state [batch][H], c0 in, cN out
  float* wide;   ///< projected, h before the projection. Training: [rows][H]; inference: [batch][H]
  float* out;    ///< [rows][ld_out], h
  ptrdiff_t ld_out;
  float* partial;  ///< [batch][ld_partial], scratch; ld_partial = max(H, O)
  ptrdiff_t ld_partial;

  // Backward only.
  const float* backward_panels;   ///< product of the gradients of the sums with W_hh
  const float* unproject_panels;  ///< product with W_hr
  const float* d_out;             ///< [rows][ld_d_out], or null for zeros
  ptrdiff_t ld_d_out;
  const float* d_hn;  ///< [batch][O], or null for zeros
  float*
      /// [batch][H], the gradient that flows past the products. LSTM: d_cN in, d_c0 out. GRU: d_hN in (then d_hn is
      /// null), its part of d_h0 out
      carry;
  float* d_projected;  ///< [rows][P], out: the gradient of h
  float* d_bias;       ///< [owners][slots][H], sums over the rows; cleared by the caller
};

/// Slots in a row of gates: LSTM 4, GRU 4, RNN 1; and the slot where the input's (state's: 0) gates begin.
constexpr int64_t cell_slots(Cell cell) { return cell == Cell::Lstm || cell == Cell::Gru ? 4 : 1; }
constexpr int64_t cell_input_slot(Cell cell) { return cell == Cell::Gru ? 1 : 0; }

/// Upper bounds in floats, for every instruction set.
size_t gate_panels_size(Cell cell, int64_t hidden, int64_t columns);
size_t plain_panels_size(int64_t depth, int64_t columns);
size_t bias_panels_size(Cell cell, int64_t hidden);

/// W_ih (state false) or W_hh (true), [gates · hidden][columns], for the forward pass. Each packs the part of member
/// `rank` of `members`.
void pack_gate_panels(Cell cell, bool state, const float* weight, int64_t hidden, int64_t columns, float* panels,
                      int rank, int members);

/// W_hh, [gates · hidden][columns], for the backward pass: its rows in the order of the gates' slots.
void pack_backward_panels(Cell cell, const float* weight, int64_t hidden, int64_t columns, float* panels, int rank,
                          int members);

/// Any matrix [depth][columns], or the transpose of [columns][depth].
void pack_plain_panels(const float* weight, int64_t depth, int64_t columns, bool transposed, float* panels, int rank,
                       int members);

/// The biases of all slots; null for none.
void pack_bias(Cell cell, const float* b_ih, const float* b_hh, int64_t hidden, float* panels);

/// Call from every owner of the split, ranks 0 to owners - 1, at the same time. By rows, an owner's rows are complete
/// when it returns; by units, everything is.
void run_forward(const Recurrence& r, int owner);
void run_backward(const Recurrence& r, int owner);

}  // namespace stm
