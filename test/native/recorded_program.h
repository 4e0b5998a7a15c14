#pragma once
// A program of recorded commands on a device that counts, and what the tests put into it.
#include <functional>
#include <future>
#include <memory>
#include <utility>
#include <vector>

#include "core/program.h"
#include "counting_backend.h"

namespace stm::testing {

using Work = std::function<Status(const std::vector<Operand>&)>;
using StoragePtr = std::shared_ptr<Storage>;

class Task final : public Command {
 public:
  Task(const char* op, std::vector<Operand> operands, Work work, bool kept)
      : Command(op, std::move(operands)), work_(std::move(work)), kept_(kept) {}
  Status run(Backend&) override { return work_(operands); }
  bool worth_keeping() const override { return kept_; }

 private:
  Work work_;
  bool kept_;
};

inline Operand operand(const StoragePtr& storage, Access access) {
  Operand result;
  result.storage = storage;
  result.access = access;
  return result;
}

inline int& number(const Operand& operand) { return *static_cast<int*>(operand.view.data); }

/// A device and a program for it.
struct Rig {
  CountingBackend backend;
  std::unique_ptr<Device> device = std::make_unique<Device>("test", borrowed(backend));
  std::shared_ptr<Program> program = std::make_shared<Program>(*device);

  StoragePtr storage(size_t bytes = 1000) { return std::make_shared<Storage>(device->allocator, bytes); }

  /// out = in + by.
  void add(const StoragePtr& in, const StoragePtr& out, int by, bool kept = false) {
    append(
        "add", {operand(in, Access::Read), operand(out, Access::Write)},
        [by](const std::vector<Operand>& o) {
          number(o[1]) = number(o[0]) + by;
          return Status::ok();
        },
        kept);
  }
  void append(const char* op, std::vector<Operand> operands, Work work, bool kept = false) {
    program->append(std::make_unique<Task>(op, std::move(operands), std::move(work), kept));
  }

  /// A storage that holds `value`, made outside of the program.
  StoragePtr given(int value) {
    const StoragePtr made = storage();
    set(made, value);
    return made;
  }
  void set(const StoragePtr& target, int value) {
    target->changed_by("set");
    device->executor.push(std::make_unique<Task>(
        "set", std::vector<Operand>{operand(target, Access::Write)},
        [value](const std::vector<Operand>& o) {
          number(o[0]) = value;
          return Status::ok();
        },
        false));
  }

  void replay() {
    program->refresh();
    program->replay();
  }
  /// What a storage holds once everything has run; `fault` gets what poisons it.
  int value_of(const StoragePtr& storage, FaultPtr* fault = nullptr) {
    const auto value = std::make_shared<std::promise<int>>();
    device->executor.push(std::make_unique<Task>(
        "read", std::vector<Operand>{},
        [&, value](const std::vector<Operand>&) {
          if (fault) *fault = storage->fault();
          (void)device->executor.take_unreported_fault();
          value->set_value(storage->data() ? *static_cast<int*>(storage->data()) : -1);
          return Status::ok();
        },
        false));
    return value->get_future().get();
  }
};

}  // namespace stm::testing
