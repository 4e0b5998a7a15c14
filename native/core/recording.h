#pragma once
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "core/program.h"
#include "core/tensor.h"

namespace stm {

/// A step between its first op and its replays, as the JS thread sees it. While it is recorded its ops add their
/// commands here, and none of them runs: so what an op finds on a leaf or beside a storage must be what the replays
/// will find. That is kept here too.
class Recording {
 public:
  /// The gradient of a leaf that the step reads or replaces.
  struct LeafGradient {
    Tensor leaf;
    Tensor before;  ///< when the recording began
    Tensor entry;   ///< stands for `before` in the step, if it reads that; filled before each replay
    Tensor after;   ///< what the step leaves on the leaf
    bool read;      ///< whether the step depends on there being one, or none
  };

  /// `arguments` stand for those of the step; each replay fills them.
  explicit Recording(std::vector<Tensor> arguments) : arguments_(std::move(arguments)) {}
  ~Recording();
  Recording(const Recording&) = delete;
  Recording& operator=(const Recording&) = delete;

  void append(Device& device, std::unique_ptr<Command> command);

  /// To be called before a leaf's gradient is looked at, or (`overwritten`) replaced without being looked at.
  void notice_gradient(const Tensor& leaf, bool overwritten);

  /// To be called where it matters whether a leaf wants a gradient.
  void notice_leaf(const Tensor& leaf);

  /// Of a storage, as Storage::derived; what was derived outside of the step is not among them.
  std::vector<Storage::Derived>& derived(const Storage& storage) { return derived_[&storage]; }

  /// Reserves random numbers: their place after the first of the step.
  uint64_t take_random(int64_t numbers) {
    const uint64_t place = random_blocks_;
    random_blocks_ += static_cast<uint64_t>(numbers + 3) / 4;
    return place;
  }
  /// Two u64 on the device: the seed, and the place in the stream of the step's first random number.
  const Tensor& random_base(Device& device);

  /// Ends the recording. `results` outlive each replay, until the next. Leaves have the gradients of before again.
  /// Throws if the step changes one of its arguments in place.
  void finish(const std::vector<Tensor>& results);
  /// The same where the step did not get to its end.
  void abandon();

  // Of a finished one.
  /// Whether leaves want gradients, have them, and lie as when the step was recorded.
  bool fits();
  /// Program::fallback; empty before the first replay.
  std::string fallback() const { return sealed_ ? program_->fallback() : std::string(); }
  /// Null if the step did nothing. Seals it at the first call: by then nobody holds what the step has let go.
  Program* program();
  const std::vector<Tensor>& arguments() const { return arguments_; }
  const std::vector<Tensor>& results() const { return results_; }
  const std::vector<LeafGradient>& gradients() const { return gradients_; }
  uint64_t random_blocks() const { return random_blocks_; }
  const Tensor& random_base() const { return random_base_; }

 private:
  std::shared_ptr<Program> program_;
  bool sealed_ = false;
  std::vector<Tensor> arguments_, results_;
  uint64_t moves_ = 0;  ///< Session::moves, when it was finished
  std::vector<LeafGradient> gradients_;
  std::unordered_map<const TensorState*, size_t> noticed_;  ///< places in gradients_
  std::unordered_map<const TensorState*, std::pair<std::weak_ptr<TensorState>, bool>>
      leaves_;  ///< and whether they want a gradient
  std::unordered_map<const Storage*, std::vector<Storage::Derived>> derived_;
  uint64_t random_blocks_ = 0;
  Tensor random_base_;
};

/// The gradient of a leaf, to be looked at or changed.
Tensor& gradient_of(const Tensor& leaf);
/// Replaces it.
void set_gradient(const Tensor& leaf, Tensor gradient);

/// Throws if a step is being recorded; `call` as in "item()", `fix` says what to do.
void refuse_while_recording(const char* call, const char* fix);

}  // namespace stm
