#pragma once
#include <cstdint>
#include <vector>

#include "backend/cpu/team.h"
#include "backend/kernels/recurrent.h"

namespace stm {

/// Rows of a batch sorted by descending length. Only live rows are stored (as in torch's PackedSequence): step t holds
/// rows 0..live[t]-1, at storage rows
/// first[t], first[t] + 1, ...        lengths 4 2 2 0:   t=0: rows 0 1 2 | t=1: rows 0 1 2 | t=2: row 0 | t=3: row 0
class Sequence {
 public:
  /// Reads N, T, lengths and the layout. Allocates only when it has never held a sequence of this size.
  Status assign(const RecurrentProblem& problem);

  /// The caller's row of step t of sorted row `row`.
  int64_t caller_row(int64_t t, int64_t row) const { return order[row] * row_step_ + t * time_step_; }

  int64_t steps = 0, batch = 0, rows = 0;  ///< rows: the sum of all lengths
  bool sorted = false;                     ///< order is the identity
  std::vector<int32_t> order;              ///< [batch] the caller's row of each sorted row
  std::vector<int32_t> lengths;            ///< [batch] descending
  std::vector<int32_t> live;               ///< [steps]
  std::vector<int64_t> first;              ///< [steps]

 private:
  int64_t row_step_ = 0, time_step_ = 0;
};

/// The sum of a problem's lengths.
int64_t live_rows(const RecurrentProblem& problem);

/// How the members of a team share the recurrence of one direction: by batch rows (members never wait for each other
/// between steps) or by hidden units (a round a step). Only `owners` members take part, fewer than there are where
/// there is too little to do.
struct Split {
  void assign(const RecurrentProblem& problem, const Sequence& sequence, int members);

  /// A member's rank among the owners of direction `k`; outside 0..owners - 1 it has no part.
  int rank_in(int64_t k, int rank) const { return apart ? rank - static_cast<int>(k) * owners : rank; }
  /// How many have a part.
  int members() const { return apart ? 2 * owners : owners; }

  bool by_rows = true;
  bool apart = false;  ///< the directions of a layer run at the same time, on owners of their own
  int owners = 1;
  std::vector<int64_t>
      bounds;  ///< by rows: owner m has batch rows bounds[m]..bounds[m + 1], about the same number of live steps each
  mutable Rounds steps[2];  ///< by units: of each direction's owners, those of all layers
};

}  // namespace stm
