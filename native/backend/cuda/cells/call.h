#pragma once
// What the kernels of a gated cell know of a call, and of one row of one of its steps.
#include "backend/cell_reserve.h"
#include "backend/cuda/kernel/launch.h"

namespace stm::cuda {

/// A vector that may be absent: zeros.
template <class F>
STM_DEVICE F or_zero(const F* from, int64_t j) {
  return from ? from[j] : F(0);
}

/// One row of one step. `x` to `cell_normal` are as in CellInputs and CellReserve.
template <class F>
struct CellRow {
  const F *x, *h, *c;  ///< the input's part of the sums; the state before, null: zeros
  const F *update_h, *update_c;
  F *y, *cell;
  F *gates, *raw, *masked, *reset, *normal, *scales, *cell_normal;
};

template <class F>
struct CellCall {
  int64_t N, T, H, G;
  bool coupled, reset_before, reverse, training;
  F update_h, update_c, epsilon;
  const int32_t* lengths;  ///< of the device, or null
  const F *x, *h0, *c0, *b, *gain, *cell_gain, *cell_bias, *peephole, *mask, *updates_h, *updates_c;
  F *y, *cells;
  F *gates, *raw, *masked, *reset, *normal, *scales, *cell_normal;

  CellCall(const CellProblem& p, const CellInputs& in, const int32_t* device_lengths, const void* outputs,
           const void* cell_outputs, void* reserve)
      : N(p.N),
        T(p.T),
        H(p.H),
        G(p.gates()),
        coupled(p.coupled),
        reset_before(p.reset_before),
        reverse(p.reverse),
        training(p.training),
        update_h(static_cast<F>(p.update_h)),
        update_c(static_cast<F>(p.update_c)),
        epsilon(static_cast<F>(p.epsilon)),
        lengths(device_lengths),
        x(of(in.x)),
        h0(of(in.h0)),
        c0(of(in.c0)),
        b(of(in.b)),
        gain(of(in.gain)),
        cell_gain(of(in.cell_gain)),
        cell_bias(of(in.cell_bias)),
        peephole(of(in.peephole)),
        mask(of(in.mask)),
        updates_h(of(in.update_h)),
        updates_c(of(in.update_c)),
        y(const_cast<F*>(of(outputs))),
        cells(const_cast<F*>(of(cell_outputs))) {
    const CellReserve<F> kept(p, reserve);
    gates = kept.gates;
    raw = kept.raw;
    masked = kept.masked;
    reset = kept.reset;
    normal = kept.normal;
    scales = kept.scales;
    cell_normal = kept.cell_normal;
  }

  /// The time of a step.
  STM_DEVICE int64_t time(int64_t step) const { return reverse ? T - 1 - step : step; }
  /// Where the rows of a step stand in the reserve.
  STM_DEVICE int64_t first_kept(int64_t t) const { return training ? t * N : 0; }

  STM_DEVICE int64_t length(int64_t n) const { return lengths ? lengths[n] : T; }
  STM_DEVICE bool live(int64_t n, int64_t t) const { return t < length(n); }

  /// A row's state before a step, of the tensor of all steps; null: zeros.
  STM_DEVICE const F* before(const F* states, const F* initial, int64_t n, int64_t t) const {
    const int64_t previous = reverse ? t + 1 : t - 1;
    if (previous >= 0 && previous < length(n)) return states + (n * T + previous) * H;
    return initial ? initial + n * H : nullptr;
  }

  STM_DEVICE CellRow<F> row(int64_t n, int64_t t) const {
    const int64_t kept = first_kept(t) + n, place = (n * T + t) * H;
    const auto at = [kept](F* from, int64_t width) { return from + kept * width; };
    return {.x = x + place * G,
            .h = before(y, h0, n, t),
            .c = cells ? before(cells, c0, n, t) : nullptr,
            .update_h = updates_h ? updates_h + place : nullptr,
            .update_c = updates_c ? updates_c + place : nullptr,
            .y = y + place,
            .cell = cells ? cells + place : nullptr,
            .gates = at(gates, 4 * H),
            .raw = at(raw, H),
            .masked = at(masked, H),
            .reset = at(reset, H),
            .normal = at(normal, G * H),
            .scales = at(scales, 2),
            .cell_normal = at(cell_normal, H)};
  }

  /// Leaves what the product of step t multiplies, once the state before it is there. t may lie beyond the steps.
  STM_DEVICE void leave_masked(Block& block, int64_t n, int64_t t) const {
    if (t < 0 || t >= T) return;
    F* const to = masked + (first_kept(t) + n) * H;
    const F* const h = live(n, t) ? before(y, h0, n, t) : nullptr;
    const F* const factors = mask ? mask + n * H : nullptr;
    block.each(H, [&](int64_t j) { to[j] = factors ? or_zero(h, j) * factors[j] : or_zero(h, j); });
  }
  /// What a row past its length shows.
  STM_DEVICE void clear(Block& block, const CellRow<F>& r) const {
    block.each(H, [&](int64_t j) {
      r.y[j] = F(0);
      if (r.cell) r.cell[j] = F(0);
    });
  }
  STM_DEVICE int64_t next(int64_t t) const { return reverse ? t - 1 : t + 1; }

 private:
  static const F* of(const void* data) { return static_cast<const F*>(data); }
};

template <class F>
STM_DEVICE F updated(F update, F fresh, F before) {
  return update == F(1) ? fresh : before + update * (fresh - before);
}

/// to = (x - mean) / deviation, of n numbers; returns the inverse of the deviation. `to` may be x.
template <class F>
STM_DEVICE F normalize(Block& block, const F* x, int64_t n, F epsilon, F* to) {
  const F mean = block.sum(n, [&](int64_t i) { return x[i]; }) / static_cast<F>(n);
  const F variance = block.sum(n, [&](int64_t i) { return (x[i] - mean) * (x[i] - mean); }) / static_cast<F>(n);
  const F scale = F(1) / std::sqrt(variance + epsilon);
  block.each(n, [&](int64_t i) { to[i] = (x[i] - mean) * scale; });
  return scale;
}

/// The gradient of x from that of the normalised, in place.
template <class F>
STM_DEVICE void normalize_backward(Block& block, F* d, const F* normal, F scale, int64_t n) {
  const F mean = block.sum(n, [&](int64_t i) { return d[i]; }) / static_cast<F>(n);
  const F slope = block.sum(n, [&](int64_t i) { return d[i] * normal[i]; }) / static_cast<F>(n);
  block.each(n, [&](int64_t i) { d[i] = scale * (d[i] - mean - normal[i] * slope); });
}

/// The recurrent part of the sums: product + bias, or gain ⊙ norm(product) + bias, in place.
template <class F>
STM_DEVICE void recurrent_sums(Block& block, const CellCall<F>& call, const CellRow<F>& r, F* sums, int64_t count) {
  if (call.gain) {
    const F scale = normalize(block, sums, count, call.epsilon, r.normal);
    block.once([&] { r.scales[0] = scale; });
  }
  block.each(count,
             [&](int64_t i) { sums[i] = (call.gain ? call.gain[i] * r.normal[i] : sums[i]) + or_zero(call.b, i); });
}

/// What backward works on. States and products of each row; sums of a row over its steps, which are added up over the
/// rows at the end, in their order, so that the result has the same bits each time.
template <class F>
struct CellGradients {
  F *dx, *dproduct;            ///< of all steps: [N, T, G·H], the caller's; [T, N, G·H]
  F *dh, *dc;                  ///< [N, H]
  F *dmasked, *dreset;         ///< [N, H], what the products of the step after leave; null: none yet, or none at all
  F* scratch;                  ///< [N, H]
  const F *dy, *dcells;        ///< [N, T, H] or null
  F *db, *dgain;               ///< [N, G·H]
  F *dcell_gain, *dcell_bias;  ///< [N, H]
  F* dpeephole;                ///< [N, 3·H]

  /// The gradient of h after step t, in dh.
  STM_DEVICE F of_h(const CellCall<F>& call, int64_t n, int64_t t, int64_t j) const {
    return before_step(call, n, call.next(t), j) + (dy ? dy[(n * call.T + t) * call.H + j] : F(0));
  }
  /// dh with what the product of the step at time `after` gives, unless it is past the row's length.
  STM_DEVICE F before_step(const CellCall<F>& call, int64_t n, int64_t after, int64_t j) const {
    const int64_t at = n * call.H + j;
    if (!dmasked || !call.live(n, after)) return dh[at];
    const F d = dmasked[at] + (dreset ? dreset[at] : F(0));
    return dh[at] + (call.mask ? d * call.mask[at] : d);
  }
};

/// A row past its length: nothing but what an earlier step of the walk has left.
template <class F>
STM_DEVICE void pass_by(Block& block, const CellCall<F>& call, const CellGradients<F>& g, int64_t n, int64_t t) {
  F *const dx = g.dx + (n * call.T + t) * call.G * call.H, *const dproduct =
                                                               g.dproduct + (t * call.N + n) * call.G * call.H;
  block.each(call.H, [&](int64_t j) { g.dh[n * call.H + j] = g.before_step(call, n, call.next(t), j); });
  block.each(call.G * call.H, [&](int64_t i) { dx[i] = dproduct[i] = F(0); });
}

/// From the gradient of the recurrent sums to that of the product, in place; bias and gain on the way.
template <class F>
STM_DEVICE void recurrent_sums_backward(Block& block, const CellCall<F>& call, const CellRow<F>& r,
                                        const CellGradients<F>& g, int64_t n, F* d) {
  const int64_t count = call.G * call.H;
  F *const db = g.db + n * count, *const dgain = g.dgain + n * count;
  block.each(count, [&](int64_t i) {
    if (call.b) db[i] += d[i];
    if (!call.gain) return;
    dgain[i] += d[i] * r.normal[i];
    d[i] *= call.gain[i];
  });
  if (call.gain) normalize_backward(block, d, r.normal, r.scales[0], count);
}

}  // namespace stm::cuda
