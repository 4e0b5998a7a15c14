#include "core/program.h"

#include <algorithm>
#include <new>
#include <unordered_map>
#include <utility>

#include "core/call_site.h"

namespace stm {
namespace {

/// Captures of one program that may fail. Another thread spoils one now and then, which cannot be told from one that
/// will never succeed: a library whose call it has spoiled has words of its own for that.
constexpr int kMostCaptures = 3;

/// Whether none is poisoned.
bool sound(const std::vector<Storage*>& storages) {
  return std::none_of(storages.begin(), storages.end(),
                      [](const Storage* storage) { return storage->fault() != nullptr; });
}

}  // namespace

/// What the commands do with each storage.
class Program::Uses {
 public:
  struct Use {
    Access first_access = Access::Read;
    size_t first = 0, last = 0;
    long operands = 0;
    size_t writers = 0;
    const char* last_writer = nullptr;
    std::shared_ptr<Storage> storage;
  };

  explicit Uses(const std::vector<std::unique_ptr<Command>>& commands) {
    for (size_t i = 0; i < commands.size(); ++i)
      for (const Operand& operand : commands[i]->operands)
        if (operand.storage) note(operand, i, commands[i]->op);
  }
  const Use& of(const Operand& operand) const { return uses_[places_.at(operand.storage.get())]; }
  const std::vector<Use>& all() const { return uses_; }

 private:
  void note(const Operand& operand, size_t at, const char* op) {
    const auto [place, is_new] = places_.try_emplace(operand.storage.get(), uses_.size());
    if (is_new) {
      uses_.emplace_back();
      uses_.back().first_access = operand.access;
      uses_.back().first = at;
      uses_.back().storage = operand.storage;
    }
    Use& use = uses_[place->second];
    use.last = at;
    ++use.operands;
    if (operand.access == Access::Read) return;
    ++use.writers;
    use.last_writer = op;
  }
  std::unordered_map<const Storage*, size_t> places_;
  std::vector<Use> uses_;
};

Program::~Program() {
  if (graph_) backend_.release_graph(graph_);
  if (arena_) allocator_->give_back(arena_);
}

void Program::seal() {
  set_apart_kept();
  const Uses uses(commands_);
  for (const Uses::Use& use : uses.all()) {
    // What a command writes first was made for it; the rest was there before.
    const bool made = use.first_access == Access::Write;
    const bool inner = made && use.storage.use_count() == use.operands + 1;  // `uses` refers to it too
    if (inner) inner_.push_back({use.storage.get(), use.first, use.last});
    if (!made) inputs_.push_back(use.storage.get());
    if (use.writers == 0) continue;
    (made ? made_ : updated_).push_back(use.storage.get());
    if (!inner) visible_.push_back({use.storage, use.last_writer});
  }
  for (const auto& command : commands_) queued_bytes_ += command->queued_bytes;
}

void Program::set_apart_kept() {
  const Uses uses(commands_);
  const auto constant = [&uses](const Operand& operand) {
    if (!operand.storage) return true;
    const Uses::Use& use = uses.of(operand);
    return operand.access == Access::Read ? use.writers == 0 : operand.access == Access::Write && use.writers == 1;
  };
  std::vector<std::unique_ptr<Command>> rest;
  for (auto& command : commands_) {
    const bool keep =
        command->worth_keeping() && std::all_of(command->operands.begin(), command->operands.end(), constant);
    if (keep) kept_.push_back({std::move(command), {}});
    else rest.push_back(std::move(command));
  }
  commands_ = std::move(rest);
}

void Program::refresh() {
  struct Refresh final : Command {
    Refresh(std::shared_ptr<Program> program, size_t index)
        : Command(program->kept_[index].command->op, {}, program->kept_[index].command->queued_bytes),
          program(std::move(program)),
          index(index) {}
    Status run(Backend&) override {
      program->run_kept(program->device_.executor, index);
      return Status::ok();
    }
    std::shared_ptr<Program> program;
    size_t index;
  };
  for (size_t i = 0; i < kept_.size(); ++i) {
    Kept& kept = kept_[i];
    std::vector<uint64_t> versions{0};  // never empty once it has run
    bool failed = false;
    for (const Operand& operand : kept.command->operands) {
      if (!operand.storage) continue;
      if (operand.access == Access::Read) versions.push_back(operand.storage->version());
      else failed = failed || operand.storage->failed();
    }
    if (!failed && versions == kept.versions) continue;
    kept.versions = std::move(versions);
    device_.executor.push(std::make_unique<Refresh>(shared_from_this(), i));
  }
}

void Program::replay() {
  struct Replay final : Command {
    explicit Replay(std::shared_ptr<Program> program)
        : Command("compile", {}, program->queued_bytes_), program(std::move(program)) {}
    Status run(Backend&) override {
      program->run_whole(program->device_.executor);
      return Status::ok();
    }
    std::shared_ptr<Program> program;
  };
  for (const Written& written : visible_) written.storage->changed_by(written.op);
  device_.executor.push(std::make_unique<Replay>(shared_from_this()));
}

void Program::run_kept(Executor& executor, size_t index) {
  Command& command = *kept_[index].command;
  for (const Operand& operand : command.operands)
    if (operand.storage && operand.access == Access::Write) operand.storage->heal();
  executor.execute(command);
}

/// What the step writes must not be taken for its results if the host runs out of memory on the way.
void Program::run_whole(Executor& executor) try { run(executor); } catch (const std::bad_alloc&) {
  fail(executor, "compile", Status::without_memory(), true);
}

void Program::run(Executor& executor) {
  for (Storage* storage : made_) storage->heal();
  if (!placed_ && !graph_) place();  // a graph holds addresses
  // One by one where a poisoned operand has to stop some of them, and until all have run once: the device's libraries
  // may need memory for that.
  if (!ran_ || !may_capture() || !sound(inputs_)) return run_one_by_one(executor);
  if (!graph_) {
    const char* at = "compile";
    const Status status = capture(executor, &at);
    if (status.kind == StatusKind::DeviceLost) return fail(executor, at, status, false);
    if (!status.is_ok()) {  // nothing has run yet; what is wrong with a command itself shows again, where it is told
      give_up_graph(at, status, ++failed_captures_ < kMostCaptures);
      return run_one_by_one(executor);
    }
  }
  Status status = backend_.entering("compile");
  if (status.is_ok()) status = backend_.launch(graph_);
  if (status.is_ok()) return;
  // How far it came nobody knows, so the commands must not run on top of it; they will in the next replay.
  if (status.kind != StatusKind::DeviceLost) give_up_graph("compile", status, false);
  fail(executor, "compile", status, true);
}

void Program::run_one_by_one(Executor& executor) {
  for (const auto& command : commands_) executor.execute(*command);
  ran_ = ran_ || (sound(inputs_) && sound(made_));
}

bool Program::may_capture() {
  if (captures_ && !backend_.captures()) {
    captures_ = false;
    if (const char* why = backend_.why_no_graphs()) fall_back(why);
  }
  return captures_;
}

/// For good, unless it is to be tried `again`, or memory was short: there may be more the next time.
void Program::give_up_graph(const char* op, const Status& status, bool again) {
  if (graph_) backend_.release_graph(std::exchange(graph_, nullptr));
  captures_ = again || status.kind == StatusKind::OutOfMemory;
  fall_back(std::string(op_of(op)) + ": " + status.message().sentence());
}

void Program::fall_back(std::string reason) {
  const std::lock_guard lock(reason_mutex_);
  reason_ = std::move(reason);
}

std::string Program::fallback() const {
  const std::lock_guard lock(reason_mutex_);
  return reason_;
}

/// Gives what only the commands use its place in the arena. Without one, as where memory is short, each storage takes a
/// block of its own.
void Program::place() {
  for (const auto& command : commands_)
    if (!backend_.entering(command->op).is_ok() || !command->prepare(backend_).is_ok())
      return;  // it will fail again, and say so, when it is run
  std::vector<Lifetime> lifetimes;
  for (const Inner& inner : inner_) lifetimes.push_back({inner.storage->bytes(), inner.first, inner.last});
  const ArenaPlan plan = plan_arena(lifetimes);
  if (!inner_.empty() && !allocator_->take(plan.bytes, &arena_).is_ok()) return;
  for (size_t i = 0; i < inner_.size(); ++i)
    inner_[i].storage->lend(static_cast<char*>(arena_->data) + plan.offsets[i]);
  placed_ = true;
}

Status Program::capture(Executor& executor, const char** at) {
  for (const auto& command : commands_) {
    *at = command->op;
    for (const Operand& operand : command->operands) {
      if (!operand.storage || operand.access != Access::Write) continue;
      const Status status = operand.storage->materialize();
      if (!status.is_ok()) return status;
    }
  }
  *at = "compile";
  Status status = backend_.begin_capture();
  if (!status.is_ok()) return status;
  for (const auto& command : commands_) {
    status = executor.attempt(*command, nullptr);
    if (status.is_ok()) continue;
    *at = command->op;
    break;
  }
  void* graph = nullptr;
  const Status ended = backend_.end_capture(&graph);
  if (status.is_ok() && ended.is_ok()) {
    graph_ = graph;
    fall_back("");
    return status;
  }
  if (graph) backend_.release_graph(graph);
  return status.is_ok() || ended.kind == StatusKind::DeviceLost ? ended : status;
}

/// As a command that fails: its results are poisoned and, once it has begun, what it changes in place.
void Program::fail(Executor& executor, const char* op, const Status& status, bool began) {
  const FaultPtr fault = executor.raise(op, status);
  for (Storage* storage : made_) storage->poison(fault);
  if (!began) return;
  for (Storage* storage : updated_) storage->poison(fault);
}

}  // namespace stm
