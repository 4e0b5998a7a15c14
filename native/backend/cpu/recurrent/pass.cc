#include "backend/cpu/recurrent/pass.h"

#include <algorithm>
#include <cstring>

#include "backend/cpu/recurrent/rows.h"

namespace stm {

StackPass::StackPass(const RecurrentProblem& problem, const Buffers& buffers, const Bookkeeping& kept, Team& members,
                     const StateScratch& states, const LayerArrays& layers)
    : p(problem),
      s(kept.sequence),
      split(kept.split),
      team(members),
      given(buffers),
      scratch(states),
      arrays(layers),
      O(problem.width()),
      in_place(rows_in_place(problem, s.rows)),
      fused(!multiplies_inputs_apart(p) || (s.steps == 1 && !p.quantized)),
      bf16(problem.math == MathMode::Bf16),
      x(in_place ? floats(buffers.x) : layers.x),
      h0(in_order(buffers.h0, states.h0)),
      c0(p.cell == Cell::Lstm ? in_order(buffers.c0, states.c0) : nullptr) {}

float* StackPass::output(int64_t layer) const {
  if (layer + 1 == p.L && in_place) return floats(given.y);
  return arrays.between + layer % kept_outputs(p) * arrays.between_step;
}

void StackPass::prepare_states(int rank, int members) const {
  if (rank == 0) std::memset(scratch.zeros, 0, static_cast<size_t>(std::max(p.H, O)) * sizeof(float));
  const bool keeps_running_cells = p.cell == Cell::Lstm && !p.training;
  if (h0 && !s.sorted) sort_states(s, floats(given.h0), p.L * p.K, O, scratch.h0, rank, members);
  if (keeps_running_cells || (c0 && !s.sorted))
    sort_states(s, floats(given.c0), p.L * p.K, p.H, scratch.c0, rank, members);
}

Recurrence StackPass::recurrence(int64_t i) const {
  const int64_t layer = i / p.K, k = i % p.K;
  const int64_t kept = p.training ? i : k;  // of gates and wide
  Recurrence r{};
  r.geometry = {&s, &split, p.cell, p.H, p.P, p.input_size(layer), k == 1, p.training, p.quantized};
  if (!p.quantized) r.weights = packed_layer(p, const_cast<void*>(given.packed), i);
  r.rows.h0 = block(h0, i, p.N * O);
  r.rows.c0 = block(c0, i, p.N * p.H);
  r.rows.zeros = scratch.zeros;
  if (fused) r.rows.input = input(layer);
  r.rows.ld_ahead = slots_stride(p);
  r.rows.ahead = block(floats(given.ahead), i, p.N * r.rows.ld_ahead);
  if (p.training || !fused) r.rows.gates = arrays.gates + kept * arrays.gates_step;
  r.rows.ld_gates = gates_stride(p);
  if (p.cell == Cell::Lstm) r.rows.cells = arrays.cells + i * arrays.cells_step;
  if (p.P) r.rows.wide = arrays.wide + kept * arrays.wide_step;
  r.rows.out = output(layer) + k * O;
  r.rows.ld_out = p.K * O;
  r.rows.ld_partial = std::max(p.H, O);
  r.rows.partial = scratch.partial + k * p.N * r.rows.ld_partial;
  return r;
}

}  // namespace stm
