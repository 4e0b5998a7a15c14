#pragma once
#include "backend/carver.h"
#include "backend/kernels/cells.h"

namespace stm {

/// What a gated cell's forward leaves for its backward, on every device: of each row of each step, [T, N], where it is
/// training, else of one step. F: float or double.
template <class F>
struct CellReserve {
  F* gates;        ///< [4 · H]: i f g o, or r z n and the sum W_n h + b_n
  F* raw;          ///< [H], LSTM: c' before zoneout
  F* masked;       ///< [H], what was multiplied: m ⊙ h
  F* reset;        ///< [H], GRU with the reset before the product: r ⊙ m ⊙ h
  F* normal;       ///< [G · H], the normalised product
  F* cell_normal;  ///< [H], LSTM: c' normalised
  F* scales;       ///< [2], what the norms of the product and of c' multiplied by
  size_t bytes;

  CellReserve(const CellProblem& p, void* base) {
    Carver<256> carve(base);
    const int64_t rows = p.training ? p.T * p.N : p.N;
    const auto take = [&](int64_t width) {
      return reinterpret_cast<F*>(carve.floats(rows * width * static_cast<int64_t>(sizeof(F) / sizeof(float))));
    };
    const bool lstm = p.cell == GatedCell::Lstm;
    gates = take(4 * p.H);
    raw = take(lstm ? p.H : 0);
    masked = take(p.H);
    reset = take(p.reset_before ? p.H : 0);
    normal = take(p.norms ? p.gates() * p.H : 0);
    cell_normal = take(p.norms && lstm ? p.H : 0);
    scales = take(p.norms ? 2 : 0);
    bytes = carve.bytes();
  }
};

}  // namespace stm
