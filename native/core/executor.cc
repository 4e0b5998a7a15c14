#include "core/executor.h"

#include <algorithm>
#include <chrono>
#include <system_error>

#include "backend/guard.h"
#include "core/error.h"

namespace stm {

/// False if the wait was given up.
bool Executor::wait_for_room(std::unique_lock<std::mutex>& lock, const std::function<bool()>& still_wanted) {
  const auto start = std::chrono::steady_clock::now();
  bool wanted = true;
  producer_waits_ = true;
  while (wanted &&
         !drained_.wait_for(lock, std::chrono::milliseconds(50), [this] { return has_room() || stopping_; })) {
    if (!still_wanted) continue;
    lock.unlock();
    wanted = still_wanted();
    lock.lock();
  }
  producer_waits_ = false;
  ++stats_.stalls;
  stats_.stalled_ms += std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  return wanted;
}

void Executor::push(std::unique_ptr<Command> command, const std::function<bool()>& still_wanted) {
  std::unique_lock lock(mutex_);
  if (full() && !stopping_ && !wait_for_room(lock, still_wanted)) return;
  if (stopping_) return;
  const size_t bytes = command->queued_bytes;
  queue_.push_back(std::move(command));
  bytes_ += bytes;
  stats_.peak_commands = std::max<int64_t>(stats_.peak_commands, static_cast<int64_t>(queue_.size()));
  const bool was_idle = queue_.size() == 1;
  lock.unlock();
  if (was_idle) filled_.notify_one();
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
  for (;;) {
    std::unique_lock lock(mutex_);
    filled_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
    if (stopping_) return;
    std::unique_ptr<Command> command = std::move(queue_.front());
    queue_.pop_front();
    bytes_ -= command->queued_bytes;
    const bool wake_producer = producer_waits_ && has_room();
    lock.unlock();
    if (wake_producer) drained_.notify_one();
    execute(*command);
  }
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
  {
    std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  filled_.notify_one();
  drained_.notify_one();
  if (thread_.joinable()) thread_.join();
  queue_.clear();
}

void Executor::set_limits(QueueLimits limits) {
  std::lock_guard lock(mutex_);
  limits_ = limits;
}

QueueStats Executor::stats() const {
  std::lock_guard lock(mutex_);
  QueueStats stats = stats_;
  stats.commands = static_cast<int64_t>(queue_.size());
  stats.bytes = static_cast<int64_t>(bytes_);
  return stats;
}

}  // namespace stm
