#pragma once
#include "backend/cuda/recurrent/plan.h"
#include "backend/cuda/recurrent/tuning_cache.h"

namespace stm::cuda {

/// Chooses cuDNN's algorithm. Which one is the fastest, by up to ten times either way, cannot be told from the sizes: it is measured once for a shape, in
/// buffers of its own, and remembered. Executor thread only.
class Tuner {
 public:
  Tuner(Context& context, Planner& planner);
  /// `arrangement` is that of the problem, with something to do.
  Status choose(const RecurrentProblem& problem, const Arrangement& arrangement, Algorithm* out);
  /// The choice turned out not to compute the problem: the standard algorithm does from now on, in this process.
  void refuse(const RecurrentProblem& problem, const Arrangement& arrangement) {
    cache_.put(key_of(problem, arrangement.chunks[0]), Algorithm::Standard, false);
  }

 private:
  std::string key_of(const RecurrentProblem& problem, const Chunk& chunk) const;
  Status measure(const RecurrentProblem& problem, const Chunk& chunk, Algorithm* out, bool* lasting);
  Context& context_;
  Planner& planner_;
  TuningCache cache_;
  std::string device_;
  bool enabled_;
};

/// Why an algorithm cannot compute a problem that cuDNN's standard one can; null if it can as far as is known before it is asked.
const char* obstacle(Algorithm algorithm, const RecurrentProblem& problem, const Arrangement& arrangement);

}  // namespace stm::cuda
