#include <cstring>

#include "backend/cpu/gemm.h"
#include "backend/cpu/recurrent/pass.h"
#include "backend/cpu/recurrent/rows.h"

namespace stm {
namespace {

struct BackwardPass : StackPass {
  const RecurrentBackward& buffers;
  const BackwardScratch own;
  float* const d_bias;
  const float* d_hn;  // sorted, null for zeros

  BackwardPass(const RecurrentProblem& p, const RecurrentBackward& b, Bookkeeping& kept, Team& team,
               const BackwardScratch& workspace)
      : StackPass(p, {b.x, b.h0, b.c0, b.packed, const_cast<void*>(b.y)}, kept, team, workspace.states,
                  Reserve(p, kept.sequence.rows, b.reserve).arrays),
        buffers(b),
        own(workspace),
        d_bias(kept.d_bias.data()),
        d_hn(in_order(b.dhn, workspace.d_hn)) {}

  // Gradients go from one scratch array to the other, layer by layer.
  float* d_scratch(int64_t layer) const { return layer % 2 ? own.d_in : own.d_out; }
  const float* d_output(int64_t layer) const {
    if (layer + 1 < p.L) return d_scratch(layer);
    return !buffers.dy || in_place ? floats(buffers.dy) : d_scratch(layer);
  }
  float* d_input(int64_t layer) const {
    if (layer) return d_scratch(layer - 1);
    return !buffers.dx || in_place ? floats(buffers.dx) : d_scratch(1);  // layer 0's d_output is in d_scratch(0)
  }
  int64_t bias_step() const { return cell_slots(p.cell) * p.H; }

  BackwardRows rows_of(int64_t i) const;
  void prepare(int rank) const;
  void start_layer(int64_t layer, int rank) const;
  void run_layer(int64_t layer, Member& member) const;
  const float* past_products(const BackwardRows& b, int64_t row) const;
  void initial_states(int64_t i, int rank) const;
  void input_gradients(int64_t i, int rank) const;
  void weight_gradients(int64_t i, int rank) const;
  void bias_gradients(int64_t i, int rank) const;
  void run(Member& member) const;
};

BackwardRows BackwardPass::rows_of(int64_t i) const {
  const int64_t layer = i / p.K, k = i % p.K;
  BackwardRows b{};
  b.d_out = block(d_output(layer), k, O);
  b.d_hn = p.cell == Cell::Gru ? nullptr : block(d_hn, i, p.N * O);
  b.carry = own.carry + k * p.N * p.H;
  if (p.P) b.d_projected = own.d_projected + k * own.d_projected_step;
  b.d_bias = d_bias + k * team.size() * bias_step();
  return b;
}

void BackwardPass::prepare(int rank) const {
  const int members = team.size();
  if (buffers.dy && !in_place) gather_rows(s, floats(buffers.dy), p.K * O, d_scratch(p.L - 1), rank, members);
  prepare_states(rank, team.size());
  if (buffers.dhn && !s.sorted) sort_states(s, floats(buffers.dhn), p.L * p.K, O, own.d_hn, rank, members);
}

void BackwardPass::start_layer(int64_t layer, int rank) const {
  const void* carried = nullptr;
  if (p.cell == Cell::Lstm) carried = buffers.dcn;
  if (p.cell == Cell::Gru) carried = buffers.dhn;
  sort_states(s, block(floats(carried), layer * p.K, p.N * p.H), p.K, p.H, own.carry, rank, team.size());
  for (int64_t k = 0; k < p.K; ++k) clear_row(bias_step(), d_bias + (k * team.size() + rank) * bias_step());
  if (!buffers.dweights) return;
  for (int64_t k = 0; k < p.K; ++k) {
    const Recurrence r = recurrence(layer * p.K + k);
    gather_previous(s, r.geometry.reverse, r.rows.out, r.rows.ld_out, r.rows.h0, O,
                    own.previous + k * own.previous_step, rank, team.size());
  }
}

// What reaches a row's initial h past the products.
const float* BackwardPass::past_products(const BackwardRows& b, int64_t row) const {
  if (p.cell == Cell::Gru) return b.carry + row * p.H;
  const bool passes_on = s.lengths[row] == 0 && b.d_hn;
  return passes_on ? b.d_hn + row * O : scratch.zeros;
}

// The gradients of a layer's initial states, but for the product that follows: rows without steps hand theirs on.
void BackwardPass::initial_states(int64_t i, int rank) const {
  const int64_t H = p.H, depth = p.gates() * H;
  const Recurrence r = recurrence(i);
  const BackwardRows b = rows_of(i);
  const Share rows = Share(s.batch, rank, team.size());
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t caller = s.order[row], at = i * p.N + caller;
    if (buffers.dc0 && p.cell == Cell::Lstm) copy_row(b.carry + row * H, H, floats(buffers.dc0) + at * H);
    if (!buffers.dh0) continue;
    copy_row(past_products(b, row), O, floats(buffers.dh0) + at * O);
    float* const gates = own.first_gates + i % p.K * own.first_gates_step + caller * depth;
    if (s.lengths[row] == 0) {
      clear_row(depth, gates);
    } else {
      copy_row(r.rows.gates + first_row(s, r.geometry.reverse, row) * r.rows.ld_gates, depth, gates);
    }
  }
}

void BackwardPass::input_gradients(int64_t i, int rank) const {
  const int64_t layer = i / p.K, k = i % p.K, D = p.input_size(layer), H = p.H, rows = p.gates() * H;
  const LayerWeights<const float> w = layer_weights(p, floats(buffers.weights), i);
  const float* const d_gates = arrays.gates + i * arrays.gates_step;
  if (float* const d_in = d_input(layer)) {
    gemm_shared(team, rank,
                Product<float>{false, false, s.rows, D, rows, d_gates + cell_input_slot(p.cell) * H, gates_stride(p),
                               w.w_ih, D, k > 0, d_in, D, bf16});
  }
  if (!buffers.dh0) return;
  const float* const first = own.first_gates + k * own.first_gates_step;
  float* const d_h0 = floats(buffers.dh0) + i * p.N * O;
  if (p.cell == Cell::Gru) {  // slots q r z, weights r z n
    gemm_shared(team, rank, Product<float>{false, false, p.N, O, 2 * H, first + H, rows, w.w_hh, O, true, d_h0, O});
    gemm_shared(team, rank, Product<float>{false, false, p.N, O, H, first, rows, w.w_hh + 2 * H * O, O, true, d_h0, O});
  } else {
    gemm_shared(team, rank, Product<float>{false, false, p.N, O, rows, first, rows, w.w_hh, O, true, d_h0, O});
  }
}

void BackwardPass::weight_gradients(int64_t i, int rank) const {
  const int64_t layer = i / p.K, k = i % p.K, D = p.input_size(layer), H = p.H, rows = p.gates() * H,
                ld = gates_stride(p);
  const LayerWeights<float> g = layer_weights(p, floats(buffers.dweights), i);
  const float* const d_gates = arrays.gates + i * arrays.gates_step;
  const float* const previous = own.previous + k * own.previous_step;
  gemm_shared(team, rank,
              Product<float>{true, false, rows, D, s.rows, d_gates + cell_input_slot(p.cell) * H, ld, input(layer), D,
                             false, g.w_ih, D, bf16});
  if (p.cell == Cell::Gru) {
    gemm_shared(team, rank,
                Product<float>{true, false, 2 * H, O, s.rows, d_gates + H, ld, previous, O, false, g.w_hh, O, bf16});
    gemm_shared(
        team, rank,
        Product<float>{true, false, H, O, s.rows, d_gates, ld, previous, O, false, g.w_hh + 2 * H * O, O, bf16});
  } else {
    gemm_shared(team, rank,
                Product<float>{true, false, rows, O, s.rows, d_gates, ld, previous, O, false, g.w_hh, O, bf16});
  }
  if (p.P) {
    const float* const d_projected = own.d_projected + k * own.d_projected_step;
    gemm_shared(team, rank,
                Product<float>{true, false, p.P, H, s.rows, d_projected, p.P, arrays.wide + i * arrays.wide_step, H,
                               false, g.w_hr, H, bf16});
  }
  if (p.bias) bias_gradients(i, rank);
}

void BackwardPass::bias_gradients(int64_t i, int rank) const {
  const LayerWeights<float> g = layer_weights(p, floats(buffers.dweights), i);
  const int64_t H = p.H, slots = cell_slots(p.cell), rotate = p.cell == Cell::Gru ? 2 : 0;
  const float* const sums = d_bias + i % p.K * team.size() * bias_step();
  const Share share(H, rank, team.size(), 16);
  for (int64_t slot = 0; slot < slots; ++slot) {
    const int64_t input_gate = slot - cell_input_slot(p.cell), state_gate = (slot + rotate) % p.gates();
    for (int64_t unit = share.begin; unit < share.end; ++unit) {
      float sum = 0;
      for (int owner = 0; owner < split.owners; ++owner) sum += sums[owner * bias_step() + slot * H + unit];
      if (input_gate >= 0) g.b_ih[input_gate * H + unit] = sum;
      if (slot < p.gates()) g.b_hh[state_gate * H + unit] = sum;
    }
  }
}

void BackwardPass::run_layer(int64_t layer, Member& member) const {
  const int64_t begin = layer * p.K, end = begin + p.K;
  member.team.round([&](int rank) { start_layer(layer, rank); });
  run_directions(layer, s.steps, member,
                 [&](int64_t i, const StepParts& parts) { run_backward(recurrence(i), rows_of(i), parts); });
  if (buffers.dh0 || buffers.dc0) {
    member.team.round([&](int rank) {
      for (int64_t i = begin; i < end; ++i) initial_states(i, rank);
    });
  }
  member.team.round([&](int rank) {
    for (int64_t i = begin; i < end; ++i) {
      input_gradients(i, rank);
      if (buffers.dweights) weight_gradients(i, rank);
    }
  });
}

void BackwardPass::run(Member& member) const {
  member.team.round([&](int rank) { prepare(rank); });
  for (int64_t layer = p.L - 1; layer >= 0; --layer) run_layer(layer, member);
  if (!buffers.dx || in_place) return;
  member.team.round([&](int rank) { scatter_rows(s, d_input(0), p.D, p.T, floats(buffers.dx), rank, team.size()); });
}

}  // namespace

void backward_pass(const RecurrentProblem& problem, const RecurrentBackward& buffers, Bookkeeping& kept, Team& team) {
  kept.d_bias.resize(static_cast<size_t>(problem.K * team.size() * cell_slots(problem.cell) * problem.H));
  const BackwardScratch workspace(problem, kept.sequence.rows, buffers.workspace);
  const BackwardPass pass(problem, buffers, kept, team, workspace);
  team.run_rounds([&](Rounds::Walk& walk) {
    Member member(kept.split, walk);
    pass.run(member);
  });
}

}  // namespace stm
