#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/arena.h"
#include "core/device.h"

namespace stm {

/// The commands of one recorded step, to be run again and again over the same storages. What only they use shares the
/// memory of one block.
///
///   JS thread:        append, seal, then refresh and replay, which queue
///   executor thread:  run_kept, run
class Program : public std::enable_shared_from_this<Program> {
 public:
  explicit Program(Device& device) : device_(device), backend_(device.backend), allocator_(device.allocator) {}
  ~Program();
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  Device& device() const { return device_; }
  void append(std::unique_ptr<Command> command) { commands_.push_back(std::move(command)); }
  const std::vector<std::unique_ptr<Command>>& commands() const { return commands_; }

  /// After the last append, when nothing but what is to outlive the step still refers to its storages.
  void seal();
  /// Queues the commands that are worth keeping and whose operands have changed since they last ran.
  void refresh();
  /// Queues the others, as one command. Raises the versions of what they write, as far as anybody can see it.
  void replay();
  /// Why the last replay ran its commands one by one on a device that could run them as a graph; empty if it did not,
  /// and while no graph has been tried. Any thread.
  std::string fallback() const;

 private:
  /// A command that runs only when what it reads has changed.
  struct Kept {
    std::unique_ptr<Command> command;
    std::vector<uint64_t> versions;  ///< of the operands, when it was queued; empty before
  };
  /// A storage that nothing but the commands refers to.
  struct Inner {
    Storage* storage;
    size_t first, last;
  };
  struct Written {
    std::shared_ptr<Storage> storage;
    const char* op;
  };
  class Uses;

  void set_apart_kept();
  void run_kept(Executor& executor, size_t index);
  void run_whole(Executor& executor);
  void run(Executor& executor);
  void place();
  void run_one_by_one(Executor& executor);
  bool may_capture();
  Status capture(Executor& executor, const char** at);
  void give_up_graph(const char* op, const Status& status, bool again);
  void fall_back(std::string reason);
  void fail(Executor& executor, const char* op, const Status& status, bool began);

  Device& device_;  ///< may end before the program
  Backend& backend_;
  const std::shared_ptr<Allocator> allocator_;  ///< keeps the backend
  std::vector<std::unique_ptr<Command>> commands_;
  std::vector<Kept> kept_;
  std::vector<Inner> inner_;
  std::vector<Storage*> made_, updated_,
      inputs_;                    ///< written afresh; changed in place; there before. Kept alive by the commands
  std::vector<Written> visible_;  ///< what is written and can be seen from outside
  size_t queued_bytes_ = 0;
  Allocator::Block* arena_ = nullptr;
  void* graph_ = nullptr;
  bool placed_ = false, ran_ = false;  ///< ran_: all commands, without a fault
  int failed_captures_ = 0;
  bool captures_ = true;  ///< false: the commands run one by one for good
  mutable std::mutex reason_mutex_;
  std::string reason_;  ///< of fallback()
};

}  // namespace stm
