#pragma once
#include <cstddef>
#include <cstdint>

#include "backend/math_mode.h"
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

enum class GatedCell : int32_t { Lstm, Gru };

/// One direction of one layer of a gated cell in one of its variants, over a padded batch: N batch, T time, H hidden
/// units. The product with the input is the caller's; h is that of the step before, m its mask (1 where there is none).
///
/// LSTM, with s = x_t + norm(W (m ⊙ h)) + b of G = 4 gates i f g o, or 3, f g o, if coupled:
///   i, f = σ(s + p ⊙ c), or i = 1 - f if coupled;  c' = f ⊙ c + i ⊙ tanh(s_g)
///   h' = σ(s_o + p_o ⊙ c') ⊙ tanh(norm(c'))
/// GRU, G = 3, r z n:
///   r, z = σ(s);  n = tanh(x_n + r ⊙ (norm(W_n (m ⊙ h)) + b_n)), or tanh(x_n + W_n (r ⊙ m ⊙ h) + b_n) if reset_before
///   h' = (1 - z) ⊙ n + z ⊙ h
/// Then zoneout: u ⊙ (c', h') + (1 - u) ⊙ (c, h).
struct CellProblem {
  GatedCell cell = GatedCell::Lstm;
  DType dtype = DType::F32;  ///< F32 or F64
  int64_t N = 0, T = 0, H = 0;
  MathMode math = MathMode::Fma;  ///< of the products, where the device knows others
  bool coupled = false, reset_before = false, reverse = false;
  bool norms = false;                 ///< whether there is a gain
  bool training = false;              ///< whether forward fills the reserve
  double update_h = 1, update_c = 1;  ///< u where there is no tensor of it
  double epsilon = 1e-5;              ///< of the norms
  const int32_t* lengths = nullptr;   ///< [N], each in 0..T, any order; null: all T

  int64_t gates() const { return cell == GatedCell::Lstm && !coupled ? 4 : 3; }
};

/// What a cell is given. Dense; what may be null is absent: no bias, norm, peephole, mask, or zeros.
struct CellInputs {
  const void* x;                      ///< [N, T, G·H]
  const void *h0, *c0;                ///< [N, H], may be null
  const void* w;                      ///< [G·H, H]
  const void* b;                      ///< [G·H], may be null
  const void* gain;                   ///< [G·H], of the norm of the product; may be null
  const void *cell_gain, *cell_bias;  ///< [H], of the norm of c'; null with `gain`
  const void* peephole;               ///< [3, H], of i, f and o; may be null
  const void* mask;                   ///< m [N, H], may be null
  const void *update_h, *update_c;    ///< u [N, T, H], may be null
};

/// y and cells are 0 past a length; hn and cn those of each row's last real step (its first, in reverse).
struct CellForward {
  CellInputs in;
  void *y, *cells;  ///< [N, T, H]; cells of an LSTM only
  void *hn, *cn;    ///< [N, H]
  void *reserve, *workspace;
};

/// Gradients that come in may be null: zeros. Those that go out are all wanted, where there is such an input.
struct CellBackward {
  CellInputs in;
  const void *y, *cells, *dy, *dcells, *dhn, *dcn;
  void *dx, *dh0, *dc0, *dw, *db, *dgain, *dcell_gain, *dcell_bias, *dpeephole;
  void *reserve, *workspace;
};

struct CellSizes {
  size_t reserve = 0, forward_workspace = 0, backward_workspace = 0;
};

class CellKernels {
 public:
  virtual CellSizes sizes(const CellProblem& problem) noexcept = 0;  ///< any thread
  virtual Status forward(const CellProblem& problem, const CellForward& buffers) noexcept = 0;
  virtual Status backward(const CellProblem& problem, const CellBackward& buffers) noexcept = 0;

 protected:
  ~CellKernels() = default;
};

}  // namespace stm
