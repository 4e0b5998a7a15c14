#include "backend/cpu/recurrent/stack.h"

#include <cstring>

#include "backend/cpu/recurrent/layout.h"
#include "backend/cpu/recurrent/pack.h"
#include "backend/cpu/recurrent/pass.h"
#include "backend/cpu/recurrent/quantized.h"
#include "backend/cpu/team.h"

namespace stm {
namespace {

constexpr int64_t kAloneWork =
    int64_t{1} << 18;  // multiplications: a few microseconds, less than waking a team and keeping it in step costs

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

// Nothing to run over: all lengths are zero, or the batch or the time is.

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
  out->ahead = fused_ahead_pays(p) ? static_cast<size_t>(p.L * p.K * p.N * slots_stride(p)) * sizeof(float) : 0;
  out->packed = p.quantized ? quantized_packed_bytes(p) : packed_bytes(p);
  out->layout = 1;
  return Status::ok();
}

Status fused_pack(const RecurrentProblem& p, const void* weights, void* packed) {
  on_team(p.weight_elements(), [&](Team& team) {
    team.run([&](int rank) {
      for (int64_t i = 0; i < p.L * p.K; ++i) {
        if (p.quantized) pack_quantized_layer(p, static_cast<const int8_t*>(weights), i, packed, rank, team.size());
        else pack_layer(p, floats(weights), i, packed, rank, team.size());
      }
    });
  });
  return Status::ok();
}

// Below that much work a step takes no longer than a command more.
bool fused_ahead_pays(const RecurrentProblem& p) {
  return p.T == 1 && !p.lengths && !p.training && !p.quantized && p.N > 0 &&
         p.N * p.L * p.K * p.gates() * p.H * p.width() >= kAloneWork;
}

Status fused_ahead(const RecurrentProblem& p, const void* packed, const void* h0, void* sums) {
  Bookkeeping& kept = bookkeeping();
  const Status status = kept.sequence.assign(p);
  if (!status.is_ok()) return status;
  const TeamLease lease;
  ahead_pass(p, packed, h0, sums, kept, lease.team());
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
  const int64_t work = kept.sequence.rows * p.weight_elements();
  on_team(p.quantized ? work / 4 : work, [&](Team& team) {  // numbers of 8 bits, of which four are read at a time
    kept.split.assign(p, kept.sequence, team.size());
    forward_pass(p, buffers, kept, team);
  });
  return Status::ok();
}

Status fused_backward(const RecurrentProblem& p, const RecurrentBackward& buffers) {
  Bookkeeping& kept = bookkeeping();
  const Status status = kept.sequence.assign(p);
  if (!status.is_ok()) return status;
  uint64_t& state = *Reserve(p, kept.sequence.rows, buffers.reserve).state;
  if (state != Reserve::kFresh) {
    return Status::refuse(StatusKind::Internal,
                          {"a reserve that %s", state == Reserve::kSpent ? "an earlier backward has used up"
                                                                         : "no training forward has filled"},
                          "one that a training forward has just filled",
                          "run backward once for each forward, or on a copy of the reserve");
  }
  if (kept.sequence.rows == 0) {
    empty_backward(p, buffers);
    return Status::ok();
  }
  state = Reserve::kSpent;
  on_team(2 * kept.sequence.rows * p.weight_elements(), [&](Team& team) {
    kept.split.assign(p, kept.sequence, team.size());
    backward_pass(p, buffers, kept, team);
  });
  return Status::ok();
}

}  // namespace stm
