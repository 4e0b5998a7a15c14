// The cells on one vector of units: `left` of its lanes are inside the layer. A row of gates has one slot of `hidden`
// numbers for each of the cell's sums:
//
//   LSTM  i f g o      GRU  q r z n (q = W_hn h + b_hn; r z n feed the input's weights, q r z the state's)      RNN  h
//
// The forward pass leaves in the slots what the backward pass needs, which replaces them by the gradients of the sums.
#if defined(STM_CELLS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_CELLS_INL_H_
#undef STM_CELLS_INL_H_
#else
#define STM_CELLS_INL_H_
#endif

#include "backend/cpu/recurrent/panel-inl.h"
#include "backend/kernels/recurrent.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

enum class Previous { kCell, kOutput, kNone };

struct Units {
  int64_t hidden, left;
  float* gates;           // of these units in the first slot; null if not kept
  float* cell;            // LSTM
  const float* previous;  // as kPrevious says: the cell or h of the step before
  bool relu;              // RNN
};

// How the sums of a cell lie in tiles and panels: kSlots slots of kUnitVecs vectors. The products with the input and
// with the state each fill kGates slots in a row, starting at kInputSlot and at slot 0; gate g of the weights
// (PyTorch's order) is the state's slot (g + kRotate) % kGates. kPrevious: what the cell itself needs of the step
// before.
struct LstmCell {
  static constexpr int kSlots = 4, kGates = 4, kInputSlot = 0, kUnitVecs = 1, kRotate = 0;
  static constexpr Previous kPrevious = Previous::kCell;

  // `sums`: [kSlots][kLanes]. Returns h, before the projection.
  static HWY_INLINE V Forward(const Units& u, const float* sums, ptrdiff_t step) {
    const D d;
    const V i = Sigmoid(hn::Load(d, sums)), f = Sigmoid(hn::Load(d, sums + step));
    const V g = Tanh(hn::Load(d, sums + 2 * step)), o = Sigmoid(hn::Load(d, sums + 3 * step));
    const V cell = hn::MulAdd(f, LoadFirst(u.previous, u.left), hn::Mul(i, g));
    if (u.gates) {
      StoreFirst(i, u.gates, u.left);
      StoreFirst(f, u.gates + u.hidden, u.left);
      StoreFirst(g, u.gates + 2 * u.hidden, u.left);
      StoreFirst(o, u.gates + 3 * u.hidden, u.left);
    }
    StoreFirst(cell, u.cell, u.left);
    return hn::Mul(o, Tanh(cell));
  }

  // `carry`: the gradient of the cell, this step's in, the previous step's out. Adds the gradients of the sums to
  // `d_bias`.
  static HWY_INLINE void Backward(const Units& u, V d_h, float* carry, V (&d_bias)[kSlots]) {
    const V one = Const(1.0f);
    const V i = LoadFirst(u.gates, u.left), f = LoadFirst(u.gates + u.hidden, u.left);
    const V g = LoadFirst(u.gates + 2 * u.hidden, u.left), o = LoadFirst(u.gates + 3 * u.hidden, u.left);
    const V t = Tanh(LoadFirst(u.cell, u.left));
    const V d_c = hn::MulAdd(hn::Mul(d_h, o), hn::NegMulAdd(t, t, one), LoadFirst(carry, u.left));
    const V d_i = hn::Mul(hn::Mul(d_c, g), hn::Mul(i, hn::Sub(one, i)));
    const V d_f = hn::Mul(hn::Mul(d_c, LoadFirst(u.previous, u.left)), hn::Mul(f, hn::Sub(one, f)));
    const V d_g = hn::Mul(hn::Mul(d_c, i), hn::NegMulAdd(g, g, one));
    const V d_o = hn::Mul(hn::Mul(d_h, t), hn::Mul(o, hn::Sub(one, o)));
    StoreFirst(d_i, u.gates, u.left);
    StoreFirst(d_f, u.gates + u.hidden, u.left);
    StoreFirst(d_g, u.gates + 2 * u.hidden, u.left);
    StoreFirst(d_o, u.gates + 3 * u.hidden, u.left);
    StoreFirst(hn::Mul(d_c, f), carry, u.left);
    d_bias[0] = hn::Add(d_bias[0], d_i);
    d_bias[1] = hn::Add(d_bias[1], d_f);
    d_bias[2] = hn::Add(d_bias[2], d_g);
    d_bias[3] = hn::Add(d_bias[3], d_o);
  }
};

struct GruCell {
  static constexpr int kSlots = 4, kGates = 3, kInputSlot = 1, kUnitVecs = 1, kRotate = 1;
  static constexpr Previous kPrevious = Previous::kOutput;

  static HWY_INLINE V Forward(const Units& u, const float* sums, ptrdiff_t step) {
    const D d;
    const V q = hn::Load(d, sums), r = Sigmoid(hn::Load(d, sums + step)), z = Sigmoid(hn::Load(d, sums + 2 * step));
    const V n = Tanh(hn::MulAdd(r, q, hn::Load(d, sums + 3 * step)));
    if (u.gates) {
      StoreFirst(q, u.gates, u.left);
      StoreFirst(r, u.gates + u.hidden, u.left);
      StoreFirst(z, u.gates + 2 * u.hidden, u.left);
      StoreFirst(n, u.gates + 3 * u.hidden, u.left);
    }
    return hn::MulAdd(z, hn::Sub(LoadFirst(u.previous, u.left), n), n);
  }

  // `carry`: the part of h's gradient that flows past the products; d_h contains it.
  static HWY_INLINE void Backward(const Units& u, V d_h, float* carry, V (&d_bias)[kSlots]) {
    const V one = Const(1.0f);
    const V q = LoadFirst(u.gates, u.left), r = LoadFirst(u.gates + u.hidden, u.left);
    const V z = LoadFirst(u.gates + 2 * u.hidden, u.left), n = LoadFirst(u.gates + 3 * u.hidden, u.left);
    const V kept = hn::Mul(d_h, z);
    const V d_n = hn::Mul(hn::Sub(d_h, kept), hn::NegMulAdd(n, n, one));
    const V d_q = hn::Mul(d_n, r);
    const V d_r = hn::Mul(hn::Mul(d_q, q), hn::Sub(one, r));
    const V d_z = hn::Mul(hn::Mul(kept, hn::Sub(LoadFirst(u.previous, u.left), n)), hn::Sub(one, z));
    StoreFirst(d_q, u.gates, u.left);
    StoreFirst(d_r, u.gates + u.hidden, u.left);
    StoreFirst(d_z, u.gates + 2 * u.hidden, u.left);
    StoreFirst(d_n, u.gates + 3 * u.hidden, u.left);
    StoreFirst(kept, carry, u.left);
    d_bias[0] = hn::Add(d_bias[0], d_q);
    d_bias[1] = hn::Add(d_bias[1], d_r);
    d_bias[2] = hn::Add(d_bias[2], d_z);
    d_bias[3] = hn::Add(d_bias[3], d_n);
  }
};

struct RnnCell {
  static constexpr int kSlots = 1, kGates = 1, kInputSlot = 0, kUnitVecs = 2, kRotate = 0;
  static constexpr Previous kPrevious = Previous::kNone;

  static HWY_INLINE V Forward(const Units& u, const float* sums, ptrdiff_t) {
    const V sum = hn::Load(D(), sums);
    const V h = u.relu ? AtLeast(sum, 0.0f) : Tanh(sum);
    if (u.gates) StoreFirst(h, u.gates, u.left);
    return h;
  }

  static HWY_INLINE void Backward(const Units& u, V d_h, float*, V (&d_bias)[kSlots]) {
    const V h = LoadFirst(u.gates, u.left);
    const V d_sum =
        u.relu ? hn::IfThenElseZero(hn::Gt(h, hn::Zero(D())), d_h) : hn::Mul(d_h, hn::NegMulAdd(h, h, Const(1.0f)));
    StoreFirst(d_sum, u.gates, u.left);
    d_bias[0] = hn::Add(d_bias[0], d_sum);
  }
};

// The panels of a cell, and its tiles.
template <class C>
struct CellPanels {
  static constexpr int kWidth = C::kUnitVecs * kLanes;        // units per gate panel
  static constexpr int kTileVecs = C::kSlots * C::kUnitVecs;  // vectors of sums a row
  static constexpr int kGateVecs = C::kGates * C::kUnitVecs;  // vectors of a product
  static constexpr int kInputOffset = C::kInputSlot * C::kUnitVecs * kLanes;
  static constexpr bool kInHalves = kHalves && kGateVecs == kMaxVecs;
  static constexpr int kRows = kRowsFor[kInHalves ? kHalfVecs : kGateVecs];  // of a tile
};

// Calls f with an object of the cell's type.
template <class F>
void WithCell(Cell cell, const F& f) {
  switch (cell) {
    case Cell::Lstm: return f(LstmCell());
    case Cell::Gru: return f(GruCell());
    case Cell::RnnTanh:
    case Cell::RnnRelu: return f(RnnCell());
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
