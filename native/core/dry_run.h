#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "core/device.h"

namespace stm {

/// The commands of ops that nobody wants computed, unless values are read: ops check, and give tensors of the right
/// shape and dtype, but no memory is taken. JS thread.
class DryRun {
 public:
  /// @param op, message  of the fault of whoever reads, later, what was not computed
  DryRun(std::string op, Message message)
      : fault_(std::make_shared<const Fault>(Fault{std::move(op), StatusKind::Unsupported, std::move(message)})) {}

  void hold(Device& device, std::unique_ptr<Command> command) { held_.push_back({&device, std::move(command)}); }
  /// Queues what is held, in its order.
  void compute();
  /// Drops what is held. What was there before keeps its values; what it would have made is poisoned.
  void discard();

 private:
  struct Held {
    Device* device;
    std::unique_ptr<Command> command;
  };
  std::vector<Held> held_;
  FaultPtr fault_;
};

}  // namespace stm
