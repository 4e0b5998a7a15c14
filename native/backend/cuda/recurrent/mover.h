#pragma once
#include "backend/cuda/recurrent/copies.h"
#include "backend/cuda/recurrent/plan.h"

namespace stm::cuda {

/// Moves the steps and states of one chunk at a time between the caller's buffers and the blocks of its call. What is
/// only converted waits for convert_in() or convert_out(), which take all of it at once.
class Mover {
 public:
  Mover(Context& context, const Plan& plan) : context_(context), plan_(plan), p_(plan.problem) {}

  /// Sends what kernels need of the lengths. To be called first.
  Status start();
  /// Turns to a chunk.
  Status enter(const Chunk& chunk);

  /// `data` is [N, T, total] or [T, N, total], as the caller's; the call gets `width` elements of each step, from
  /// `offset` on.
  struct Part {
    void* data;
    int64_t total, offset, width;
  };
  Status gather_steps(const PassPlan& pass, const Part& part, void* block);
  Status scatter_steps(const PassPlan& pass, const void* block, const Part& part, bool add);
  /// `data` is [L·K, N, width], of which the call gets the pass's.
  Status gather_states(const PassPlan& pass, const void* data, int64_t width, void* block);
  Status scatter_states(const PassPlan& pass, const void* block, int64_t width, void* data);
  /// Weights, or gradients of them, from the caller's order to cuDNN's and back; the latter overwrite, or are added.
  void gather_weights(const PassPlan& pass, const void* blob, void* space);
  Status scatter_weights(const PassPlan& pass, const void* space, void* blob, bool add);
  Status convert_in();
  Status convert_out();
  /// Zeros past the lengths, in [N, T, width] or [T, N, width].
  Status clear_padding(void* data, int64_t width);

  Status zero(void* data, size_t bytes);
  /// `to` = `from`, or zeros if that is null.
  Status copy_or_zero(void* to, const void* from, size_t bytes);

 private:
  Steps steps(const Part& part) const;
  Window steps_window(const PassPlan& pass, int64_t width) const;
  Steps states(const PassPlan& pass, const void* data, int64_t width) const;
  Window states_window(const PassPlan& pass, int64_t width) const;

  Context& context_;
  const Plan& plan_;
  const RecurrentProblem& p_;
  const Chunk* chunk_ = nullptr;
  std::vector<Conversion> in_, out_;
  const int32_t *lengths_ = nullptr, *rows_ = nullptr;  // device memory
};

}  // namespace stm::cuda
