#include "backend/kernels/cells.h"

#include "backend/cpu/backend.h"
#include "backend/cpu/cells/layout.h"
#include "backend/cpu/denormals.h"
#include "backend/cpu/gemm.h"
#include "backend/cpu/stopping.h"
#include "backend/cpu/team.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/cells.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/cells/products-inl.h"
#include "backend/cpu/cells/rows-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

template <class F>
const F* In(const void* p) {
  return static_cast<const F*>(p);
}
template <class F>
F* Out(void* p) {
  return static_cast<F*>(p);
}

// What both passes know of a call. `row` is one of the sorted rows, `n` the caller's.
template <class F>
struct CellPass {
  const CellProblem& p;
  const CellInputs& in;
  const CellRows& rows;
  const CellReserve<F> reserve;
  const F* zeros;
  F *y, *cells;
  const int64_t H, G;
  const CellParameters<F> w;

  CellPass(const CellProblem& problem, const CellInputs& inputs, const CellRows& sorted, void* kept, const F* none,
           const void* outputs, const void* cell_outputs)
      : p(problem),
        in(inputs),
        rows(sorted),
        reserve(problem, kept),
        zeros(none),
        y(const_cast<F*>(In<F>(outputs))),
        cells(const_cast<F*>(In<F>(cell_outputs))),
        H(problem.H),
        G(problem.gates()),
        w{In<F>(inputs.b), In<F>(inputs.gain), In<F>(inputs.cell_gain), In<F>(inputs.cell_bias),
          In<F>(inputs.peephole)} {}

  int64_t time(int64_t step) const { return p.reverse ? p.T - 1 - step : step; }
  int64_t length(int64_t row) const { return rows.lengths[static_cast<size_t>(row)]; }
  int64_t caller(int64_t row) const { return rows.order[static_cast<size_t>(row)]; }
  // A row of a state after a step, of the tensor of all steps; before it, of that or the initial ones.
  int64_t at(int64_t row, int64_t t) const { return (caller(row) * p.T + t) * H; }
  const F* before(const F* states, const void* initial, int64_t row, int64_t t) const {
    const bool has_previous = p.reverse ? t + 1 < length(row) : t > 0;
    if (has_previous) return states + at(row, p.reverse ? t + 1 : t - 1);
    return initial ? In<F>(initial) + caller(row) * H : zeros;
  }
  int64_t kept(int64_t row, int64_t t) const { return (p.training ? t * p.N : 0) + row; }

  CellRow<F> row_of(int64_t row, int64_t t) const {
    const int64_t q = kept(row, t), place = at(row, t);
    return {In<F>(in.x) + place * G,
            before(y, in.h0, row, t),
            cells ? before(cells, in.c0, row, t) : nullptr,
            in.update_h ? In<F>(in.update_h) + place : nullptr,
            in.update_c ? In<F>(in.update_c) + place : nullptr,
            y + place,
            cells ? cells + place : nullptr,
            reserve.gates + q * 4 * H,
            reserve.raw + q * H,
            reserve.normal + q * G * H,
            reserve.scales + q * 2,
            reserve.cell_normal + q * H};
  }
};

template <class F>
void ForwardOfRows(const CellPass<F>& pass, const CellMatrix<F>& matrix, const CellMatrix<F>& of_reset, F* all_sums,
                   int64_t begin, int64_t end) {
  const CellProblem& p = pass.p;
  const int64_t H = p.H, ld = padded_columns(p.gates() * H) + (p.reset_before ? padded_columns(H) : 0);
  F* const sums = all_sums + begin * ld;
  for (int64_t step = 0; step < p.T; ++step) {
    stop_point();
    const int64_t t = pass.time(step), live = pass.rows.live(t, begin, end);
    F* const masked = pass.reserve.masked + pass.kept(begin, t) * H;
    F* const reset = p.reset_before ? pass.reserve.reset + pass.kept(begin, t) * H : nullptr;
    for (int64_t i = 0; i < live; ++i) {
      const F* const h = pass.before(pass.y, pass.in.h0, begin + i, t);
      const F* const mask = pass.in.mask ? In<F>(pass.in.mask) + pass.caller(begin + i) * H : nullptr;
      for (int64_t j = 0; j < H; ++j) masked[i * H + j] = mask ? h[j] * mask[j] : h[j];
    }
    if (live) matrix.multiply(masked, H, live, sums, ld);
    for (int64_t i = 0; i < live; ++i) {
      const CellRow<F> row = pass.row_of(begin + i, t);
      if (p.cell == GatedCell::Lstm) {
        LstmForward(p, pass.w, sums + i * ld, row);
      } else {
        GruGates(p, pass.w, sums + i * ld, row, masked + i * H, reset ? reset + i * H : nullptr);
        if (!reset) GruForward(p, pass.w, sums + i * ld, row);
      }
    }
    if (!reset || !live) continue;
    of_reset.multiply(reset, H, live, sums + 2 * H, ld);
    for (int64_t i = 0; i < live; ++i) GruForward(p, pass.w, sums + i * ld, pass.row_of(begin + i, t));
  }
}

// What stands past the lengths, and the final states.
template <class F>
void Finish(const CellPass<F>& pass, const CellForward& b, int64_t begin, int64_t end) {
  const CellProblem& p = pass.p;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t length = pass.length(row), n = pass.caller(row), last = p.reverse ? 0 : length - 1;
    for (F* const states : {pass.y, pass.cells})
      if (states) std::fill(states + pass.at(row, length), states + pass.at(row, p.T), F(0));
    const auto finish = [&](const F* states, const void* initial, void* to) {
      const F* const from = length ? states + pass.at(row, last) : initial ? In<F>(initial) + n * p.H : pass.zeros;
      std::copy(from, from + p.H, Out<F>(to) + n * p.H);
    };
    finish(pass.y, pass.in.h0, b.hn);
    if (pass.cells) finish(pass.cells, pass.in.c0, b.cn);
  }
}

template <class F>
void ForwardOf(const CellProblem& p, const CellForward& b, Team& team) {
  const CellForwardScratch<F> scratch(p, b.workspace);
  const CellRows rows(p, team.size());
  std::fill(scratch.zeros, scratch.zeros + p.H, F(0));
  const CellPass<F> pass(p, b.in, rows, b.reserve, scratch.zeros, b.y, b.cells);
  const int64_t columns = (p.reset_before ? 2 : p.gates()) * p.H;
  const CellMatrix<F> matrix{In<F>(b.in.w), p.H, columns, true, scratch.panels},
      of_reset{In<F>(b.in.w) + columns * p.H, p.H, p.H, true, scratch.more_panels};
  team.run_rounds([&](Rounds::Walk& walk) {
    walk.round([&](int rank) {
      matrix.pack(rank, team.size());
      if (p.reset_before) of_reset.pack(rank, team.size());
    });
    walk.round([&](int rank) {
      const int64_t begin = rows.bounds[static_cast<size_t>(rank)], end = rows.bounds[static_cast<size_t>(rank) + 1];
      ForwardOfRows(pass, matrix, of_reset, scratch.sums, begin, end);
      Finish(pass, b, begin, end);
    });
  });
}

// The gradients of the parameters that are sums over rows, of one member's rows.
template <class F>
struct CellSums {
  F *db, *dgain, *dcell_gain, *dcell_bias, *dpeephole;
  static int64_t numbers(const CellProblem& p) { return (2 * p.gates() + 5) * p.H; }
  CellSums(const CellProblem& p, F* at)
      : db(at),
        dgain(db + p.gates() * p.H),
        dcell_gain(dgain + p.gates() * p.H),
        dcell_bias(dcell_gain + p.H),
        dpeephole(dcell_bias + p.H) {}
};

template <class F>
void BackwardOfRows(const CellPass<F>& pass, const CellBackward& b, const CellBackwardScratch<F>& scratch,
                    const CellMatrix<F>& matrix, const CellMatrix<F>& of_reset, const CellSums<F>& sums, int64_t begin,
                    int64_t end) {
  const CellProblem& p = pass.p;
  const int64_t H = p.H, GH = p.gates() * H, ld = padded_columns(H);
  for (int64_t step = p.T - 1; step >= 0; --step) {
    stop_point();
    const int64_t t = pass.time(step), live = pass.rows.live(t, begin, end), q = pass.kept(begin, t);
    F *const dproduct = scratch.dproduct + q * GH, *const masked = pass.reserve.masked + q * H;
    F* const reset = p.reset_before ? pass.reserve.reset + q * H : nullptr;
    F *const dmasked = scratch.dmasked + begin * ld, *const dreset = reset ? scratch.dreset + begin * ld : nullptr;
    const auto gradients = [&](int64_t i) {
      const int64_t row = begin + i;
      return CellGradients<F>{scratch.dh + row * H,
                              scratch.dc + row * H,
                              Out<F>(b.dx) + pass.at(row, t) * p.gates(),
                              dproduct + i * GH,
                              sums.db,
                              sums.dgain,
                              sums.dcell_gain,
                              sums.dcell_bias,
                              sums.dpeephole};
    };
    for (int64_t i = 0; i < live; ++i) {
      const CellRow<F> row = pass.row_of(begin + i, t);
      const CellGradients<F> g = gradients(i);
      const int64_t place = pass.at(begin + i, t);
      for (int64_t j = 0; b.dy && j < H; ++j) g.dh[j] += In<F>(b.dy)[place + j];
      for (int64_t j = 0; b.dcells && j < H; ++j) g.dc[j] += In<F>(b.dcells)[place + j];
      if (p.cell == GatedCell::Lstm) LstmBackward(p, pass.w, row, g, scratch.cell + (begin + i) * 2 * H);
      else GruBackward(p, pass.w, row, g);
    }
    if (reset && live) {
      of_reset.multiply(dproduct + 2 * H, GH, live, dreset, ld);
      for (int64_t i = 0; i < live; ++i)
        GruResetBackward(p, pass.w, pass.row_of(begin + i, t), gradients(i), masked + i * H, dreset + i * ld);
    }
    if (live) matrix.multiply(dproduct, GH, live, dmasked, ld);
    for (int64_t i = 0; i < live; ++i) {
      F* const dh = scratch.dh + (begin + i) * H;
      const F* const mask = pass.in.mask ? In<F>(pass.in.mask) + pass.caller(begin + i) * H : nullptr;
      for (int64_t j = 0; j < H; ++j) {
        const F d = dmasked[i * ld + j] + (dreset ? dreset[i * ld + j] : F(0));
        dh[j] += mask ? d * mask[j] : d;
      }
    }
    // The weights' gradient goes over all rows of all steps.
    std::fill(dproduct + live * GH, dproduct + (end - begin) * GH, F(0));
    std::fill(masked + live * H, masked + (end - begin) * H, F(0));
    if (reset) std::fill(reset + live * H, reset + (end - begin) * H, F(0));
  }
}

// The gradients of the final states, with which the walk begins, and those of the padding.
template <class F>
void Begin(const CellPass<F>& pass, const CellBackward& b, const CellBackwardScratch<F>& scratch, int64_t begin,
           int64_t end) {
  const int64_t H = pass.H, G = pass.G;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t n = pass.caller(row);
    const auto start = [&](const void* from, F* to) {
      if (from) std::copy(In<F>(from) + n * H, In<F>(from) + (n + 1) * H, to + row * H);
      else std::fill(to + row * H, to + (row + 1) * H, F(0));
    };
    start(b.dhn, scratch.dh);
    start(b.dcn, scratch.dc);
    F* const dx = Out<F>(b.dx);
    std::fill(dx + pass.at(row, pass.length(row)) * G, dx + pass.at(row, pass.p.T) * G, F(0));
  }
}

// Those of the initial states, with which it ends.
template <class F>
void End(const CellPass<F>& pass, const CellBackward& b, const CellBackwardScratch<F>& scratch, int64_t begin,
         int64_t end) {
  const int64_t H = pass.H;
  for (int64_t row = begin; row < end; ++row) {
    const int64_t n = pass.caller(row);
    if (b.dh0) std::copy(scratch.dh + row * H, scratch.dh + (row + 1) * H, Out<F>(b.dh0) + n * H);
    if (b.dc0) std::copy(scratch.dc + row * H, scratch.dc + (row + 1) * H, Out<F>(b.dc0) + n * H);
  }
}

// dproduct^T · what was multiplied, over all rows of all steps.
template <class F>
void WeightGradient(const CellProblem& p, const CellReserve<F>& reserve, const F* dproduct, F* dw, Team& team,
                    int rank) {
  const int64_t H = p.H, GH = p.gates() * H, columns = p.reset_before ? 2 * H : GH;
  gemm_shared(team, rank,
              Product<F>{true, false, columns, H, p.T * p.N, dproduct, GH, reserve.masked, H, false, dw, H,
                         p.math == MathMode::Bf16});
  if (p.reset_before)
    gemm_shared(team, rank,
                Product<F>{true, false, H, H, p.T * p.N, dproduct + columns, GH, reserve.reset, H, false,
                           dw + columns * H, H, p.math == MathMode::Bf16});
}

template <class F>
void BackwardOf(const CellProblem& p, const CellBackward& b, Team& team) {
  const CellBackwardScratch<F> scratch(p, b.workspace);
  const CellRows rows(p, team.size());
  std::fill(scratch.zeros, scratch.zeros + p.H, F(0));
  const CellPass<F> pass(p, b.in, rows, b.reserve, scratch.zeros, b.y, b.cells);
  const int64_t depth = (p.reset_before ? 2 : p.gates()) * p.H, numbers = CellSums<F>::numbers(p);
  std::vector<F> partial(static_cast<size_t>(numbers * team.size()));
  const CellMatrix<F> matrix{In<F>(b.in.w), depth, p.H, false, scratch.panels},
      of_reset{In<F>(b.in.w) + depth * p.H, p.H, p.H, false, scratch.more_panels};
  team.run_rounds([&](Rounds::Walk& walk) {
    walk.round([&](int rank) {
      matrix.pack(rank, team.size());
      if (p.reset_before) of_reset.pack(rank, team.size());
    });
    walk.round([&](int rank) {
      const int64_t begin = rows.bounds[static_cast<size_t>(rank)], end = rows.bounds[static_cast<size_t>(rank) + 1];
      Begin(pass, b, scratch, begin, end);
      BackwardOfRows(pass, b, scratch, matrix, of_reset, CellSums<F>(p, partial.data() + rank * numbers), begin, end);
      End(pass, b, scratch, begin, end);
    });
    walk.round([&](int rank) { WeightGradient(p, pass.reserve, scratch.dproduct, Out<F>(b.dw), team, rank); });
  });
  for (int member = 1; member < team.size(); ++member)
    for (int64_t i = 0; i < numbers; ++i)
      partial[static_cast<size_t>(i)] += partial[static_cast<size_t>(member * numbers + i)];
  const CellSums<F> sums(p, partial.data());
  const auto give = [](const F* from, int64_t count, void* to) {
    if (to) std::copy(from, from + count, Out<F>(to));
  };
  give(sums.db, p.gates() * p.H, b.db);
  give(sums.dgain, p.gates() * p.H, b.dgain);
  give(sums.dcell_gain, p.H, b.dcell_gain);
  give(sums.dcell_bias, p.H, b.dcell_bias);
  give(sums.dpeephole, 3 * p.H, b.dpeephole);
}

void CellsForward(const CellProblem& p, const CellForward& b, Team& team) {
  if (p.dtype == DType::F64) ForwardOf<double>(p, b, team);
  else ForwardOf<float>(p, b, team);
}
void CellsBackward(const CellProblem& p, const CellBackward& b, Team& team) {
  if (p.dtype == DType::F64) BackwardOf<double>(p, b, team);
  else BackwardOf<float>(p, b, team);
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {
HWY_EXPORT(CellsForward);
HWY_EXPORT(CellsBackward);

namespace {

template <class F>
CellSizes sizes_of(const CellProblem& p) {
  return {CellReserve<F>(p, nullptr).bytes, CellForwardScratch<F>(p, nullptr).bytes,
          p.training ? CellBackwardScratch<F>(p, nullptr).bytes : 0};
}

class CpuCells final : public CellKernels {
 public:
  CellSizes sizes(const CellProblem& problem) noexcept override {
    return problem.dtype == DType::F64 ? sizes_of<double>(problem) : sizes_of<float>(problem);
  }
  Status forward(const CellProblem& problem, const CellForward& buffers) noexcept override {
    return on_team(problem, [&](Team& team) { HWY_DYNAMIC_DISPATCH(CellsForward)(problem, buffers, team); });
  }
  Status backward(const CellProblem& problem, const CellBackward& buffers) noexcept override {
    return on_team(problem, [&](Team& team) { HWY_DYNAMIC_DISPATCH(CellsBackward)(problem, buffers, team); });
  }

 private:
  // A row is one member's from the first step to the last.
  template <class Run>
  static Status on_team(const CellProblem& p, const Run& run) noexcept {
    return guarded_until_stopped([&] {
      const FlushDenormals flush;
      constexpr int64_t kAloneWork = int64_t{1} << 18;  // multiplications, less than waking a team costs
      if (p.N * p.T * p.gates() * p.H * p.H < kAloneWork) {
        Team alone(1);
        run(alone);
      } else {
        const TeamLease lease;
        run(lease.team());
      }
      return Status::ok();
    });
  }
};

}  // namespace

CellKernels& cpu_cells() noexcept {
  static CpuCells kernels;
  return kernels;
}

}  // namespace stm
#endif
