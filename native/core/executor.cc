#include "core/executor.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "backend/guard.h"
#include "core/error.h"

namespace stm {
bool Executor::fills(const Count& waiting) const {
  return waiting.commands >= most_commands_.load(std::memory_order_relaxed) ||
         waiting.bytes >= most_bytes_.load(std::memory_order_relaxed);
}

/// Looks at what the executor has begun only if it may matter: that takes the number out of the other core's cache.
bool Executor::full() {
  if (!fills(pushed_.value() - seen_)) return false;
  seen_ = begun_.value();
  return fills(pushed_.value() - seen_);
}

bool Executor::has_room() const {
  const Count waiting = pushed_.value() - begun_.value();
  return waiting.commands <= most_commands_.load(std::memory_order_relaxed) / 2 &&
         waiting.bytes <= most_bytes_.load(std::memory_order_relaxed) / 2;
}

void Executor::note_peak() {
  const int64_t pushed = pushed_.value().commands;
  if (pushed - seen_.commands <= peak_commands_) return;
  seen_ = begun_.value();
  peak_commands_ = std::max(peak_commands_, pushed - seen_.commands);
}

/// False if the wait was given up.
bool Executor::wait_for_room(const std::function<bool()>& still_wanted) {
  const auto start = std::chrono::steady_clock::now();
  bool wanted = true;
  while (wanted && !producer_.sleep_for(std::chrono::milliseconds(50), [this] { return has_room() || stopping_; }))
    wanted = !still_wanted || still_wanted();
  ++stalls_;
  stalled_ms_ += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return wanted;
}

void Executor::push(std::unique_ptr<Command> command, const std::function<bool()>& still_wanted) {
  if (!stopping_ && full() && !wait_for_room(still_wanted)) return;
  if (stopping_) return;
  pushed_.add(*command);
  note_peak();
  Command* const added = command.release();
  added->beside_ = last_.load(std::memory_order_relaxed);
  while (!last_.compare_exchange_weak(added->beside_, added)) {
  }
  idle_.wake();
}

std::thread Executor::started() try {
  return std::thread([this] { work(); });
} catch (const std::system_error& error) {
  refuse(Kind::Device, "", fmt::format("no thread for a queue of commands from the system ({})", error.what()), "one",
         "raise the limit of threads (ulimit -u, or the container's limit of pids) or of memory (ulimit -v), or start "
         "fewer workers");
}

void Executor::work() {
  backend_.starting(stopping_);
  while (!stopping_) {
    const std::unique_ptr<Command> command = next();
    if (command) execute(*command);
    else idle_.wait_until([this] { return last_.load() || stopping_; });
  }
}

/// Null if none waits.
std::unique_ptr<Command> Executor::next() {
  if (!batch_) {
    Command* newest = last_.exchange(nullptr);
    while (newest) {
      Command* const older = std::exchange(newest->beside_, batch_);
      batch_ = std::exchange(newest, older);
    }
    if (!batch_) return nullptr;
  }
  std::unique_ptr<Command> command(std::exchange(batch_, batch_->beside_));
  begun_.add(*command);
  if (producer_.any() && has_room()) producer_.wake();
  return command;
}

Status Executor::make_ready(Command& command) {
  Status status = backend_.entering(command.op);
  if (status.is_ok()) status = command.prepare(backend_);
  if (!status.is_ok()) return status;
  for (Operand& operand : command.operands) {
    if (!operand.storage) continue;
    if (operand.access == Access::Write) {
      status = operand.storage->materialize();
      if (!status.is_ok()) return status;
    }
    operand.view.data = static_cast<char*>(operand.storage->data()) + operand.offset_bytes;
  }
  return status;
}

Status Executor::attempt(Command& command, bool* ran) {
  const Status status = guarded([&] { return make_ready(command); });
  if (!status.is_ok()) return status;
  if (ran) *ran = true;
  return guarded([&] { return command.run(backend_); });
}

// A command that is skipped, or fails before it runs, leaves its in-place targets as they were; one that fails while
// running has spoiled them too.
void Executor::execute(Command& command) {
  if (stopping_) return;
  FaultPtr fault;
  for (const Operand& operand : command.operands)
    if (operand.storage && operand.access != Access::Write && operand.storage->fault())
      fault = operand.storage->fault();
  bool ran = false;
  if (!fault) {
    const Status status = attempt(command, &ran);
    if (status.is_ok()) return;
    fault = raise(command.op, status);
  }
  if (!ran) command.skip(fault);
  const bool spoilt = ran || command.spoils_if_skipped();
  for (const Operand& operand : command.operands)
    if (operand.storage && (operand.access == Access::Write || (operand.access == Access::Update && spoilt)))
      operand.storage->poison(fault);
}

FaultPtr Executor::raise(const char* op, const Status& status) {
  FaultPtr fault = fault_of(op, status);
  if (!unreported_) unreported_ = fault;
  return fault;
}

void Executor::stop() {
  stopping_ = true;
  idle_.wake();
  producer_.wake();
  if (thread_.joinable()) thread_.join();
  for (Command* list : {std::exchange(batch_, nullptr), last_.exchange(nullptr)})
    while (list) delete std::exchange(list, list->beside_);
}

QueueStats Executor::stats() const {
  const Count waiting = stopping_ ? Count() : pushed_.value() - begun_.value();
  return {waiting.commands, waiting.bytes, peak_commands_, stalls_, stalled_ms_};
}

}  // namespace stm
