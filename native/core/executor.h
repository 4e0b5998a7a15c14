#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "core/storage.h"

namespace stm {

enum class Access : uint8_t { Read, Write, Update };

/// One tensor as a command sees it. Holding the storage is what keeps it alive until the command has run. An absent
/// optional operand has none.
struct Operand {
  std::shared_ptr<Storage> storage;
  int64_t offset_bytes = 0;
  View view;
  Access access = Access::Read;
};

/// One unit of work. `run` happens on the executor after every earlier command; `skip` instead, if an operand is
/// poisoned or the device is not ready for it.
class Command {
 public:
  Command(const char* op, std::vector<Operand> operands, size_t host_bytes = 0)
      : op(with_call_site(op)),
        operands(std::move(operands)),
        queued_bytes(host_bytes + sizeof(Command) + this->operands.size() * sizeof(Operand)) {}
  virtual ~Command() = default;
  /// Before the outputs are allocated: a command whose outputs have sizes that only the device knows gives them here.
  virtual Status prepare(Backend&) { return Status::ok(); }
  virtual Status run(Backend& backend) = 0;
  virtual void skip(const FaultPtr&) {}
  /// Whether what it changes in place is of no use when it is skipped.
  virtual bool spoils_if_skipped() const { return false; }
  /// Writes the same again for as long as what it reads stays the same, and is not quick to do: a recording runs it
  /// only when that has changed.
  virtual bool worth_keeping() const { return false; }

  const char* const op;  ///< with its call site, where that is known
  std::vector<Operand> operands;
  const size_t queued_bytes;
};

/// What the queue may hold before `push` makes the JS thread wait.
struct QueueLimits {
  size_t commands = 65'536;
  size_t bytes = size_t{256} << 20;
};

struct QueueStats {
  int64_t commands, bytes, peak_commands, stalls;
  double stalled_ms;
};

/// One thread and one first-in-first-out queue for one device. Knows nothing about tensors, graphs or JavaScript.
class Executor {
 public:
  /// @throws Error if the system gives no thread
  explicit Executor(Backend& backend) : backend_(backend), thread_(started()) {}
  ~Executor() { stop(); }

  /// Appends a command. Returns at once while the queue is within its limits; otherwise waits until it is half empty,
  /// or `still_wanted`, which it asks now and then, says no: it drops the command then.
  void push(std::unique_ptr<Command> command, const std::function<bool()>& still_wanted = {});

  /// Ends the running command as soon as its device can, drops the queued ones, joins. Idempotent. Afterwards `push`
  /// drops what it is given.
  void stop();

  /// Executor thread only, from a read or fence: the first fault that no read or fence has reported yet, once.
  FaultPtr take_unreported_fault() { return std::exchange(unreported_, nullptr); }
  void mark_reported(const FaultPtr& fault) {
    if (unreported_ == fault) unreported_ = nullptr;
  }

  // Executor thread only: for commands that are made of others.
  /// Runs a command, or skips it; poisons what it writes if need be. Does nothing once the executor is told to stop.
  void execute(Command& command);
  /// Runs a command, whatever its operands hold. Sets `ran`, which may be null, once the device was ready for it.
  Status attempt(Command& command, bool* ran);
  /// A new fault, for the next read or fence to report.
  FaultPtr raise(const char* op, const Status& status);

  void set_limits(QueueLimits limits);
  QueueStats stats() const;

 private:
  std::thread started();
  bool wait_for_room(std::unique_lock<std::mutex>& lock, const std::function<bool()>& still_wanted);
  void work();
  Status make_ready(Command& command);
  bool full() const { return queue_.size() >= limits_.commands || bytes_ >= limits_.bytes; }
  bool has_room() const { return queue_.size() <= limits_.commands / 2 && bytes_ <= limits_.bytes / 2; }

  Backend& backend_;
  mutable std::mutex mutex_;
  std::condition_variable filled_, drained_;
  std::deque<std::unique_ptr<Command>> queue_;
  size_t bytes_ = 0;
  QueueLimits limits_;
  QueueStats stats_{};
  bool producer_waits_ = false;
  std::atomic<bool> stopping_{false};  // set under the mutex; the running command looks at it without
  FaultPtr unreported_;
  std::thread thread_;  // last: starts when everything above exists
};

}  // namespace stm
