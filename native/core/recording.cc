#include "core/recording.h"

#include <new>

#include "core/session.h"

namespace stm {
// The commands end on the executor, where a captured graph may be given back.
Recording::~Recording() {
  struct Release final : Command {
    explicit Release(std::shared_ptr<Program> program) : Command("compile", {}), program(std::move(program)) {}
    Status run(Backend&) override { return Status::ok(); }
    std::shared_ptr<Program> program;
  };
  if (!sealed_) return;
  try {
    Executor& executor = program_->device().executor;
    auto release = std::make_unique<Release>(program_);
    program_ = nullptr;
    executor.push(std::move(release));
  } catch (const std::bad_alloc&) {
    // Then they end here, or with the last replay that is queued.
  }
}

void Recording::append(Device& device, std::unique_ptr<Command> command) {
  if (!program_) program_ = std::make_shared<Program>(device);
  STM_CHECK(&program_->device() == &device, Kind::Recording, "compile",
            fmt::format("{} on {} in a step on {}", op_of(command->op), device.name, program_->device().name),
            "a step on one device", "move tensors before the step, and make those inside on the same device");
  program_->append(std::move(command));
}

void Recording::notice_gradient(const Tensor& leaf, bool overwritten) {
  const auto [place, is_new] = noticed_.try_emplace(leaf.operator->(), gradients_.size());
  if (!is_new) return;
  gradients_.push_back({leaf, leaf->grad, {}, {}, !overwritten});
  if (overwritten || !leaf->grad) return;
  LeafGradient& noticed = gradients_.back();
  noticed.entry = empty(leaf->grad.shape(), leaf->grad.dtype(), leaf->grad.device());
  leaf->grad = noticed.entry;
}

void Recording::notice_leaf(const Tensor& leaf) {
  auto& [noticed, wants] = leaves_[leaf.operator->()];
  if (!noticed.expired()) return;
  noticed = leaf.weak();
  wants = leaf->requires_grad;
}

const Tensor& Recording::random_base(Device& device) {
  if (!random_base_) random_base_ = empty({2 * static_cast<int64_t>(sizeof(uint64_t))}, DType::Bool, device);
  return random_base_;
}

void Recording::finish(const std::vector<Tensor>& results) {
  for (LeafGradient& gradient : gradients_) gradient.after = gradient.leaf->grad;
  abandon();
  moves_ = Session::current().moves;
  for (const Tensor& result : results) results_.push_back(detached(result));
  if (!program_) return;
  for (const auto& command : program_->commands()) {
    for (const Operand& operand : command->operands) {
      if (!operand.storage || operand.access == Access::Read) continue;
      for (size_t i = 0; i < arguments_.size(); ++i)
        STM_CHECK(operand.storage != arguments_[i]->storage, Kind::InPlace, "compile",
                  fmt::format("{} in place on the argument {}", op_of(command->op), arguments_[i]),
                  "a step that leaves its arguments as they are",
                  "clone() it first, or let the step find the tensor outside of its arguments");
    }
  }
}

void Recording::abandon() {
  for (const LeafGradient& gradient : gradients_) gradient.leaf->grad = gradient.before;
  for (LeafGradient& gradient : gradients_) gradient.before = Tensor();
  derived_.clear();
}

bool Recording::fits() {
  if (moves_ != Session::current().moves) return false;
  for (auto leaf = leaves_.begin(); leaf != leaves_.end();) {
    const auto& [noticed, wants] = leaf->second;
    const std::shared_ptr<TensorState> state = noticed.lock();
    if (state && state->requires_grad != wants) return false;
    leaf = state ? std::next(leaf) : leaves_.erase(leaf);
  }
  for (const LeafGradient& gradient : gradients_)
    if (gradient.read && static_cast<bool>(gradient.leaf->grad) != static_cast<bool>(gradient.entry)) return false;
  return true;
}

Program* Recording::program() {
  if (program_ && !sealed_) {
    program_->seal();
    sealed_ = true;
  }
  return program_.get();
}

Tensor& gradient_of(const Tensor& leaf) {
  if (Recording* recording = Session::current().recording()) recording->notice_gradient(leaf, false);
  return leaf->grad;
}

void set_gradient(const Tensor& leaf, Tensor gradient) {
  if (Recording* recording = Session::current().recording()) recording->notice_gradient(leaf, true);
  leaf->grad = std::move(gradient);
}

void refuse_while_recording(const char* call, const char* fix) {
  STM_CHECK(!Session::current().recording(), Kind::Recording, "compile",
            fmt::format("{} while the step is being recorded", call),
            "a step whose work can be repeated without JavaScript", fix);
}

}  // namespace stm
