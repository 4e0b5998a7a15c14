#pragma once
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/cuda/recurrent/plan.h"
#include "backend/cuda/recurrent/tuning_cache.h"

namespace stm::cuda {

/// Chooses cuDNN's algorithm, and the order of its blocks. What is the fastest, by up to ten times either way, cannot
/// be told from the sizes: it is measured once, in memory of its own, and remembered for all problems whose sizes are
/// much the same. Executor thread only.
///
/// Not at first sight: the last batch of an epoch, a test or a server's odd request would pay for it and gain nothing.
/// Until a problem has come a few times the standard algorithm computes it. A step that is recorded, to be repeated as
/// it is, is measured at once.
///
/// The algorithm that is compiled for each number of rows, which takes seconds, is tried only where it may be worth
/// that: in training, where no other persistent one computes the problem, for exactly this number of rows.
class Tuner {
 public:
  Tuner(Context& context, Planner& planner);

  /// How a problem is computed without further ado: by the named algorithm or the standard one.
  Choice plain(const RecurrentProblem& problem) const;
  /// Whether there is nothing to choose for it now.
  bool idle(const RecurrentProblem& problem) const;
  /// `arrangement` is that of the problem, with something to do, and Auto is asked for. `settled`: the answer stays.
  Status choose(const RecurrentProblem& problem, const Arrangement& arrangement, bool repeated, Choice* out,
                bool* settled);
  /// The choice turned out not to compute the problem: the plain way does from now on, in this process.
  void refuse(const RecurrentProblem& problem, const Arrangement& arrangement, Choice choice);
  /// Whether cuDNN computes the problem so, with the results of the standard algorithm, tried once in this process. No
  /// answer where there is no room to try, or a graph is captured.
  Status prove(const RecurrentProblem& problem, const Arrangement& arrangement, Choice choice,
               std::optional<bool>* proven);
  /// The orders of blocks that a problem may be computed in, the plain one first.
  std::vector<bool> orders(const RecurrentProblem& problem) const;

 private:
  enum class Scope { Static, WithDynamic, Everything };
  struct Candidate;

  std::string key_of(const RecurrentProblem& problem, const Chunk& chunk, Scope scope) const;
  /// `known`: there is a verdict; else the problem has not come often enough.
  Status verdict(const RecurrentProblem& problem, const Chunk& chunk, Scope scope, bool repeated, Verdict* out,
                 bool* known);
  Status measure(const RecurrentProblem& problem, const Chunk& chunk, Scope scope, Verdict* out, bool* lasting);
  Status candidates(const RecurrentProblem& problem, Scope scope, std::vector<Candidate>& all, bool* lasting);
  Status compare(const RecurrentProblem& problem, std::vector<Candidate>& all, bool* lasting);

  Context& context_;
  Planner& planner_;
  TuningCache cache_;
  std::string device_;  ///< beginning of each key
  bool enabled_ = true, everything_ = false;
  std::string layout_;                         ///< the one that is asked for; else empty
  std::unordered_map<std::string, int> uses_;  ///< of what has no verdict yet
  std::unordered_map<std::string, bool>
      computes_;  ///< what this process has found of choices for exact numbers of rows
};

/// Why an algorithm cannot compute a problem that cuDNN's standard one can; null if it can as far as is known before it
/// is asked.
const char* obstacle(Algorithm algorithm, const RecurrentProblem& problem, const Arrangement& arrangement);

}  // namespace stm::cuda
