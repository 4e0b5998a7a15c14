#pragma once
#include "backend/math_mode.h"
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

enum class Cell : int32_t { Lstm, Gru, RnnTanh, RnnRelu };

/// Gates of a cell: rows of its weights by hidden units.
constexpr int64_t gates_of(Cell cell) {
  switch (cell) {
    case Cell::Lstm: return 4;
    case Cell::Gru: return 3;
    case Cell::RnnTanh:
    case Cell::RnnRelu: break;
  }
  return 1;
}

/// cuDNN's algorithms; Auto takes the fastest for the shape. Other devices have one of their own.
enum class Algorithm : int32_t { Auto, Standard, PersistStatic, PersistDynamic, PersistStaticSmallH };
constexpr const char* kAlgorithmNames[] = {"auto", "standard", "persistStatic", "persistDynamic",
                                           "persistStaticSmallH"};
constexpr const char* name_of(Algorithm algorithm) { return kAlgorithmNames[static_cast<int32_t>(algorithm)]; }

/// One stack of recurrent layers over one padded batch. N batch, T time, D input, H hidden, P projection (0: none), L
/// layers, K directions; O = P or H is the width of h. Outputs past a row's length are 0; its final state is that of
/// its last real step (of its first one, in the reverse direction); a row of length 0 keeps its initial state.
///
/// Weights are one buffer: for each pseudo-layer l·K + k, W_ih [G·H, D or K·O], W_hh [G·H, O], W_hr [P, H] if
/// projected; then, if biased, for each pseudo-layer b_ih [G·H], b_hh [G·H]. Gates: LSTM i f g o (G = 4); GRU r z n,
/// reset applied after the recurrent product (G = 3); RNN G = 1.
struct RecurrentProblem {
  Cell cell = Cell::Lstm;
  DType dtype = DType::F32;  ///< F32 or F64
  int64_t N = 0, T = 0, D = 0, H = 0, P = 0, L = 1, K = 1;
  bool bias = true, batch_first = true, training = false;  ///< training: forward fills the reserve
  const int32_t* lengths = nullptr;                        ///< [N], each in 0..T, any order; null: all T
  MathMode math = MathMode::Fma;                           ///< for F32
  Algorithm algorithm = Algorithm::Auto;
  bool deterministic = false;  ///< same bits in every run of the same program on the same device
  uint64_t choice = 0;         ///< what choose() gave; 0: the device's plain way
  /// The matrices of the weights, without the biases, are bytes in -127..127, and their rows have scales: see
  /// RecurrentForward::scales and QuantizedKernels. F32, forward without training; only if the device has these.
  bool quantized = false;

  int64_t gates() const { return gates_of(cell); }
  int64_t width() const { return P ? P : H; }
  int64_t input_size(int64_t layer) const { return layer == 0 ? D : K * width(); }
  int64_t weight_elements() const;
};

/// A matrix or bias among the weights of a problem, and where it lies in their buffer.
struct RecurrentWeight {
  enum Role { Input, State, Projection, InputBias, StateBias } role;  ///< W_ih, W_hh, W_hr, b_ih, b_hh
  size_t index;                                                       ///< its number among them
  int64_t layer, direction;
  int64_t rows, columns;  ///< columns: 1 of a bias
  int64_t first;          ///< the number of its first element

  bool is_bias() const { return role == InputBias || role == StateBias; }
  int64_t size() const { return rows * columns; }
};

/// Calls f(RecurrentWeight) for each weight in the order of the buffer.
template <class F>
void for_each_weight(const RecurrentProblem& p, const F& f) {
  using W = RecurrentWeight;
  const int64_t rows = p.gates() * p.H;
  size_t index = 0;
  int64_t first = 0;
  const auto visit = [&](W::Role role, int64_t l, int64_t k, int64_t height, int64_t width) {
    f(W{role, index++, l, k, height, width, first});
    first += height * width;
  };
  for (int64_t l = 0; l < p.L; ++l) {
    for (int64_t k = 0; k < p.K; ++k) {
      visit(W::Input, l, k, rows, p.input_size(l));
      visit(W::State, l, k, rows, p.width());
      if (p.P) visit(W::Projection, l, k, p.P, p.H);
    }
  }
  if (!p.bias) return;
  for (int64_t l = 0; l < p.L; ++l) {
    for (int64_t k = 0; k < p.K; ++k) {
      visit(W::InputBias, l, k, rows, 1);
      visit(W::StateBias, l, k, rows, 1);
    }
  }
}

inline int64_t RecurrentProblem::weight_elements() const {
  int64_t elements = 0;
  for_each_weight(*this, [&](const RecurrentWeight& weight) { elements += weight.size(); });
  return elements;
}

/// Bytes of the buffers that the caller provides.
struct RecurrentSizes {
  size_t reserve = 0;            ///< written by a training forward, read by backward
  size_t forward_workspace = 0;  ///< scratch of one call
  size_t backward_workspace = 0;
  size_t ahead = 0;     ///< what ahead() computes, if computes_ahead()
  size_t packed = 0;    ///< weights as this device wants them, made by pack(); 0 if it takes them as they are
  uint64_t layout = 0;  ///< of the packed weights: a pack of one layout does not serve a problem with another
};

/// x [N, T, D] or [T, N, D] (batch_first), y [N, T, K·O] or [T, N, K·O], h [L·K, N, O], c [L·K, N, H] (LSTM only). All
/// contiguous. h0, c0 may be null (zeros). ahead: what ahead() has computed of h0, or null.
struct RecurrentForward {
  const void *x, *h0, *c0, *weights, *packed;
  void *y, *hn, *cn, *reserve, *workspace;
  const void* ahead = nullptr;
  /// Of a quantised problem: for each weight, in their order, the scales of its rows, or, of a bias, its numbers.
  const float* scales = nullptr;
};

/// dy, dhn, dcn may be null (zeros); dx, dh0, dc0, dweights may be null (not wanted). dweights has the layout of
/// weights and is overwritten, both biases included.
struct RecurrentBackward {
  const void *x, *h0, *c0, *weights, *packed, *y, *hn, *cn, *dy, *dhn, *dcn;
  void *dx, *dh0, *dc0, *dweights, *reserve, *workspace;
};

class RecurrentKernels {
 public:
  /// Refuses what the device cannot compute. Any thread.
  virtual Status check(const RecurrentProblem& problem) noexcept = 0;
  /// How the device is to compute the call that is about to run: for `choice` of its problem, that of its backward
  /// included. Never 0. Devices learn from calls, so that a later one may get another answer; what it takes to learn
  /// may take long. `repeated`: the call belongs to a step that will be repeated as it is.
  virtual Status choose(const RecurrentProblem& problem, bool repeated, uint64_t* choice) noexcept = 0;
  /// The same answer for the same problem, its choice included, for as long as the process lives.
  virtual Status sizes(const RecurrentProblem& problem, RecurrentSizes* out) noexcept = 0;
  /// Rearranges `weights` into `packed` (sizes().packed bytes), which serves until the weights change.
  virtual Status pack(const RecurrentProblem& problem, const void* weights, void* packed) noexcept = 0;
  virtual Status forward(const RecurrentProblem& problem, const RecurrentForward& buffers) noexcept = 0;
  virtual Status backward(const RecurrentProblem& problem, const RecurrentBackward& buffers) noexcept = 0;
  /// Whether a step (T = 1, no lengths, no training) can be begun before its input is there, and is worth it. Any
  /// thread.
  virtual bool computes_ahead(const RecurrentProblem&) const noexcept { return false; }
  /// What a step from h0 needs of it, for RecurrentForward::ahead: sizes().ahead bytes. The step gives the same bits
  /// with it and without. Only if computes_ahead().
  virtual Status ahead(const RecurrentProblem&, const void* /*packed*/, const void* /*h0*/, void* /*sums*/) noexcept {
    return Status::fail(StatusKind::Internal, "this device begins no steps ahead");
  }

 protected:
  ~RecurrentKernels() = default;
};

}  // namespace stm
