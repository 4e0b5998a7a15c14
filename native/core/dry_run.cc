#include "core/dry_run.h"

#include <map>

#include "core/session.h"

namespace stm {
namespace {

/// Poisons what has no bytes yet, once all commands of before have run: nothing will ever fill it.
struct Uncomputed final : Command {
  Uncomputed(std::vector<std::shared_ptr<Storage>> storages, FaultPtr fault)
      : Command("dryRun", {}), storages(std::move(storages)), fault(std::move(fault)) {}
  Status run(Backend&) override {
    for (const auto& storage : storages)
      if (storage->bytes() > 0 && !storage->data() && !storage->fault()) storage->poison(fault);
    return Status::ok();
  }
  std::vector<std::shared_ptr<Storage>> storages;
  FaultPtr fault;
};

}  // namespace

void DryRun::compute() {
  for (Held& held : held_) held.device->executor.push(std::move(held.command), Session::current().still_wanted);
  held_.clear();
}

void DryRun::discard() {
  std::map<Device*, std::vector<std::shared_ptr<Storage>>> outputs;
  for (const Held& held : held_)
    for (const Operand& operand : held.command->operands)
      if (operand.storage && operand.access != Access::Read) outputs[held.device].push_back(operand.storage);
  held_.clear();
  for (auto& [device, storages] : outputs)
    device->executor.push(std::make_unique<Uncomputed>(std::move(storages), fault_), Session::current().still_wanted);
}

}  // namespace stm
