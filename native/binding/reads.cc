#include "binding/reads.h"

#include <utility>

#include "binding/errors.h"
#include "ops/ops.h"

namespace stm::binding {
namespace {
constexpr size_t kMaxReadBytes = (size_t{1} << 32) - 64;
}

struct Reads::ReadCommand final : Command {
  ReadCommand(Pending& pending, std::vector<Operand> operands) : Command("data", std::move(operands)), pending(pending) {}
  Status run(Backend& backend) override {
    const Status status = pending.bytes ? backend.download(pending.destination, operands[0].view.data, pending.bytes) : Status::ok();
    pending.fault = status.is_ok() ? pending.executor->take_unreported_fault() : std::make_shared<const Fault>(Fault{op, status.kind, status.message});
    backend.notify(finish, &pending);
    return Status::ok();
  }
  void skip(const FaultPtr& fault) override {
    pending.executor->mark_reported(fault);
    pending.fault = fault;
    finish(&pending, Status::ok(), op);
  }
  /// Any thread, once everything before has completed.
  static void finish(void* context, const Status& status, const char* at) {
    Pending& pending = *static_cast<Pending*>(context);
    if (!pending.fault && !status.is_ok()) pending.fault = std::make_shared<const Fault>(Fault{*at ? at : "data", status.kind, status.message});
    napi_call_threadsafe_function(pending.owner->notify_, &pending, napi_tsfn_nonblocking);
  }
  Pending& pending;
};

Reads::Reads(napi_env env) : env_(env) {
  ok(napi_create_threadsafe_function(env, nullptr, nullptr, text(env, "stmnet reads"), 0, 1, nullptr, nullptr, this, settle, &notify_));
  ok(napi_unref_threadsafe_function(env, notify_));
}

Reads::~Reads() {
  for (const Pending& pending : pending_)
    if (pending.buffer) napi_delete_reference(env_, pending.buffer);
}

Reads::Pending& Reads::add_pending(Executor& executor, const ErrorClasses& errors, napi_value* promise) {
  Pending& pending = pending_.emplace_front();
  pending.owner = this;
  pending.executor = &executor;
  pending.errors = &errors;
  pending.self = pending_.begin();
  ok(napi_create_promise(env_, &pending.deferred, promise));
  if (pending_.size() == 1) ok(napi_ref_threadsafe_function(env_, notify_));
  return pending;
}

napi_value Reads::begin(const ReadBack& read, const ErrorClasses& errors) {
  refuse_while_recording("data()", "return the tensor and read it outside");
  // V8 ends the process when it cannot make an array, so one that it can never make is refused here.
  const size_t bytes = static_cast<size_t>(read.tensor.size()) * size_of(read.tensor.dtype());
  STM_CHECK(bytes <= kMaxReadBytes, Kind::Option, "data: got {}, expected at most {} bytes in one read.\n  Fix: read it in parts with slice().", read.tensor,
            kMaxReadBytes);
  const Tensor dense = read.tensor.contiguous() ? read.tensor : ops::clone(detached(read.tensor));
  napi_value promise, buffer;
  Pending& pending = add_pending(dense.device().executor, errors, &promise);
  pending.dtype = dense.dtype();
  pending.bytes = static_cast<size_t>(dense.size()) * size_of(dense.dtype());
  ok(napi_create_arraybuffer(env_, pending.bytes, &pending.destination, &buffer));
  ok(napi_create_reference(env_, buffer, 1, &pending.buffer));
  Device* device = nullptr;
  pending.executor->push(std::make_unique<ReadCommand>(pending, operands_of("data", {dense}, {}, Access::Read, &device)), Session::current().still_wanted);
  return promise;
}

napi_value Reads::begin(const Fence& fence, const ErrorClasses& errors) {
  refuse_while_recording("synchronize()", "wait outside the step");
  napi_value promise;
  Pending& pending = add_pending(fence.device->executor, errors, &promise);
  pending.executor->push(std::make_unique<ReadCommand>(pending, std::vector<Operand>{}), Session::current().still_wanted);
  return promise;
}

// Called by Node on the JS thread. `env` is null, or calls fail, while the environment is going away; nobody waits then.
void Reads::settle(napi_env env, napi_value, void* context, void* data) {
  if (!env) return;
  try {
    static_cast<Reads*>(context)->settle(*static_cast<Pending*>(data));
  } catch (const NapiFailure&) {
  }
}

void Reads::settle(Pending& pending) {
  constexpr napi_typedarray_type types[] = {napi_float32_array, napi_float64_array, napi_int32_array, napi_uint8_array};  // in the order of DType
  const napi_env env = env_;
  napi_value result;
  if (pending.buffer) {
    napi_value buffer;
    ok(napi_get_reference_value(env, pending.buffer, &buffer));
    ok(napi_create_typedarray(env, types[static_cast<size_t>(pending.dtype)], pending.bytes / size_of(pending.dtype), buffer, 0, &result));
    ok(napi_delete_reference(env, std::exchange(pending.buffer, nullptr)));
  } else {
    ok(napi_get_undefined(env, &result));
  }
  if (pending.fault) {
    ok(napi_reject_deferred(env, pending.deferred, pending.errors->make_fault(*pending.fault)));
  } else {
    ok(napi_resolve_deferred(env, pending.deferred, result));
  }
  pending_.erase(pending.self);
  if (pending_.empty()) ok(napi_unref_threadsafe_function(env, notify_));
}

void Reads::shut_down() { napi_release_threadsafe_function(notify_, napi_tsfn_abort); }

}  // namespace stm::binding
