#pragma once
// What a GRU does with one row of one step; kernels/cells.h has the equations. Where the reset comes before the
// product, a step has two products, and its kernels one each.
#include "backend/cuda/cells/call.h"

namespace stm::cuda {

/// r and z; with the reset before the product, also what the second product multiplies.
template <class F>
struct GruGates {
  CellCall<F> call;
  F* sums;  ///< [N, 3·H], the product, or [N, 2·H] of it
  int64_t t;

  STM_DEVICE void operator()(Block& block, int64_t n) const {
    const int64_t H = call.H, count = call.reset_before ? 2 * H : 3 * H;
    const CellRow<F> r = call.row(n, t);
    if (!call.live(n, t)) {
      if (call.reset_before) block.each(H, [&](int64_t j) { r.reset[j] = F(0); });
      return;
    }
    F* const s = sums + n * count;
    recurrent_sums(block, call, r, s, count);
    block.each(2 * H, [&](int64_t j) { r.gates[j] = functors::logistic(s[j] + r.x[j]); });
    if (call.reset_before) block.each(H, [&](int64_t j) { r.reset[j] = r.gates[j] * r.masked[j]; });
  }
};

/// n and the state after.
template <class F>
struct GruState {
  CellCall<F> call;
  const F* sums;  ///< of n, rows `stride` apart; with the reset before the product, without its bias
  int64_t stride, t;

  STM_DEVICE void operator()(Block& block, int64_t n) const {
    const CellRow<F> r = call.row(n, t);
    if (call.live(n, t)) run(block, r, sums + n * stride);
    else call.clear(block, r);
    call.leave_masked(block, n, call.next(t));
  }

 private:
  STM_DEVICE void run(Block& block, const CellRow<F>& r, const F* s) const {
    const int64_t H = call.H;
    block.each(H, [&](int64_t j) {
      const F sum = call.reset_before && call.b ? s[j] + call.b[2 * H + j] : s[j];
      const F fresh = std::tanh(r.x[2 * H + j] + (call.reset_before ? sum : r.gates[j] * sum));
      const F h = or_zero(r.h, j);
      r.gates[2 * H + j] = fresh;
      r.gates[3 * H + j] = sum;
      r.y[j] = updated(r.update_h ? r.update_h[j] : call.update_h, fresh + r.gates[H + j] * (h - fresh), h);
    });
  }
};

/// Both, where there is one product.
template <class F>
struct GruStep {
  GruGates<F> gates;
  GruState<F> state;
  STM_DEVICE void operator()(Block& block, int64_t n) const {
    gates(block, n);
    state(block, n);
  }
};

/// Of z and n, and of r if it is applied after the product: then the product's gradient is complete.
template <class F>
struct GruBackward {
  CellCall<F> call;
  CellGradients<F> g;
  int64_t t;

  STM_DEVICE void operator()(Block& block, int64_t n) const {
    if (!call.live(n, t)) return pass_by(block, call, g, n, t);
    const int64_t H = call.H;
    const CellRow<F> r = call.row(n, t);
    F *const dx = g.dx + (n * call.T + t) * 3 * H, *const dproduct = g.dproduct + (t * call.N + n) * 3 * H;
    F* const dh = g.dh + n * H;
    block.each(H, [&](int64_t j) {
      const F all = g.of_h(call, n, t, j), d = (r.update_h ? r.update_h[j] : call.update_h) * all;
      const F reset = r.gates[j], z = r.gates[H + j], fresh = r.gates[2 * H + j];
      dh[j] = all + d * (z - F(1));
      const F of_z = d * (or_zero(r.h, j) - fresh) * z * (F(1) - z), of_n = d * (F(1) - z) * (F(1) - fresh * fresh);
      dproduct[H + j] = dx[H + j] = of_z;
      dx[2 * H + j] = of_n;
      dproduct[2 * H + j] = call.reset_before ? of_n : of_n * reset;
      if (!call.reset_before) dproduct[j] = dx[j] = of_n * r.gates[3 * H + j] * reset * (F(1) - reset);
    });
    if (!call.reset_before) recurrent_sums_backward(block, call, r, g, n, dproduct);
  }
};

/// With the reset before the product: of r, from the gradient of what the second product multiplied, which becomes that
/// of masked h, in place.
template <class F>
struct GruResetBackward {
  CellCall<F> call;
  CellGradients<F> g;
  F* dreset;  ///< [N, H]
  int64_t t;

  STM_DEVICE void operator()(Block& block, int64_t n) const {
    if (!call.live(n, t)) return;
    const int64_t H = call.H;
    const CellRow<F> r = call.row(n, t);
    F *const dx = g.dx + (n * call.T + t) * 3 * H, *const dproduct = g.dproduct + (t * call.N + n) * 3 * H;
    F* const d = dreset + n * H;
    block.each(H, [&](int64_t j) {
      const F reset = r.gates[j];
      dproduct[j] = dx[j] = d[j] * r.masked[j] * reset * (F(1) - reset);
      d[j] *= reset;
    });
    recurrent_sums_backward(block, call, r, g, n, dproduct);
  }
};

}  // namespace stm::cuda
