#pragma once
#include <memory>
#include <string>
#include <utility>

#include "core/allocator.h"
#include "core/executor.h"

namespace stm {

/// One device of one environment: its backend, its memory and its queue.
class Device {
 public:
  Device(std::string name, std::shared_ptr<Backend> shared)
      : name(std::move(name)),
        backend(*shared),
        allocator(std::make_shared<Allocator>(std::move(shared))),
        executor(backend) {}
  ~Device() { stop(); }
  /// Ends the running command, drops the queued ones; nothing is reported afterwards.
  void stop() {
    executor.stop();
    backend.stop();
  }
  /// Queues a command, or adds it to the step that is being recorded, or to a dry run. JS thread.
  void push(std::unique_ptr<Command> command);

  const std::string name;  ///< "cpu", "cuda:0"
  Backend& backend;
  const std::shared_ptr<Allocator> allocator;
  Executor executor;
};

}  // namespace stm
