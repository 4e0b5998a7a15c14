#pragma once
#include <vector>

#include "backend/kernels/recurrent.h"

namespace stm::cuda {

/// Steps of time that one call computes: `steps` from `from`, of the rows that are still running there. No call gets a
/// row without steps: cuDNN takes none.
struct Chunk {
  int64_t from = 0, steps = 0, batch = 0;
  std::vector<int32_t> rows;     ///< numbers of the rows; empty: all
  std::vector<int32_t> lengths;  ///< their steps in the chunk; empty: all `steps`
};

/// Layers and directions that one call computes: all of them, or one of one layer if time is cut in chunks and both
/// directions are wanted, because the layer above needs the whole of both.
struct Pass {
  int64_t layer = 0, layers = 1, direction = 0, directions = 1;
  bool flipped() const {
    return direction == 1;
  }  ///< a backward direction of its own, which cuDNN gets as a forward one of the turned sequence
};

/// How a problem is cut into calls: each pass goes over all chunks. The caller's lengths count, and what differs
/// between rows of equal lengths does not.
///
///   rows  ████████│████       T = 12, chunks of 8: all four rows, then rows 0 and 2.
///         ███░░░░░│░░░░       A row of length 0 is in no chunk; time beyond the longest row is in none either.
///         ████████│██░░
///         ██████░░│░░░░
struct Arrangement {
  std::vector<Chunk> chunks;
  std::vector<Pass> passes;

  bool single() const { return chunks.size() == 1 && passes.size() == 1; }
  bool all_rows() const { return chunks.size() == 1 && chunks[0].rows.empty(); }
  /// Whether rows of one chunk differ in length.
  bool varies() const;
};

/// `most_steps`: of one call.
Arrangement arrange(const RecurrentProblem& problem, int64_t most_steps);

}  // namespace stm::cuda
