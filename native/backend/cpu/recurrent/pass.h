#pragma once
#include <cstdint>
#include <vector>

#include "backend/cpu/recurrent/layout.h"
#include "backend/cpu/recurrent/sequence.h"
#include "backend/cpu/recurrent/steps.h"
#include "backend/cpu/stages.h"
#include "backend/cpu/team.h"

namespace stm {

/// What a call finds out about its problem. Kept by the calling thread, so that a steady loop allocates nothing.
struct Bookkeeping {
  Sequence sequence;
  Split split;
  Stages stages;
  std::vector<float> d_bias;  ///< [K][members][slots · H]
};

/// One member's way through a pass: the rounds of the team and, where units are owned, those of the steps of each
/// direction.
struct Member {
  Member(const Split& split, Rounds::Walk& team)
      : rank(team.own()),
        team(team),
        steps{{&split.steps[0], rank % split.owners}, {&split.steps[1], rank % split.owners}} {}
  const int rank;
  Rounds::Walk& team;
  Rounds::Walk steps[2];
};

/// The stack's passes over a sequence that has rows.
void forward_pass(const RecurrentProblem& problem, const RecurrentForward& buffers, Bookkeeping& kept, Team& team);
/// Of a single step of rows in the caller's order, what RecurrentKernels::ahead() computes.
void ahead_pass(const RecurrentProblem& problem, const void* packed, const void* h0, void* sums, Bookkeeping& kept,
                Team& team);
void backward_pass(const RecurrentProblem& problem, const RecurrentBackward& buffers, Bookkeeping& kept, Team& team);

inline const float* floats(const void* p) { return static_cast<const float*>(p); }
inline float* floats(void* p) { return static_cast<float*>(p); }

/// The block of pseudo-layer `i`, if there is any.
template <class Float>
Float* block(Float* states, int64_t i, int64_t step) {
  return states ? states + i * step : nullptr;
}

/// What both passes know of their call. Their functions with a `rank` do that rank's share, whoever calls them.
struct StackPass {
  /// Buffers of the caller that both passes have.
  struct Buffers {
    const void *x, *h0, *c0, *packed;
    void* y;
    const void* ahead = nullptr;
  };

  StackPass(const RecurrentProblem& problem, const Buffers& buffers, const Bookkeeping& kept, Team& team,
            const StateScratch& scratch, const LayerArrays& arrays);

  /// Where the rows of a layer's output lie, and of its input; packed.
  float* output(int64_t layer) const;
  const float* input(int64_t layer) const { return layer ? output(layer - 1) : x; }
  /// A caller's states in the order of the sorted rows: themselves, or where they are to be sorted to. Null stays null.
  const float* in_order(const void* states, const float* sorted) const {
    return !states || s.sorted ? floats(states) : sorted;
  }
  /// Clears the zeros and brings the initial states into order.
  void prepare_states(int rank, int members) const;
  Recurrence recurrence(int64_t i) const;
  /// `count` of a layer's steps: calls run(i, StepParts) for its directions.
  template <class F>
  void run_directions(int64_t layer, int64_t count, Member& member, const F& run) const {
    if (split.by_rows)
      return member.team.round([&](int rank) {
        for (int64_t k = 0; k < p.K; ++k) {
          const int owner = split.rank_in(k, rank);
          if (owner >= 0 && owner < split.owners) run(layer * p.K + k, StepParts{owner});
        }
      });
    member.team.wait();
    for (int64_t n = 0; n < p.K; ++n) {
      const int64_t k = member.rank < split.owners ? n : p.K - 1 - n;  // its own first
      Rounds::Walk& steps = member.steps[k];
      if (member.rank < split.members()) run(layer * p.K + k, StepParts{0, &steps});
      else steps.pass_over(rounds_of_steps(recurrence(layer * p.K + k).geometry, count));
    }
    for (Rounds::Walk& steps : member.steps) steps.wait();
  }

  const RecurrentProblem& p;
  const Sequence& s;
  const Split& split;
  Team& team;
  const Buffers given;
  const StateScratch scratch;
  const LayerArrays arrays;
  const int64_t O;      ///< the width of h
  const bool in_place;  ///< x, y and their gradients are used where they lie
  /// The tiles multiply the input, too.
  const bool fused;
  /// The products over all steps round their factors to bf16; those of a step, with the state before it, are f32.
  const bool bf16;
  const float *x, *h0, *c0;  ///< packed; sorted, null for zeros
};

}  // namespace stm
