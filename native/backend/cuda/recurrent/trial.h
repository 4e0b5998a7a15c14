#pragma once
#include <vector>

#include "backend/cuda/recurrent/plan.h"

namespace stm::cuda {

/// Device memory of a trial's own.
class TrialMemory {
 public:
  TrialMemory() = default;
  ~TrialMemory() {
    if (data_) (void)cudaFree(data_);
  }
  TrialMemory(const TrialMemory&) = delete;
  TrialMemory& operator=(const TrialMemory&) = delete;
  Status take(Context& context, size_t bytes);
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
};

/// What algorithms are tried on: the problem's shape with numbers drawn at random.
struct TrialOperands {
  RecurrentProblem problem;  ///< without lengths
  TrialMemory x, h0, c0, weights, dy, dhn, dcn;
  Status make(Context& context, const RecurrentProblem& of);
};

/// One algorithm on them.
class Trial {
 public:
  Trial(Context& context, const TrialOperands& operands) : context_(context), operands_(operands) {}
  /// Fails if cuDNN does not take the algorithm for this problem.
  Status make(Planner& planner, Algorithm algorithm);
  /// Forward, and backward if training.
  Status run();
  /// Median of some runs, in milliseconds; waits.
  Status time(float* milliseconds);
  /// Whether the results differ from another trial's by no more than rounding; waits.
  Status agrees(const Trial& other, bool* out);

 private:
  struct Result {
    TrialMemory memory;
    int64_t count = 0;
  };
  Status take(Result& result, int64_t count);
  /// The largest difference, relative to the largest number.
  Status difference(const Result& mine, const Result& other, double* out);

  Context& context_;
  const TrialOperands& operands_;
  std::unique_ptr<Plan> plan_;
  TrialMemory packed_, reserve_, workspace_;
  Result y_, hn_, cn_, dx_, dh0_, dc0_, dweights_;
};

}  // namespace stm::cuda
