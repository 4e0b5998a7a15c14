#pragma once
// What an LSTM does with one row of one step; kernels/cells.h has the equations.
#include "backend/cuda/cells/call.h"

namespace stm::cuda {

template <class F>
struct LstmStep {
  CellCall<F> call;
  F* sums;  ///< [N, G·H], the product
  int64_t t;

  STM_DEVICE void operator()(Block& block, int64_t n) const {
    const CellRow<F> r = call.row(n, t);
    if (call.live(n, t)) run(block, r, sums + n * call.G * call.H);
    else call.clear(block, r);
    call.leave_masked(block, n, call.next(t));
  }

 private:
  STM_DEVICE void run(Block& block, const CellRow<F>& r, F* s) const {
    using functors::logistic;
    const int64_t H = call.H, first = call.coupled ? 0 : H;  // of f
    recurrent_sums(block, call, r, s, call.G * H);
    const F* const p = call.peephole;
    block.each(H, [&](int64_t j) {
      const F c = or_zero(r.c, j);
      const auto sum = [&](int64_t at) { return s[at + j] + r.x[at + j]; };
      const F f = logistic(p ? sum(first) + p[H + j] * c : sum(first));
      const F i = call.coupled ? F(1) - f : logistic(p ? sum(0) + p[j] * c : sum(0));
      const F g = std::tanh(sum(first + H)), fresh = f * c + i * g;
      const F o = logistic(p ? sum(first + 2 * H) + p[2 * H + j] * fresh : sum(first + 2 * H));
      r.gates[j] = i;
      r.gates[H + j] = f;
      r.gates[2 * H + j] = g;
      r.gates[3 * H + j] = o;
      r.raw[j] = fresh;
    });
    if (call.gain) {
      const F scale = normalize(block, r.raw, H, call.epsilon, r.cell_normal);
      block.once([&] { r.scales[1] = scale; });
    }
    block.each(H, [&](int64_t j) {
      const F shown = call.gain ? r.cell_normal[j] * call.cell_gain[j] + call.cell_bias[j] : r.raw[j];
      r.y[j] =
          updated(r.update_h ? r.update_h[j] : call.update_h, r.gates[3 * H + j] * std::tanh(shown), or_zero(r.h, j));
      r.cell[j] = updated(r.update_c ? r.update_c[j] : call.update_c, r.raw[j], or_zero(r.c, j));
    });
  }
};

template <class F>
struct LstmBackward {
  CellCall<F> call;
  CellGradients<F> g;
  int64_t t;

  STM_DEVICE void operator()(Block& block, int64_t n) const {
    if (!call.live(n, t)) return pass_by(block, call, g, n, t);
    const int64_t H = call.H, first = call.coupled ? 0 : H;
    const CellRow<F> r = call.row(n, t);
    F *const dx = g.dx + (n * call.T + t) * call.G * H, *const draw = g.scratch + n * H;
    show(block, r, n, dx + first + 2 * H, draw);
    if (call.gain) {
      F *const dgain = g.dcell_gain + n * H, *const dbias = g.dcell_bias + n * H;
      block.each(H, [&](int64_t j) {
        dgain[j] += draw[j] * r.cell_normal[j];
        dbias[j] += draw[j];
        draw[j] *= call.cell_gain[j];
      });
      normalize_backward(block, draw, r.cell_normal, r.scales[1], H);
    }
    block.each(H, [&](int64_t j) { gates(r, n, dx + j, draw[j], j); });
    F* const dproduct = g.dproduct + (t * call.N + n) * call.G * H;
    block.each(call.G * H, [&](int64_t i) { dproduct[i] = dx[i]; });
    recurrent_sums_backward(block, call, r, g, n, dproduct);
  }

 private:
  /// Of o and, in `draw`, of what its tanh is shown; in dh what zoneout takes of h before.
  STM_DEVICE void show(Block& block, const CellRow<F>& r, int64_t n, F* of_o, F* draw) const {
    const int64_t H = call.H;
    F* const dh = g.dh + n * H;
    block.each(H, [&](int64_t j) {
      const F shown = std::tanh(call.gain ? r.cell_normal[j] * call.cell_gain[j] + call.cell_bias[j] : r.raw[j]);
      const F all = g.of_h(call, n, t, j), d = (r.update_h ? r.update_h[j] : call.update_h) * all;
      const F o = r.gates[3 * H + j];
      dh[j] = all - d;
      of_o[j] = d * shown * o * (F(1) - o);
      draw[j] = d * o * (F(1) - shown * shown);
    });
  }

  /// Of one unit's i, f and g, from that of c'; dx is at its i, or f if coupled.
  STM_DEVICE void gates(const CellRow<F>& r, int64_t n, F* dx, F dc_raw, int64_t j) const {
    const int64_t H = call.H;
    F* const dc = g.dc + n * H + j;
    const F all = *dc + (g.dcells ? g.dcells[(n * call.T + t) * H + j] : F(0));
    const F taken = (r.update_c ? r.update_c[j] : call.update_c) * all;
    F* const df = call.coupled ? dx : dx + H;
    const F* const p = call.peephole;
    F* const dp = g.dpeephole + n * 3 * H + j;
    F d = dc_raw + taken;
    if (p) {
      dp[2 * H] += df[2 * H] * r.raw[j];
      d += df[2 * H] * p[2 * H + j];
    }
    const F i = r.gates[j], f = r.gates[H + j], gg = r.gates[2 * H + j], c = or_zero(r.c, j);
    const F of_forget = call.coupled ? d * c - d * gg : d * c;
    df[0] = of_forget * f * (F(1) - f);
    df[H] = d * i * (F(1) - gg * gg);
    if (!call.coupled) dx[0] = d * gg * i * (F(1) - i);
    F before = all - taken + d * f;
    if (p) {
      dp[H] += df[0] * c;
      before += df[0] * p[H + j];
      if (!call.coupled) {
        dp[0] += dx[0] * c;
        before += dx[0] * p[j];
      }
    }
    *dc = before;
  }
};

}  // namespace stm::cuda
