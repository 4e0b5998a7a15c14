#pragma once
#include <list>
#include <string>
#include <unordered_map>

#include "backend/cuda/recurrent/plan.h"
#include "backend/cuda/recurrent/tuning.h"

namespace stm::cuda {

/// The plans of the problems seen last. Executor thread only.
class Plans {
 public:
  /// `most_steps`: of one call of cuDNN's.
  Plans(Context& context, int64_t most_steps) : context_(context), most_steps_(most_steps), planner_(context), tuner_(context, planner_) {}
  /// The problem's plan, made if need be.
  Status find(const RecurrentProblem& problem, Plan** out);

 private:
  struct Entry {
    std::string key;
    std::unique_ptr<Plan> plan;
  };
  Status make(const RecurrentProblem& problem, std::unique_ptr<Plan>* out);
  void drop_oldest();

  // cuDNN may read a descriptor as long as its call is in the device's queue. That holds some thousand launches; a plan this many plans old has left it.
  static constexpr size_t kKept = 2048;

  Context& context_;
  int64_t most_steps_;
  Planner planner_;
  Tuner tuner_;
  std::list<Entry> entries_;  ///< the last used first
  std::unordered_map<std::string, std::list<Entry>::iterator> places_;
};

}  // namespace stm::cuda
