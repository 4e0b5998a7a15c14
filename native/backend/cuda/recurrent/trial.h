#pragma once
#include <vector>

#include "backend/cuda/recurrent/buffers.h"
#include "backend/cuda/recurrent/plan.h"

namespace stm::cuda {

/// Plans of one problem, run on the same numbers drawn at random, in one block of memory that goes back to the device's
/// pool at the end. One plan at a time is entered; those that are given must live until the trial has ended.
class Trial {
 public:
  /// What the problem is computed from.
  struct Operands {
    void *x, *h0, *c0, *weights, *dy, *dhn, *dcn;
  };

  /// `problem` has no lengths.
  Trial(Context& context, const RecurrentProblem& problem);
  ~Trial();
  Trial(const Trial&) = delete;
  Trial& operator=(const Trial&) = delete;

  /// Takes memory that is enough for each of the plans, and draws the numbers.
  Status begin(const std::vector<const Plan*>& plans);
  /// Turns to a plan: packs the weights for it.
  Status enter(const Plan& plan);
  /// Forward, and backward if training.
  Status run();
  /// Median of some runs, in milliseconds; waits. Fewer runs if it cannot be as fast as `fastest`; 0: it can be
  /// anything.
  Status time(float fastest, float* milliseconds);
  /// The results of the last run become those that later ones are compared with.
  void keep_results();
  /// Whether the results of the last run differ from those by no more than rounding; waits.
  Status agrees(bool* out);

  const Operands& operands() const { return operands_; }

 private:
  struct Results {
    void *y, *hn, *cn, *dx, *dh0, *dc0, *dweights;
  };
  size_t carve(void* base, const std::vector<const Plan*>& plans);
  Results take_results(DeviceCarver& carver) const;
  Status draw();
  /// The largest difference, relative to the largest number.
  Status difference(const void* mine, const void* other, int64_t count, double* out);
  size_t bytes(int64_t elements) const { return static_cast<size_t>(elements) * size_of(problem_.dtype); }
  int64_t x_size() const { return problem_.N * problem_.T * problem_.D; }
  int64_t y_size() const { return problem_.N * problem_.T * problem_.K * problem_.width(); }
  int64_t h_size() const { return problem_.L * problem_.K * problem_.N * problem_.width(); }
  int64_t c_size() const { return problem_.cell == Cell::Lstm ? problem_.L * problem_.K * problem_.N * problem_.H : 0; }

  Context& context_;
  const RecurrentProblem problem_;
  const Plan* plan_ = nullptr;
  void* memory_ = nullptr;
  Operands operands_{};
  Results results_{}, kept_{};
  void *packed_ = nullptr, *reserve_ = nullptr, *workspace_ = nullptr, *comparison_ = nullptr;
};

}  // namespace stm::cuda
