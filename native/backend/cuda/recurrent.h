#pragma once
#include <memory>
#include <utility>
#include <vector>

#include "backend/cuda/device/context.h"
#include "backend/kernels/recurrent.h"

namespace stm::cuda {

class Plans;
struct Plan;

/// Recurrent layers by cuDNN. A problem becomes a plan (recurrent/plan.h): calls of cuDNN's, with the algorithm that is
/// the fastest for the shape, and what is moved around them, because cuDNN takes no rows without steps, promises
/// nothing of padding, and has weights in an order of its own.
///
/// Switches of the environment: STMNET_CUDNN_AUTOTUNE, _LAYOUT, _DROPOUT and _MAX_STEPS (switches.h).
class CudaRecurrent final : public RecurrentKernels {
 public:
  explicit CudaRecurrent(Context& context);
  ~CudaRecurrent();

  /// Plans that a graph reads for as long as it lives.
  using Held = std::vector<std::shared_ptr<const Plan>>;
  /// Those of the calls that were captured since the last time.
  Held take_captured() noexcept { return std::exchange(captured_, {}); }
  /// Theirs is gone, though a launch may still be under way. Any thread.
  void rest(Held plans) noexcept;
  /// Gives back all that is cuDNN's, before its handle goes.
  void release() noexcept;

  Status check(const RecurrentProblem& problem) noexcept override;
  Status choose(const RecurrentProblem& problem, bool repeated, uint64_t* out) noexcept override;
  Status sizes(const RecurrentProblem& problem, RecurrentSizes* out) noexcept override;
  Status pack(const RecurrentProblem& problem, const void* weights, void* packed) noexcept override;
  Status forward(const RecurrentProblem& problem, const RecurrentForward& buffers) noexcept override;
  Status backward(const RecurrentProblem& problem, const RecurrentBackward& buffers) noexcept override;

 private:
  Plans& plans();
  /// Calls `f(plan)` with the problem's plan.
  template <class F>
  Status with_plan(const RecurrentProblem& problem, F f) noexcept;
  Status hold_if_captured(const std::shared_ptr<const Plan>& plan);

  Context& context_;
  const int64_t most_steps_;
  std::unique_ptr<Plans> plans_;  ///< made by the executor's first call
  Held captured_;
};

}  // namespace stm::cuda
