#include "backend/cpu/recurrent/stack.h"

#include <cstring>
#include <vector>

#include "backend/cpu/gemm.h"
#include "backend/cpu/recurrent/layout.h"
#include "backend/cpu/recurrent/rows.h"
#include "backend/cpu/recurrent/sequence.h"
#include "backend/cpu/recurrent/steps.h"
#include "backend/cpu/team.h"

namespace stm {
namespace {

constexpr int64_t kAloneWork =
    int64_t{1} << 18;  // multiplications: a few microseconds, less than waking a team and keeping it in step costs

// Bookkeeping of a call. Kept by the calling thread, so that a steady loop allocates nothing.
struct Bookkeeping {
  Sequence sequence;
  Split split;
  std::vector<float> d_bias;  // [K][members][slots * H]
};

Bookkeeping& bookkeeping() {
  thread_local Bookkeeping kept;
  return kept;
}

template <class F>
void on_team(int64_t work, F function) {
  if (work < kAloneWork) {
    Team alone(1);
    function(alone);
  } else {
    const TeamLease lease;
    function(lease.team());
  }
}

// A single row fills one of a tile's rows only, so its inputs are better multiplied all steps at once.
bool fuses_input(const Sequence& s) { return s.batch > 1 || s.steps == 1; }

const float* floats(const void* p) { return static_cast<const float*>(p); }
float* floats(void* p) { return static_cast<float*>(p); }

// The block of pseudo-layer `i`, if there is any.
template <class Float>
Float* block(Float* states, int64_t i, int64_t step) {
  return states ? states + i * step : nullptr;
}

// Runs the recurrences of a layer's directions, as far as they are this member's.
template <class F>
void run_directions(const Split& split, int64_t layer, int64_t directions, int rank, const F& run) {
  for (int64_t k = 0; k < directions; ++k) {
    const int owner = split.rank_in(k, rank);
    if (owner >= 0 && owner < split.owners) run(layer * directions + k, owner);
  }
}

// ---- forward

struct ForwardCall {
  const RecurrentProblem& p;
  const RecurrentForward& buffers;
  const Sequence& s;
  const Split& split;
  Team& team;
  ForwardScratch scratch;
  Reserve reserve;
  bool in_place, fused;
  const float *x, *h0, *c0;  // packed; sorted, null for zeros

  ForwardCall(const RecurrentProblem& problem, const RecurrentForward& b, const Sequence& sequence, const Split& how,
              Team& members)
      : p(problem),
        buffers(b),
        s(sequence),
        split(how),
        team(members),
        scratch(problem, sequence.rows, b.workspace),
        reserve(problem, sequence.rows, problem.training ? b.reserve : nullptr),
        in_place(rows_in_place(problem, sequence.rows)),
        fused(fuses_input(sequence)),
        x(in_place           ? floats(b.x)
          : problem.training ? reserve.x
                             : scratch.x),
        h0(!b.h0 || sequence.sorted ? floats(b.h0) : scratch.h0),
        c0(!b.c0 || problem.cell != Cell::Lstm ? nullptr
           : sequence.sorted                   ? floats(b.c0)
                                               : scratch.c0) {}

  bool keeps_state() const { return p.cell == Cell::Lstm && !p.training; }

  // Whether a member needs only what it has computed itself, from layer to layer, so that no barrier is due between
  // them: it owns rows in all directions, and no product over all steps, of which every member computes a part, reads
  // the output of the layer below.
  bool independent() const { return split.by_rows && !split.apart && fused; }

  float* output(int64_t layer) const {
    if (layer + 1 == p.L && in_place) return floats(buffers.y);
    return p.training ? reserve.between + layer * reserve.between_step
                      : scratch.between + layer % 2 * scratch.between_step;
  }
  const float* input(int64_t layer) const { return layer ? output(layer - 1) : x; }

  Recurrence recurrence(int64_t i) const;
  void prepare(int rank);
  void run_layer(int64_t layer, int rank);
  Share state_rows(int rank) const;
  void final_states(int64_t layer, int rank);
  void run(int rank);
};

Recurrence ForwardCall::recurrence(int64_t i) const {
  const int64_t layer = i / p.K, k = i % p.K, O = p.width();
  const PackedLayer packed = packed_layer(p, const_cast<void*>(buffers.packed), i);
  Recurrence r{};
  r.sequence = &s;
  r.split = &split;
  r.between_steps = &split.between_steps[k];
  r.cell = p.cell;
  r.hidden = p.H;
  r.projection = p.P;
  r.input_size = p.input_size(layer);
  r.reverse = k == 1;
  r.training = p.training;
  r.h0 = block(h0, i, p.N * O);
  r.c0 = block(c0, i, p.N * p.H);
  r.zeros = scratch.zeros;
  r.bias = packed.bias;
  r.forward_panels = packed.state;
  r.project_panels = packed.project;
  r.input = fused ? input(layer) : nullptr;
  r.input_panels = packed.input;
  r.gates = p.training ? reserve.gates + i * reserve.gates_step
            : fused    ? nullptr
                       : scratch.gates + k * scratch.gates_step;
  r.ld_gates = gates_stride(p);
  if (p.cell == Cell::Lstm) r.cells = p.training ? reserve.cells + i * reserve.cells_step : scratch.c0 + i * p.N * p.H;
  if (p.P) r.wide = p.training ? reserve.wide + i * reserve.wide_step : scratch.wide + k * scratch.wide_step;
  r.out = output(layer) + k * O;
  r.ld_out = p.K * O;
  r.ld_partial = std::max(p.H, O);
  r.partial = scratch.partial + k * p.N * r.ld_partial;
  return r;
}

void ForwardCall::prepare(int rank) {
  const int members = team.size();
  if (rank == 0) std::memset(scratch.zeros, 0, static_cast<size_t>(std::max(p.H, p.width())) * sizeof(float));
  if (!in_place) gather_rows(s, floats(buffers.x), p.D, const_cast<float*>(x), rank, members);
  if (buffers.h0 && !s.sorted) sort_states(s, floats(buffers.h0), p.L * p.K, p.width(), scratch.h0, rank, members);
  if (keeps_state() || (c0 && !s.sorted)) sort_states(s, floats(buffers.c0), p.L * p.K, p.H, scratch.c0, rank, members);
}

void ForwardCall::run_layer(int64_t layer, int rank) {
  if (!fused) {
    for (int64_t i = layer * p.K; i < (layer + 1) * p.K; ++i) {
      const Recurrence r = recurrence(i);
      const int64_t D = r.input_size;
      gemm_shared(team, rank,
                  Product<float>{false, true, s.rows, p.gates() * p.H, D, input(layer), D,
                                 layer_weights(p, floats(buffers.weights), i).w_ih, D, 0.0f,
                                 r.gates + cell_input_slot(p.cell) * p.H, r.ld_gates});
    }
    team.barrier();
  }
  run_directions(split, layer, p.K, rank, [&](int64_t i, int owner) { run_forward(recurrence(i), owner); });
  if (!independent()) team.barrier();
}

// The batch rows whose states a member looks after: its own where members are independent, since others may not be so
// far.
Share ForwardCall::state_rows(int rank) const {
  Share share(s.batch, rank, team.size());
  if (independent()) {
    share.begin = rank < split.owners ? split.bounds[rank] : s.batch;
    share.end = rank < split.owners ? split.bounds[rank + 1] : s.batch;
  }
  return share;
}

// Each row's state after its last step in the direction of travel; its initial one if it has no steps.
void ForwardCall::final_states(int64_t layer, int rank) {
  const int64_t O = p.width(), H = p.H;
  const Share rows = state_rows(rank);
  for (int64_t i = layer * p.K; i < (layer + 1) * p.K; ++i) {
    const Recurrence r = recurrence(i);
    for (int64_t row = rows.begin; row < rows.end; ++row) {
      const int64_t at = i * p.N + s.order[row], last = s.lengths[row] ? first_row(s, !r.reverse, row) : 0;
      const float* const h = s.lengths[row] ? r.out + last * r.ld_out : r.h0 ? r.h0 + row * O : scratch.zeros;
      if (buffers.hn) std::memcpy(floats(buffers.hn) + at * O, h, static_cast<size_t>(O) * sizeof(float));
      if (p.cell != Cell::Lstm || !buffers.cn) continue;
      const float* const c = !p.training      ? r.cells + row * H
                             : s.lengths[row] ? r.cells + last * H
                             : r.c0           ? r.c0 + row * H
                                              : scratch.zeros;
      std::memcpy(floats(buffers.cn) + at * H, c, static_cast<size_t>(H) * sizeof(float));
    }
  }
}

void ForwardCall::run(int rank) {
  prepare(rank);
  team.barrier();
  for (int64_t layer = 0; layer < p.L; ++layer) {
    run_layer(layer, rank);
    final_states(layer, rank);
  }
  if (in_place || !buffers.y) return;
  team.barrier();
  scatter_rows(s, output(p.L - 1), p.K * p.width(), p.T, floats(buffers.y), rank, team.size());
}

// ---- backward

struct BackwardCall {
  const RecurrentProblem& p;
  const RecurrentBackward& buffers;
  const Sequence& s;
  const Split& split;
  Team& team;
  float* const d_bias;
  BackwardScratch scratch;
  Reserve reserve;
  bool in_place;
  const float *x, *h0, *c0, *d_hn;  // packed; sorted, null for zeros

  BackwardCall(const RecurrentProblem& problem, const RecurrentBackward& b, const Sequence& sequence, const Split& how,
               Team& members, float* d_bias_sums)
      : p(problem),
        buffers(b),
        s(sequence),
        split(how),
        team(members),
        d_bias(d_bias_sums),
        scratch(problem, sequence.rows, b.workspace),
        reserve(problem, sequence.rows, b.reserve),
        in_place(rows_in_place(problem, sequence.rows)),
        x(in_place ? floats(b.x) : reserve.x),
        h0(!b.h0 || sequence.sorted ? floats(b.h0) : scratch.h0),
        c0(!b.c0 || problem.cell != Cell::Lstm ? nullptr
           : sequence.sorted                   ? floats(b.c0)
                                               : scratch.c0),
        d_hn(!b.dhn || sequence.sorted ? floats(b.dhn) : scratch.d_hn) {}

  float* output(int64_t layer) const {
    return layer + 1 == p.L && in_place ? const_cast<float*>(floats(buffers.y))
                                        : reserve.between + layer * reserve.between_step;
  }
  const float* input(int64_t layer) const { return layer ? output(layer - 1) : x; }

  // Gradients go from one scratch array to the other, layer by layer.
  float* d_scratch(int64_t layer) const { return layer % 2 ? scratch.d_in : scratch.d_out; }
  const float* d_output(int64_t layer) const {
    if (layer + 1 < p.L) return d_scratch(layer);
    return !buffers.dy || in_place ? floats(buffers.dy) : d_scratch(layer);
  }
  float* d_input(int64_t layer) const {
    if (layer) return d_scratch(layer - 1);
    return !buffers.dx || in_place ? floats(buffers.dx) : d_scratch(1);  // layer 0's d_output is in d_scratch(0)
  }
  int64_t bias_step() const { return cell_slots(p.cell) * p.H; }

  Recurrence recurrence(int64_t i) const;
  void prepare(int rank);
  void start_layer(int64_t layer, int rank);
  void run_layer(int64_t layer, int rank);
  void initial_states(int64_t i, int rank);
  void input_gradients(int64_t i, int rank);
  void weight_gradients(int64_t i, int rank);
  void bias_gradients(int64_t i, int rank);
  void run(int rank);
};

Recurrence BackwardCall::recurrence(int64_t i) const {
  const int64_t layer = i / p.K, k = i % p.K, O = p.width();
  const PackedLayer packed = packed_layer(p, const_cast<void*>(buffers.packed), i);
  Recurrence r{};
  r.sequence = &s;
  r.split = &split;
  r.between_steps = &split.between_steps[k];
  r.cell = p.cell;
  r.hidden = p.H;
  r.projection = p.P;
  r.input_size = p.input_size(layer);
  r.reverse = k == 1;
  r.training = true;
  r.h0 = block(h0, i, p.N * O);
  r.c0 = block(c0, i, p.N * p.H);
  r.zeros = scratch.zeros;
  r.backward_panels = packed.backward;
  r.unproject_panels = packed.unproject;
  r.gates = reserve.gates + i * reserve.gates_step;
  r.ld_gates = gates_stride(p);
  if (p.cell == Cell::Lstm) r.cells = reserve.cells + i * reserve.cells_step;
  if (p.P) r.wide = reserve.wide + i * reserve.wide_step;
  r.out = output(layer) + k * O;
  r.ld_out = p.K * O;
  r.ld_partial = scratch.widest;
  r.partial = scratch.partial + k * p.N * r.ld_partial;
  r.d_out = block(d_output(layer), k, O);
  r.ld_d_out = p.K * O;
  r.d_hn = p.cell == Cell::Gru ? nullptr : block(d_hn, i, p.N * O);
  r.carry = scratch.carry + k * p.N * p.H;
  if (p.P) r.d_projected = scratch.d_projected + k * scratch.d_projected_step;
  r.d_bias = d_bias + k * team.size() * bias_step();
  return r;
}

void BackwardCall::prepare(int rank) {
  const int members = team.size();
  if (rank == 0) std::memset(scratch.zeros, 0, static_cast<size_t>(scratch.widest) * sizeof(float));
  if (buffers.dy && !in_place) gather_rows(s, floats(buffers.dy), p.K * p.width(), d_scratch(p.L - 1), rank, members);
  if (s.sorted) return;
  if (buffers.h0) sort_states(s, floats(buffers.h0), p.L * p.K, p.width(), scratch.h0, rank, members);
  if (c0) sort_states(s, floats(buffers.c0), p.L * p.K, p.H, scratch.c0, rank, members);
  if (buffers.dhn) sort_states(s, floats(buffers.dhn), p.L * p.K, p.width(), scratch.d_hn, rank, members);
}

void BackwardCall::start_layer(int64_t layer, int rank) {
  const float* const carried = p.cell == Cell::Lstm  ? floats(buffers.dcn)
                               : p.cell == Cell::Gru ? floats(buffers.dhn)
                                                     : nullptr;
  sort_states(s, block(carried, layer * p.K, p.N * p.H), p.K, p.H, scratch.carry, rank, team.size());
  for (int64_t k = 0; k < p.K; ++k)
    std::memset(d_bias + (k * team.size() + rank) * bias_step(), 0, static_cast<size_t>(bias_step()) * sizeof(float));
}

// The gradients of a layer's initial states, but for the product that follows: rows without steps hand theirs on.
void BackwardCall::initial_states(int64_t i, int rank) {
  const int64_t O = p.width(), H = p.H, depth = p.gates() * H;
  const Recurrence r = recurrence(i);
  const Share rows = Share(s.batch, rank, team.size());
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    const int64_t b = s.order[row], at = i * p.N + b;
    if (buffers.dc0 && p.cell == Cell::Lstm)
      std::memcpy(floats(buffers.dc0) + at * H, r.carry + row * H, static_cast<size_t>(H) * sizeof(float));
    if (!buffers.dh0) continue;
    const bool empty = s.lengths[row] == 0;
    const float* const from = p.cell == Cell::Gru ? r.carry + row * H
                              : empty && r.d_hn   ? r.d_hn + row * O
                                                  : scratch.zeros;
    std::memcpy(floats(buffers.dh0) + at * O, from, static_cast<size_t>(O) * sizeof(float));
    float* const gates = scratch.first_gates + i % p.K * scratch.first_gates_step + b * depth;
    if (empty) {
      std::memset(gates, 0, static_cast<size_t>(depth) * sizeof(float));
    } else {
      std::memcpy(gates, r.gates + first_row(s, r.reverse, row) * r.ld_gates,
                  static_cast<size_t>(depth) * sizeof(float));
    }
  }
}

void BackwardCall::input_gradients(int64_t i, int rank) {
  const int64_t layer = i / p.K, k = i % p.K, D = p.input_size(layer), H = p.H, O = p.width(), rows = p.gates() * H;
  const LayerWeights<const float> w = layer_weights(p, floats(buffers.weights), i);
  const float* const d_gates = reserve.gates + i * reserve.gates_step;
  if (float* const d_in = d_input(layer)) {
    gemm_shared(team, rank,
                Product<float>{false, false, s.rows, D, rows, d_gates + cell_input_slot(p.cell) * H, gates_stride(p),
                               w.w_ih, D, k ? 1.0f : 0.0f, d_in, D});
  }
  if (!buffers.dh0) return;
  const float* const first = scratch.first_gates + k * scratch.first_gates_step;
  float* const d_h0 = floats(buffers.dh0) + i * p.N * O;
  if (p.cell == Cell::Gru) {  // slots q r z, weights r z n
    gemm_shared(team, rank, Product<float>{false, false, p.N, O, 2 * H, first + H, rows, w.w_hh, O, 1.0f, d_h0, O});
    gemm_shared(team, rank, Product<float>{false, false, p.N, O, H, first, rows, w.w_hh + 2 * H * O, O, 1.0f, d_h0, O});
  } else {
    gemm_shared(team, rank, Product<float>{false, false, p.N, O, rows, first, rows, w.w_hh, O, 1.0f, d_h0, O});
  }
}

void BackwardCall::weight_gradients(int64_t i, int rank) {
  const int64_t layer = i / p.K, k = i % p.K, D = p.input_size(layer), H = p.H, O = p.width(), rows = p.gates() * H,
                ld = gates_stride(p);
  const LayerWeights<float> g = layer_weights(p, floats(buffers.dweights), i);
  const float* const d_gates = reserve.gates + i * reserve.gates_step;
  const float* const previous = scratch.previous + k * scratch.previous_step;
  gemm_shared(team, rank,
              Product<float>{true, false, rows, D, s.rows, d_gates + cell_input_slot(p.cell) * H, ld, input(layer), D,
                             0.0f, g.w_ih, D});
  if (p.cell == Cell::Gru) {
    gemm_shared(team, rank,
                Product<float>{true, false, 2 * H, O, s.rows, d_gates + H, ld, previous, O, 0.0f, g.w_hh, O});
    gemm_shared(team, rank,
                Product<float>{true, false, H, O, s.rows, d_gates, ld, previous, O, 0.0f, g.w_hh + 2 * H * O, O});
  } else {
    gemm_shared(team, rank, Product<float>{true, false, rows, O, s.rows, d_gates, ld, previous, O, 0.0f, g.w_hh, O});
  }
  if (p.P) {
    const float* const d_projected = scratch.d_projected + k * scratch.d_projected_step;
    gemm_shared(team, rank,
                Product<float>{true, false, p.P, H, s.rows, d_projected, p.P, reserve.wide + i * reserve.wide_step, H,
                               0.0f, g.w_hr, H});
  }
  if (p.bias) bias_gradients(i, rank);
}

void BackwardCall::bias_gradients(int64_t i, int rank) {
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

void BackwardCall::run_layer(int64_t layer, int rank) {
  const int64_t begin = layer * p.K, end = begin + p.K;
  start_layer(layer, rank);
  team.barrier();
  run_directions(split, layer, p.K, rank, [&](int64_t i, int owner) { run_backward(recurrence(i), owner); });
  for (int64_t i = begin; i < end; ++i) {
    const Recurrence r = recurrence(i);
    if (buffers.dweights)
      gather_previous(s, r.reverse, r.out, r.ld_out, r.h0, p.width(),
                      scratch.previous + i % p.K * scratch.previous_step, rank, team.size());
  }
  team.barrier();
  if (buffers.dh0 || buffers.dc0) {
    for (int64_t i = begin; i < end; ++i) initial_states(i, rank);
    team.barrier();
  }
  for (int64_t i = begin; i < end; ++i) {
    input_gradients(i, rank);
    if (buffers.dweights) weight_gradients(i, rank);
  }
  team.barrier();
}

void BackwardCall::run(int rank) {
  prepare(rank);
  team.barrier();
  for (int64_t layer = p.L - 1; layer >= 0; --layer) run_layer(layer, rank);
  if (buffers.dx && !in_place) scatter_rows(s, d_input(0), p.D, p.T, floats(buffers.dx), rank, team.size());
}

// ---- nothing to run over: all lengths are zero, or the batch or the time is

void copy_or_clear(const void* from, int64_t count, void* to) {
  if (!to || count <= 0) return;
  if (from) {
    std::memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
  } else {
    std::memset(to, 0, static_cast<size_t>(count) * sizeof(float));
  }
}

void empty_forward(const RecurrentProblem& p, const RecurrentForward& b) {
  const int64_t states = p.L * p.K * p.N;
  copy_or_clear(nullptr, p.N * p.T * p.K * p.width(), b.y);
  copy_or_clear(b.h0, states * p.width(), b.hn);
  if (p.cell == Cell::Lstm) copy_or_clear(b.c0, states * p.H, b.cn);
}

void empty_backward(const RecurrentProblem& p, const RecurrentBackward& b) {
  const int64_t states = p.L * p.K * p.N;
  copy_or_clear(nullptr, p.N * p.T * p.D, b.dx);
  copy_or_clear(b.dhn, states * p.width(), b.dh0);
  if (p.cell == Cell::Lstm) copy_or_clear(b.dcn, states * p.H, b.dc0);
  copy_or_clear(nullptr, p.weight_elements(), b.dweights);
}

}  // namespace

Status fused_sizes(const RecurrentProblem& p, RecurrentSizes* out) {
  const int64_t rows = live_rows(p);
  out->reserve = p.training ? Reserve(p, rows, nullptr).bytes : 0;
  out->forward_workspace = ForwardScratch(p, rows, nullptr).bytes;
  out->backward_workspace = p.training ? BackwardScratch(p, rows, nullptr).bytes : 0;
  out->packed = packed_bytes(p);
  out->layout = 1;
  return Status::ok();
}

Status fused_pack(const RecurrentProblem& p, const float* weights, void* packed) {
  on_team(p.weight_elements(), [&](Team& team) {
    team.run([&](int rank) {
      const int members = team.size();
      for (int64_t i = 0; i < p.L * p.K; ++i) {
        const PackedLayer to = packed_layer(p, packed, i);
        const LayerWeights<const float> w = layer_weights(p, weights, i);
        pack_gate_panels(p.cell, false, w.w_ih, p.H, p.input_size(i / p.K), to.input, rank, members);
        pack_gate_panels(p.cell, true, w.w_hh, p.H, p.width(), to.state, rank, members);
        if (p.P) pack_plain_panels(w.w_hr, p.H, p.P, true, to.project, rank, members);
        if (p.training) pack_backward_panels(p.cell, w.w_hh, p.H, p.width(), to.backward, rank, members);
        if (p.training && p.P) pack_plain_panels(w.w_hr, p.P, p.H, false, to.unproject, rank, members);
        if (rank == i % members) pack_bias(p.cell, w.b_ih, w.b_hh, p.H, to.bias);
      }
    });
  });
  return Status::ok();
}

Status fused_forward(const RecurrentProblem& p, const RecurrentForward& buffers) {
  Bookkeeping& kept = bookkeeping();
  const Status status = kept.sequence.assign(p);
  if (!status.is_ok()) return status;
  if (p.training) *Reserve(p, kept.sequence.rows, buffers.reserve).state = Reserve::kFresh;
  if (kept.sequence.rows == 0) {
    empty_forward(p, buffers);
    return Status::ok();
  }
  on_team(kept.sequence.rows * p.weight_elements(), [&](Team& team) {
    kept.split.assign(p, kept.sequence, team.size());
    ForwardCall call(p, buffers, kept.sequence, kept.split, team);
    team.run([&](int rank) { call.run(rank); });
  });
  return Status::ok();
}

Status fused_backward(const RecurrentProblem& p, const RecurrentBackward& buffers) {
  Bookkeeping& kept = bookkeeping();
  const Status status = kept.sequence.assign(p);
  if (!status.is_ok()) return status;
  uint64_t& state = *Reserve(p, kept.sequence.rows, buffers.reserve).state;
  if (state != Reserve::kFresh) {
    return Status::fail(
        StatusKind::Internal,
        "got a reserve that %s, expected one that a training forward has just filled. Fix: run backward once for each "
        "forward, or on a copy of the reserve.",
        state == Reserve::kSpent ? "an earlier backward has used up" : "no training forward has filled");
  }
  if (kept.sequence.rows == 0) {
    empty_backward(p, buffers);
    return Status::ok();
  }
  state = Reserve::kSpent;
  on_team(2 * kept.sequence.rows * p.weight_elements(), [&](Team& team) {
    kept.split.assign(p, kept.sequence, team.size());
    kept.d_bias.resize(static_cast<size_t>(p.K * team.size() * cell_slots(p.cell) * p.H));
    BackwardCall call(p, buffers, kept.sequence, kept.split, team, kept.d_bias.data());
    team.run([&](int rank) { call.run(rank); });
  });
  return Status::ok();
}

}  // namespace stm
