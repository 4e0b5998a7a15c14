// From the memory of one device to that of another, through the host.
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>

#include "backend/large_pages.h"
#include "ops/ops.h"

namespace stm {
namespace {

/// Bytes on their way: filled by one executor, awaited by another. An executor waits only for a command that was queued
/// before its own, so none waits for ever.
class Transfer {
 public:
  std::unique_ptr<char[]> bytes;

  void finish(FaultPtr fault) {
    {
      const std::lock_guard lock(mutex_);
      if (finished_) return;
      finished_ = true;
      fault_ = std::move(fault);
    }
    changed_.notify_all();
  }
  const FaultPtr& wait() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return finished_; });
    return fault_;
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool finished_ = false;
  FaultPtr fault_;
};

struct SendCommand final : Command {
  SendCommand(std::shared_ptr<Transfer> transfer, size_t bytes, std::vector<Operand> operands)
      : Command("to", std::move(operands)), transfer(std::move(transfer)), bytes(bytes) {}
  ~SendCommand() override {
    if (!sent)
      transfer->finish(
          fault_of(op, Status::fail(StatusKind::Internal, "the device was closed before its tensor could be copied")));
  }
  Status run(Backend& backend) override {
    std::unique_ptr<std::shared_ptr<Transfer>> held;
    const Status status = download(backend, &held);
    if (!status.is_ok()) {
      transfer->finish(fault_of(op, status));
      return status;
    }
    sent = true;
    backend.notify(
        [](void* context, const Status& status, const char* at) {
          const std::unique_ptr<std::shared_ptr<Transfer>> held(static_cast<std::shared_ptr<Transfer>*>(context));
          (*held)->finish(status.is_ok() ? nullptr : fault_of(*at ? at : "to", status));
        },
        held.release());
    return status;
  }
  /// The receiver must hear of it if there is no memory for the copy.
  Status download(Backend& backend, std::unique_ptr<std::shared_ptr<Transfer>>* held) try {
    *held = std::make_unique<std::shared_ptr<Transfer>>(transfer);
    transfer->bytes.reset(new char[bytes]);
    prefer_large_pages(transfer->bytes.get(), bytes);
    return bytes ? backend.download(transfer->bytes.get(), operands[0].view.data, bytes) : Status::ok();
  } catch (const std::bad_alloc&) {
    return Status::fail(StatusKind::OutOfMemory, {"the host has no %zu bytes for the copy", bytes},
                        "move smaller parts");
  }
  void skip(const FaultPtr& fault) override { transfer->finish(fault); }
  std::shared_ptr<Transfer> transfer;
  size_t bytes;
  bool sent = false;
};

/// As the receiver reports what failed on the sender's device.
Status failed_there(const Fault& fault) {
  const Message& said = fault.message;
  const std::string op(op_of(fault.op));
  if (op == "to")
    return Status::refuse(fault.kind, {"%s", said.given.c_str()}, {"%s", said.expected.c_str()},
                          {"%s", said.fix.c_str()});
  return Status::fail(fault.kind, {"%s: %s", op.c_str(), said.sentence().c_str()});
}

struct ReceiveCommand final : Command {
  ReceiveCommand(std::shared_ptr<Transfer> transfer, size_t bytes, std::vector<Operand> operands)
      : Command("to", std::move(operands), bytes), transfer(std::move(transfer)), bytes(bytes) {}
  Status run(Backend& backend) override {
    if (const FaultPtr& fault = transfer->wait()) return failed_there(*fault);
    return bytes ? backend.upload(operands[0].view.data, transfer->bytes.get(), bytes) : Status::ok();
  }
  std::shared_ptr<Transfer> transfer;
  size_t bytes;
};

/// A dense tensor on another device, without history.
Tensor copied(const Tensor& x, Device& device) {
  const Tensor y = empty(x.shape(), x.dtype(), device);
  const size_t bytes = static_cast<size_t>(x.size()) * size_of(x.dtype());
  const auto transfer = std::make_shared<Transfer>();
  Device *from = nullptr, *to = nullptr;
  std::vector<Operand> source = operands_of("to", {as_bytes(x)}, {}, Access::Read, &from),
                       target = operands_of("to", {}, {as_bytes(y)}, Access::Write, &to);
  Session::current().compute_dry_run();
  from->executor.push(std::make_unique<SendCommand>(transfer, bytes, std::move(source)));
  to->executor.push(std::make_unique<ReceiveCommand>(transfer, bytes, std::move(target)));
  if (const auto& range = x->storage->host_range()) y->storage->set_host_range(*range);
  return y;
}

}  // namespace

namespace ops {

Tensor to_device(const Tensor& x, Device& device) {
  if (&x.device() == &device) return x;
  refuse_while_recording("to() another device", "move the tensor before the step");
  Device& home = x.device();
  const Tensor y = copied(contiguous(detached(x)), device);
  on_backward("to", y, {x}, {},
              [&home](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> { return {to_device(dy, home)}; });
  return y;
}

void move(const std::vector<Tensor>& tensors, Device& device) {
  std::map<Storage*, std::shared_ptr<Storage>> moved;
  for (const Tensor& x : tensors) {
    STM_CHECK(!x->node, Kind::NoGraph, "to", fmt::format("{}, the result of {}", x, x->node->op),
              "parameters and buffers", "use to() of the tensor, which gives a copy");
  }
  refuse_while_recording("to() another device", "move the model before the step");
  const Session::NoGrad no_grad;
  for (const Tensor& x : tensors) {
    if (x->grad) x->grad = to_device(x->grad, device);
    if (&x.device() == &device) continue;
    std::shared_ptr<Storage>& storage = moved[x->storage.get()];
    if (!storage) {
      const auto elements = static_cast<int64_t>(x->storage->bytes() / size_of(x.dtype()));
      storage = copied(alias(x, {elements}, {1}, 0), device)->storage;
    }
    x->storage = storage;
    x->device = &device;
    ++Session::current().moves;
  }
}

}  // namespace ops
}  // namespace stm
