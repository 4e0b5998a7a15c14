// What a gated cell does with one row of one step, forwards and backwards, all but the products. Loops over the units
// are plain, for the compiler to vectorise.
#if defined(STM_CELL_ROWS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_CELL_ROWS_INL_H_
#undef STM_CELL_ROWS_INL_H_
#else
#define STM_CELL_ROWS_INL_H_
#endif

#include <cmath>
#include <cstdint>

#include "backend/cpu/recurrent/gate_math-inl.h"
#include "backend/kernels/cells.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

// Before a loop whose turns do not read what others write, which the compiler cannot see of so many arrays.
#ifdef __clang__
#define STM_EACH_UNIT _Pragma("clang loop vectorize(assume_safety)")
#else
#define STM_EACH_UNIT _Pragma("GCC ivdep")
#endif

HWY_INLINE double TanhOf(double x) { return std::tanh(x); }
HWY_INLINE float TanhOf(float x) { return Tanh(x); }
template <class F>
HWY_INLINE F SigmoidOf(F x) {
  return F(0.5) + F(0.5) * TanhOf(F(0.5) * x);
}

// Σ f(i), in an order that depends on n alone.
template <class F, class G>
HWY_INLINE F SumOf(int64_t n, const G& f) {
  constexpr int64_t kWays = 16;
  F ways[kWays] = {};
  int64_t i = 0;
  for (; i + kWays <= n; i += kWays)
    for (int64_t j = 0; j < kWays; ++j) ways[j] += f(i + j);
  for (int64_t j = 0; i + j < n; ++j) ways[j] += f(i + j);
  for (int64_t half = kWays / 2; half > 0; half /= 2)
    for (int64_t j = 0; j < half; ++j) ways[j] += ways[j + half];
  return ways[0];
}

// x -> (x - mean) / deviation, which it returns the inverse of.
template <class F>
F Normalize(F* x, int64_t n, F epsilon) {
  const F mean = SumOf<F>(n, [=](int64_t i) { return x[i]; }) / F(n);
  const F variance = SumOf<F>(n, [=](int64_t i) { return (x[i] - mean) * (x[i] - mean); }) / F(n);
  const F scale = F(1) / std::sqrt(variance + epsilon);
  STM_EACH_UNIT
  for (int64_t i = 0; i < n; ++i) x[i] = (x[i] - mean) * scale;
  return scale;
}

// The gradient of x from that of the normalised, in place.
template <class F>
void NormalizeBackward(F* d, const F* normalized, F scale, int64_t n) {
  const F mean = SumOf<F>(n, [=](int64_t i) { return d[i]; }) / F(n);
  const F slope = SumOf<F>(n, [=](int64_t i) { return d[i] * normalized[i]; }) / F(n);
  STM_EACH_UNIT
  for (int64_t i = 0; i < n; ++i) d[i] = scale * (d[i] - mean - normalized[i] * slope);
}

// The parameters of a cell; null where absent.
template <class F>
struct CellParameters {
  const F *b, *gain, *cell_gain, *cell_bias, *peephole;
};

// A row of a step. `kept` holds what backward needs of it: see CellReserve.
template <class F>
struct CellRow {
  const F *x, *h, *c;            // input's part of the sums; state before
  const F *update_h, *update_c;  // of zoneout, or null
  F *y, *cell;                   // state after
  F* gates;                      // [4 · H]: i f g o, or r z n and the sum W_n h + b_n
  F* raw;                        // LSTM: [H], c' before zoneout
  F *normal, *scales;            // [G · H] the normalised product; its scale, and that of c'
  F* cell_normal;                // [H], c' normalised
};

// product + bias, or its norm: `sums` of the recurrent part.
template <class F>
void RecurrentSums(const CellProblem& p, const CellParameters<F>& w, F* sums, const CellRow<F>& r, int64_t first,
                   int64_t count) {
  if (w.gain) {
    r.scales[0] = Normalize(sums + first, count, F(p.epsilon));
    STM_EACH_UNIT
    for (int64_t i = first; i < first + count; ++i) {
      r.normal[i] = sums[i];
      sums[i] *= w.gain[i];
    }
  }
  if (w.b) {
    STM_EACH_UNIT
    for (int64_t i = first; i < first + count; ++i) sums[i] += w.b[i];
  }
}

template <class F>
HWY_INLINE F Updated(F update, F fresh, F before) {
  return update == F(1) ? fresh : before + update * (fresh - before);
}

template <class F>
void LstmForward(const CellProblem& p, const CellParameters<F>& w, F* sums, const CellRow<F>& r) {
  const int64_t H = p.H, G = p.gates();
  RecurrentSums(p, w, sums, r, 0, G * H);
  STM_EACH_UNIT
  for (int64_t i = 0; i < G * H; ++i) sums[i] += r.x[i];
  F* HWY_RESTRICT const gi = r.gates;
  F* HWY_RESTRICT const gf = gi + H;
  F* HWY_RESTRICT const gg = gf + H;
  F* HWY_RESTRICT const go = gg + H;
  const F* const si = p.coupled ? nullptr : sums;
  const F* const sf = p.coupled ? sums : sums + H;
  const F *const sg = sf + H, *const so = sg + H;
  const F *const pi = w.peephole, *const pf = pi ? pi + H : nullptr, *const po = pi ? pf + H : nullptr;
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) gf[j] = SigmoidOf(pf ? sf[j] + pf[j] * r.c[j] : sf[j]);
  if (p.coupled) {
    STM_EACH_UNIT
    for (int64_t j = 0; j < H; ++j) gi[j] = F(1) - gf[j];
  } else {
    STM_EACH_UNIT
    for (int64_t j = 0; j < H; ++j) gi[j] = SigmoidOf(pi ? si[j] + pi[j] * r.c[j] : si[j]);
  }
  F* HWY_RESTRICT const raw = r.raw;
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    gg[j] = TanhOf(sg[j]);
    raw[j] = gf[j] * r.c[j] + gi[j] * gg[j];
  }
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) go[j] = SigmoidOf(po ? so[j] + po[j] * raw[j] : so[j]);
  const F* shown = raw;
  if (w.gain) {
    STM_EACH_UNIT
    for (int64_t j = 0; j < H; ++j) r.cell_normal[j] = raw[j];
    r.scales[1] = Normalize(r.cell_normal, H, F(p.epsilon));
    STM_EACH_UNIT
    for (int64_t j = 0; j < H; ++j) sums[j] = r.cell_normal[j] * w.cell_gain[j] + w.cell_bias[j];
    shown = sums;
  }
  const F uh = F(p.update_h), uc = F(p.update_c);
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) r.y[j] = Updated(r.update_h ? r.update_h[j] : uh, go[j] * TanhOf(shown[j]), r.h[j]);
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) r.cell[j] = Updated(r.update_c ? r.update_c[j] : uc, raw[j], r.c[j]);
}

// Gradients of one row. `dh`, `dc` [H]: of the state after, in; of the state before, out, but for the product's part.
// Those of the parameters are added to.
template <class F>
struct CellGradients {
  F *dh, *dc;
  F* dx;        // [G · H]
  F* dproduct;  // [G · H], of the product with W
  F *db, *dgain, *dcell_gain, *dcell_bias, *dpeephole;
};

// From the gradient of the recurrent sums to that of the product, in place; bias and gain on the way.
template <class F>
void RecurrentSumsBackward(const CellParameters<F>& w, const CellGradients<F>& g, const CellRow<F>& r, int64_t count) {
  F* HWY_RESTRICT const d = g.dproduct;
  STM_EACH_UNIT
  for (int64_t i = 0; i < count; ++i) g.db[i] += d[i];
  if (!w.gain) return;
  STM_EACH_UNIT
  for (int64_t i = 0; i < count; ++i) {
    g.dgain[i] += d[i] * r.normal[i];
    d[i] *= w.gain[i];
  }
  NormalizeBackward(d, r.normal, r.scales[0], count);
}

// Of the output gate and, in `draw`, of c' by what is shown of it; in dh what zoneout takes of h before.
template <class F>
void ShownBackward(const CellProblem& p, const CellParameters<F>& w, const CellRow<F>& r, const CellGradients<F>& g,
                   F* HWY_RESTRICT d_o, F* HWY_RESTRICT shown, F* HWY_RESTRICT draw) {
  const int64_t H = p.H;
  if (w.gain) {
    STM_EACH_UNIT
    for (int64_t j = 0; j < H; ++j) shown[j] = r.cell_normal[j] * w.cell_gain[j] + w.cell_bias[j];
  }
  const F *const sums = w.gain ? shown : r.raw, *const go = r.gates + 3 * H;
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) shown[j] = TanhOf(sums[j]);
  const F uh = F(p.update_h);
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    const F u = r.update_h ? r.update_h[j] : uh, dh = u * g.dh[j];
    g.dh[j] -= dh;
    d_o[j] = dh * shown[j] * go[j] * (F(1) - go[j]);
    draw[j] = dh * go[j] * (F(1) - shown[j] * shown[j]);
  }
  if (!w.gain) return;
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    g.dcell_gain[j] += draw[j] * r.cell_normal[j];
    g.dcell_bias[j] += draw[j];
    draw[j] *= w.cell_gain[j];
  }
  NormalizeBackward(draw, r.cell_normal, r.scales[1], H);
}

template <class F>
void LstmBackward(const CellProblem& p, const CellParameters<F>& w, const CellRow<F>& r, const CellGradients<F>& g,
                  F* scratch) {
  const int64_t H = p.H, G = p.gates();
  const F *const gi = r.gates, *const gf = gi + H, *const gg = gf + H;
  const F *const pi = w.peephole, *const pf = pi ? pi + H : nullptr, *const po = pi ? pf + H : nullptr;
  F* const di = p.coupled ? nullptr : g.dx;
  F* const df = p.coupled ? g.dx : g.dx + H;
  F *const dg = df + H, *const d_o = dg + H;
  F* HWY_RESTRICT const draw = scratch + H;
  ShownBackward(p, w, r, g, d_o, scratch, draw);
  const F uc = F(p.update_c);
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    const F u = r.update_c ? r.update_c[j] : uc, dc = u * g.dc[j];
    g.dc[j] -= dc;
    draw[j] += dc;
  }
  if (po) {
    STM_EACH_UNIT
    for (int64_t j = 0; j < H; ++j) {
      g.dpeephole[2 * H + j] += d_o[j] * r.raw[j];
      draw[j] += d_o[j] * po[j];
    }
  }
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    const F of_input = draw[j] * gg[j];
    F of_forget = draw[j] * r.c[j];
    if (p.coupled) of_forget -= of_input;
    else di[j] = of_input * gi[j] * (F(1) - gi[j]);
    df[j] = of_forget * gf[j] * (F(1) - gf[j]);
    dg[j] = draw[j] * gi[j] * (F(1) - gg[j] * gg[j]);
    g.dc[j] += draw[j] * gf[j];
  }
  if (pf) {
    STM_EACH_UNIT
    for (int64_t j = 0; j < H; ++j) {
      g.dpeephole[H + j] += df[j] * r.c[j];
      g.dc[j] += df[j] * pf[j];
    }
  }
  if (pi && di) {
    STM_EACH_UNIT
    for (int64_t j = 0; j < H; ++j) {
      g.dpeephole[j] += di[j] * r.c[j];
      g.dc[j] += di[j] * pi[j];
    }
  }
  STM_EACH_UNIT
  for (int64_t i = 0; i < G * H; ++i) g.dproduct[i] = g.dx[i];
  RecurrentSumsBackward(w, g, r, G * H);
}

// r and z. Reset before the product: `reset` [H] is what is multiplied next, r ⊙ masked h.
template <class F>
void GruGates(const CellProblem& p, const CellParameters<F>& w, F* sums, const CellRow<F>& r, const F* masked,
              F* reset) {
  const int64_t H = p.H;
  RecurrentSums(p, w, sums, r, 0, p.reset_before ? 2 * H : 3 * H);
  STM_EACH_UNIT
  for (int64_t j = 0; j < 2 * H; ++j) r.gates[j] = SigmoidOf(sums[j] + r.x[j]);
  if (reset) STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) reset[j] = r.gates[j] * masked[j];
}

template <class F>
void GruForward(const CellProblem& p, const CellParameters<F>& w, F* sums, const CellRow<F>& r) {
  const int64_t H = p.H;
  F* HWY_RESTRICT const sum = sums + 2 * H;
  if (p.reset_before && w.b) {
    STM_EACH_UNIT
    for (int64_t j = 0; j < H; ++j) sum[j] += w.b[2 * H + j];
  }
  const F *const gr = r.gates, *const gz = gr + H;
  F *HWY_RESTRICT const gn = r.gates + 2 * H, *HWY_RESTRICT const kept = gn + H;
  const F* const x = r.x + 2 * H;
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    kept[j] = sum[j];
    gn[j] = TanhOf(x[j] + (p.reset_before ? F(1) : gr[j]) * sum[j]);
  }
  const F uh = F(p.update_h);
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    const F fresh = gn[j] + gz[j] * (r.h[j] - gn[j]);
    r.y[j] = Updated(r.update_h ? r.update_h[j] : uh, fresh, r.h[j]);
  }
}

// Of z and n, and of r if it is applied after the product: then the product's gradient is complete.
template <class F>
void GruBackward(const CellProblem& p, const CellParameters<F>& w, const CellRow<F>& r, const CellGradients<F>& g) {
  const int64_t H = p.H;
  const F *const gr = r.gates, *const gz = gr + H, *const gn = gz + H, *const sum = gn + H;
  F *const dr = g.dx, *const dz = dr + H, *const dn = dz + H;
  const F uh = F(p.update_h);
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    const F u = r.update_h ? r.update_h[j] : uh, dh = u * g.dh[j];
    g.dh[j] += dh * (gz[j] - F(1));
    dz[j] = dh * (r.h[j] - gn[j]) * gz[j] * (F(1) - gz[j]);
    dn[j] = dh * (F(1) - gz[j]) * (F(1) - gn[j] * gn[j]);
    g.dproduct[H + j] = dz[j];
    g.dproduct[2 * H + j] = dn[j];
  }
  if (p.reset_before) return;
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    g.dproduct[2 * H + j] = dn[j] * gr[j];
    g.dproduct[j] = dr[j] = dn[j] * sum[j] * gr[j] * (F(1) - gr[j]);
  }
  RecurrentSumsBackward(w, g, r, 3 * H);
}

// Reset before the product: of r, from the gradient of what was multiplied, which becomes that of masked h, in place.
template <class F>
void GruResetBackward(const CellProblem& p, const CellParameters<F>& w, const CellRow<F>& r, const CellGradients<F>& g,
                      const F* masked, F* d_reset) {
  const int64_t H = p.H;
  const F* const gr = r.gates;
  STM_EACH_UNIT
  for (int64_t j = 0; j < H; ++j) {
    g.dproduct[j] = g.dx[j] = d_reset[j] * masked[j] * gr[j] * (F(1) - gr[j]);
    d_reset[j] *= gr[j];
  }
  RecurrentSumsBackward(w, g, r, 3 * H);
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
