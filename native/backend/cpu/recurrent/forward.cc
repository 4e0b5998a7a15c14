#include <algorithm>
#include <cstring>

#include "backend/cpu/gemm.h"
#include "backend/cpu/recurrent/pass.h"
#include "backend/cpu/recurrent/rows.h"

namespace stm {
namespace {

struct ForwardPass : StackPass {
  const RecurrentForward& buffers;
  const ForwardScratch& workspace;

  ForwardPass(const RecurrentProblem& p, const RecurrentForward& b, const Bookkeeping& kept, Team& team,
              const ForwardScratch& workspace)
      : StackPass(p, {b.x, b.h0, b.c0, b.packed, b.y, b.ahead}, kept, team, workspace.states,
                  p.training ? Reserve(p, kept.sequence.rows, b.reserve).arrays : workspace.arrays),
        buffers(b),
        workspace(workspace) {}

  // Whether an owner needs only what it has computed itself, from layer to layer: it owns rows in all directions, and
  // no product over all steps, of which every member computes a part, reads the output of the layer below.
  bool independent() const { return split.by_rows && !split.apart && fused; }

  Share rows_of_steps(bool reverse, const Share& steps) const;
  int64_t block_end(int64_t begin) const;
  Recurrence quantized_recurrence(int64_t i, const Share& steps) const;
  void run_steps(int64_t i, const Share& steps, const StepParts& parts) const;
  void input_products(int64_t layer, int rank) const;
  void quantized_input_products(int64_t layer, const Share& steps, Member& member) const;
  void run_layer(int64_t layer, Member& member) const;
  void run_owner(int owner) const;
  void run_in_stages(Stages& stages) const;
  const float* final_h(const Recurrence& r, int64_t row) const;
  const float* final_c(const Recurrence& r, int64_t row) const;
  void final_states(int64_t layer, const Share& rows) const;
  void run(Member& member) const;
};

void ForwardPass::input_products(int64_t layer, int rank) const {
  for (int64_t i = layer * p.K; i < (layer + 1) * p.K; ++i) {
    const Recurrence r = recurrence(i);
    const int64_t D = p.input_size(layer);
    gemm_shared(team, rank,
                Product<float>{false, true, s.rows, p.gates() * p.H, D, input(layer), D,
                               layer_weights(p, floats(buffers.weights), i).w_ih, D, false,
                               r.rows.gates + cell_input_slot(p.cell) * p.H, r.rows.ld_gates, bf16});
  }
}

// The rows of the sequence that some steps of a direction take, which are numbered in its direction of travel.
Share ForwardPass::rows_of_steps(bool reverse, const Share& steps) const {
  const auto first_row = [&](int64_t t) { return t < s.steps ? s.first[t] : s.rows; };
  return reverse ? Share(first_row(s.steps - steps.end), first_row(s.steps - steps.begin))
                 : Share(first_row(steps.begin), first_row(steps.end));
}

// Where a block of steps ends whose inputs are multiplied at once: in each direction its rows fit the scratch.
int64_t ForwardPass::block_end(int64_t begin) const {
  const auto fits = [&](int64_t end) {
    for (int64_t k = 0; k < p.K; ++k) {
      const Share rows = rows_of_steps(k == 1, Share(begin, end));
      if (rows.end - rows.begin > workspace.input_block) return false;
    }
    return true;
  };
  int64_t end = begin + 1;
  while (end < s.steps && fits(end + 1)) ++end;
  return end;
}

Recurrence ForwardPass::quantized_recurrence(int64_t i, const Share& steps) const {
  const int64_t k = i % p.K;
  Recurrence r = recurrence(i);
  r.quantized = quantized_layer(p, const_cast<void*>(buffers.packed), buffers.scales, i);
  r.rows.first_gates = rows_of_steps(r.geometry.reverse, steps).begin;
  r.rows.rounded_input = workspace.rounded_input[k];
  r.rows.rounded_h = workspace.rounded_h[k];
  r.rows.rounded_wide = workspace.rounded_wide[k];
  return r;
}

void ForwardPass::quantized_input_products(int64_t layer, const Share& steps, Member& member) const {
  const int64_t D = p.input_size(layer);
  member.team.round([&](int rank) {
    constexpr int64_t kRowsBetweenStops = 256;
    for (int64_t k = 0; k < (workspace.shares_rounded_input ? 1 : p.K); ++k) {
      const Share all = rows_of_steps(k == 1, steps), rows(all.end - all.begin, rank, team.size());
      in_blocks(rows.begin, rows.end, kRowsBetweenStops, [&](int64_t begin, int64_t end) {
        quantize_rows(input(layer) + (all.begin + begin) * D, D, D, end - begin,
                      workspace.rounded_input[k].from(begin));
      });
    }
  });
  member.team.round([&](int rank) {
    for (int64_t k = 0; k < p.K; ++k) {
      const Share rows = rows_of_steps(k == 1, steps);
      run_quantized_input(quantized_recurrence(layer * p.K + k, steps), rows.end - rows.begin, rank, team.size());
    }
  });
}

void ForwardPass::run_steps(int64_t i, const Share& steps, const StepParts& parts) const {
  if (p.quantized) run_quantized_forward(quantized_recurrence(i, steps), steps, parts);
  else run_forward(recurrence(i), parts);
}

void ForwardPass::run_layer(int64_t layer, Member& member) const {
  if (!p.quantized && !fused) member.team.round([&](int rank) { input_products(layer, rank); });
  for (int64_t begin = 0, end = 0; begin < s.steps; begin = end) {
    end = p.quantized ? block_end(begin) : s.steps;
    const Share steps(begin, end);
    if (p.quantized && !fused) quantized_input_products(layer, steps, member);
    run_directions(layer, end - begin, member, [&](int64_t i, const StepParts& parts) { run_steps(i, steps, parts); });
  }
  member.team.round([&](int rank) { final_states(layer, Share(s.batch, rank, team.size())); });
}

// All layers of an owner's rows.
void ForwardPass::run_owner(int owner) const {
  const Share rows(split.bounds[owner], split.bounds[owner + 1]);
  for (int64_t layer = 0; layer < p.L; ++layer) {
    for (int64_t k = 0; k < p.K; ++k) run_steps(layer * p.K + k, Share(0, s.steps), StepParts{owner});
    final_states(layer, rows);
  }
}

// A row's h and c after its last step in the direction of travel; the initial ones if it has no steps.
const float* ForwardPass::final_h(const Recurrence& r, int64_t row) const {
  if (s.lengths[row]) return r.rows.out + first_row(s, !r.geometry.reverse, row) * r.rows.ld_out;
  return r.rows.h0 ? r.rows.h0 + row * O : scratch.zeros;
}
const float* ForwardPass::final_c(const Recurrence& r, int64_t row) const {
  if (!p.training) return r.rows.cells + row * p.H;
  if (s.lengths[row]) return r.rows.cells + first_row(s, !r.geometry.reverse, row) * p.H;
  return r.rows.c0 ? r.rows.c0 + row * p.H : scratch.zeros;
}

void ForwardPass::final_states(int64_t layer, const Share& rows) const {
  for (int64_t i = layer * p.K; i < (layer + 1) * p.K; ++i) {
    const Recurrence r = recurrence(i);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const int64_t at = i * p.N + s.order[row];
      if (buffers.hn) copy_row(final_h(r, row), O, floats(buffers.hn) + at * O);
      if (p.cell == Cell::Lstm && buffers.cn) copy_row(final_c(r, row), p.H, floats(buffers.cn) + at * p.H);
    }
  }
}

void ForwardPass::run(Member& member) const {
  member.team.round([&](int rank) {
    if (!in_place) gather_rows(s, floats(buffers.x), p.D, arrays.x, rank, team.size());
    prepare_states(rank, team.size());
  });
  if (independent()) {
    member.team.round([&](int rank) {
      if (rank < split.owners) run_owner(rank);
    });
  } else {
    for (int64_t layer = 0; layer < p.L; ++layer) run_layer(layer, member);
  }
  if (in_place || !buffers.y) return;
  member.team.round(
      [&](int rank) { scatter_rows(s, output(p.L - 1), p.K * O, p.T, floats(buffers.y), rank, team.size()); });
}

// A single step of few rows takes some ten to a few hundred microseconds, in which a member may not even wake up. So
// whoever is there takes the panels of a layer one by one, and this thread does what is too little to be shared.
void ForwardPass::run_in_stages(Stages& stages) const {
  if (!in_place) gather_rows(s, floats(buffers.x), p.D, arrays.x, 0, 1);
  prepare_states(0, 1);
  const int64_t parts = p.P ? 2 : 1;  // of a layer: its cells, and their projection
  stages.begin(p.L * parts, split.owners * (split.apart ? 2 : 1));
  team.run_open([&](int rank) {
    if (rank >= stages.shares()) return;
    for (int64_t stage = 0; stage < p.L * parts; ++stage) {
      const bool projects = stage % parts == 1;
      const int64_t first = stage / parts * p.K;
      const Recurrence directions[2] = {recurrence(first), recurrence(first + p.K - 1)};
      const int64_t panels = step_panels(directions[0], projects);
      stages.run(stage, rank, p.K * panels,
                 [&](int64_t i) { run_step_panel(directions[i / panels], projects, i % panels); });
    }
  });
  for (int64_t layer = 0; layer < p.L; ++layer) final_states(layer, Share(s.batch, 0, 1));
  if (!in_place && buffers.y) scatter_rows(s, output(p.L - 1), p.K * O, p.T, floats(buffers.y), 0, 1);
}

}  // namespace

void ahead_pass(const RecurrentProblem& p, const void* packed, const void* h0, void* sums, Bookkeeping& kept,
                Team& team) {
  const ForwardScratch none(p, 0, nullptr);
  const StackPass pass(p, {nullptr, h0, nullptr, packed, nullptr, sums}, kept, team, none.states, none.arrays);
  kept.stages.begin(1, team.size());
  team.run_open([&](int rank) {
    const int64_t panels = step_panels(pass.recurrence(0), false);
    kept.stages.run(0, rank, p.L * p.K * panels, [&](int64_t item) {
      const int64_t i = item / panels;
      const Recurrence r = pass.recurrence(i);
      run_ahead_panel(r, block(floats(sums), i, p.N * r.rows.ld_ahead), item % panels);
    });
  });
}

void forward_pass(const RecurrentProblem& problem, const RecurrentForward& buffers, Bookkeeping& kept, Team& team) {
  const ForwardScratch workspace(problem, kept.sequence.rows, buffers.workspace);
  const ForwardPass pass(problem, buffers, kept, team, workspace);
  if (problem.T == 1 && !problem.training && !problem.quantized && !kept.split.by_rows)
    return pass.run_in_stages(kept.stages);
  team.run_rounds([&](Rounds::Walk& walk) {
    Member member(kept.split, walk);
    pass.run(member);
  });
}

}  // namespace stm
