#include "backend/cuda/recurrent/arrangement.h"

#include <algorithm>

namespace stm::cuda {
namespace {

int64_t longest(const RecurrentProblem& p) {
  if (p.N == 0) return 0;
  return p.lengths ? *std::max_element(p.lengths, p.lengths + p.N) : p.T;
}

/// Steps from..from+steps, of which some row has the last.
Chunk cut(const RecurrentProblem& p, int64_t from, int64_t steps) {
  Chunk chunk;
  chunk.from = from;
  chunk.steps = steps;
  chunk.batch = p.N;
  if (!p.lengths) return chunk;
  for (int64_t row = 0; row < p.N; ++row) {
    if (p.lengths[row] <= from) continue;
    chunk.rows.push_back(static_cast<int32_t>(row));
    chunk.lengths.push_back(static_cast<int32_t>(std::min<int64_t>(p.lengths[row] - from, steps)));
  }
  chunk.batch = static_cast<int64_t>(chunk.rows.size());
  if (chunk.batch == p.N) chunk.rows.clear();
  if (std::all_of(chunk.lengths.begin(), chunk.lengths.end(), [steps](int32_t length) { return length == steps; }))
    chunk.lengths.clear();
  return chunk;
}

}  // namespace

bool Arrangement::varies() const {
  return std::any_of(chunks.begin(), chunks.end(), [](const Chunk& chunk) { return !chunk.lengths.empty(); });
}

Arrangement arrange(const RecurrentProblem& p, int64_t most_steps) {
  Arrangement arrangement;
  const int64_t end = longest(p);
  for (int64_t from = 0; from < end; from += most_steps)
    arrangement.chunks.push_back(cut(p, from, std::min(most_steps, end - from)));
  if (arrangement.chunks.size() <= 1 || p.K == 1) {
    arrangement.passes.push_back({0, p.L, 0, p.K});
    return arrangement;
  }
  for (int64_t layer = 0; layer < p.L; ++layer)
    for (int64_t direction = 0; direction < p.K; ++direction) arrangement.passes.push_back({layer, 1, direction, 1});
  return arrangement;
}

}  // namespace stm::cuda
