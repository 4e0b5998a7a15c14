#pragma once
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "backend/cuda/recurrent/plan.h"
#include "backend/cuda/recurrent/tuning.h"

namespace stm::cuda {

/// The plans of the problems seen last. A graph shares those that it was captured from, and so keeps them.
/// Executor thread only, but for rest().
class Plans {
 public:
  /// `most_steps`: of one call of cuDNN's.
  Plans(Context& context, int64_t most_steps)
      : context_(context), most_steps_(most_steps), planner_(context), tuner_(context, planner_) {}
  /// How the problem is to be computed: RecurrentKernels::choose.
  Status choose(const RecurrentProblem& problem, bool repeated, Choice* out);
  /// The problem's plan, as it was chosen or else the plain one, made if need be.
  Status find(const RecurrentProblem& problem, std::shared_ptr<const Plan>* out);
  /// Plans whose graph is gone: a launch of it may be under way, so they stay as if they had been found just now.
  void rest(std::vector<std::shared_ptr<const Plan>> plans) noexcept;

 private:
  struct Entry {
    std::string key;  ///< empty: not to be found by it
    std::shared_ptr<const Plan> plan;
  };
  Status find(const RecurrentProblem& problem, Choice choice, std::shared_ptr<const Plan>* out);
  Status make(const RecurrentProblem& problem, Choice choice, std::unique_ptr<Plan>* out);
  Status choose_named(const RecurrentProblem& problem, const Arrangement& arrangement, Choice* out, bool* settled);
  Status choose_fastest(const RecurrentProblem& problem, const Arrangement& arrangement, bool repeated, Choice* out,
                        bool* settled);
  void add(std::string key, std::shared_ptr<const Plan> plan);

  // cuDNN may read a descriptor as long as its call is in the device's queue. That holds some thousand launches; a plan
  // this many plans old has left it.
  static constexpr size_t kKept = 2048;

  Context& context_;
  int64_t most_steps_;
  Planner planner_;
  Tuner tuner_;
  std::unordered_map<std::string, Choice> settled_;  ///< choices that stay, so that most calls find theirs at once
  std::mutex mutex_;          ///< of those below: where the host is out of memory graphs end on any thread
  std::list<Entry> entries_;  ///< the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> places_;
};

}  // namespace stm::cuda
