#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "backend/waiting.h"
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

 private:
  friend class Executor;
  Command* beside_ = nullptr;  ///< of a list in the queue: the next one
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
///
/// The thread takes all commands that wait at once, and stays awake for a while after the last one: a producer that
/// goes on pushing never wakes it, and neither takes a lock.
class Executor {
 public:
  /// @throws Error if the system gives no thread
  explicit Executor(Backend& backend) : backend_(backend), thread_(started()) {}
  ~Executor() { stop(); }

  /// Appends a command; one thread at a time. Returns at once while the queue is within its limits; otherwise waits
  /// until it is half empty, or `still_wanted`, which it asks now and then, says no: it drops the command then.
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

  // The thread that pushes.
  void set_limits(QueueLimits limits) {
    most_commands_.store(static_cast<int64_t>(limits.commands), std::memory_order_relaxed);
    most_bytes_.store(static_cast<int64_t>(limits.bytes), std::memory_order_relaxed);
  }
  QueueStats stats() const;

 private:
  /// How many commands came so far, and their bytes.
  struct Count {
    int64_t commands = 0, bytes = 0;
    Count operator-(const Count& other) const { return {commands - other.commands, bytes - other.bytes}; }
  };
  /// The same of one thread, for others to look at.
  class SharedCount {
   public:
    Count value() const { return {commands_.load(), bytes_.load()}; }
    void add(const Command& command) {
      bytes_.store(bytes_.load(std::memory_order_relaxed) + static_cast<int64_t>(command.queued_bytes),
                   std::memory_order_relaxed);
      commands_.store(commands_.load(std::memory_order_relaxed) + 1);
    }

   private:
    std::atomic<int64_t> commands_{0}, bytes_{0};
  };

  std::thread started();
  void work();
  std::unique_ptr<Command> next();
  Status make_ready(Command& command);
  bool fills(const Count& waiting) const;
  bool full();
  bool has_room() const;
  bool wait_for_room(const std::function<bool()>& still_wanted);
  void note_peak();

  Backend& backend_;
  std::atomic<bool> stopping_{false};
  // The producer's.
  alignas(64) std::atomic<Command*> last_{nullptr};  ///< pushed and not taken; each has the one before it beside it
  SharedCount pushed_;
  Count seen_;  ///< of those that have begun, when it last looked
  int64_t peak_commands_ = 0, stalls_ = 0;
  double stalled_ms_ = 0;
  // What is full: set by the producer, looked at by both.
  std::atomic<int64_t> most_commands_{static_cast<int64_t>(QueueLimits{}.commands)};
  std::atomic<int64_t> most_bytes_{static_cast<int64_t>(QueueLimits{}.bytes)};
  Sleepers producer_;
  // The executor's.
  alignas(64) SharedCount begun_;
  Command* batch_ = nullptr;  ///< taken and not begun, in order
  FaultPtr unreported_;
  Sleepers idle_;
  std::thread thread_;  // last: starts when everything above exists
};

}  // namespace stm
