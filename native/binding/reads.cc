#include "binding/reads.h"

#include <fmt/format.h>

#include <new>
#include <utility>

#include "backend/large_pages.h"
#include "binding/errors.h"
#include "core/allocation_faults.h"
#include "ops/ops.h"

namespace stm::binding {
namespace {
constexpr size_t kMaxReadBytes = (size_t{1} << 32) - 64;
constexpr size_t kLarge = size_t{64} << 10;  ///< bytes from which clearing an array costs more than another call

napi_value property(napi_env env, napi_value object, const char* name) {
  napi_value found;
  ok(napi_get_named_property(env, object, name, &found));
  return found;
}
}  // namespace

struct Reads::ReadCommand final : Command {
  ReadCommand(Pending& pending, std::vector<Operand> operands)
      : Command("data", std::move(operands)), pending(pending) {}
  Status run(Backend& backend) override {
    const Status status =
        pending.bytes ? backend.download(pending.destination, operands[0].view.data, pending.bytes) : Status::ok();
    if (!status.is_ok()) pending.fault = fault_of(op, status);
    else if (pending.reports) pending.fault = pending.executor->take_unreported_fault();
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
    if (!pending.fault && !status.is_ok()) pending.fault = fault_of(*at ? at : "data", status);
    napi_call_threadsafe_function(pending.owner->notify_, &pending, napi_tsfn_nonblocking);
  }
  Pending& pending;
};

Reads::Reads(napi_env env) : env_(env) {
  napi_value global;
  ok(napi_get_global(env, &global));
  ok(napi_create_reference(env, property(env, global, "ArrayBuffer"), 1, &array_buffer_));
  ok(napi_create_reference(env, property(env, global, "Buffer"), 1, &buffer_class_));
  ok(napi_create_threadsafe_function(env, nullptr, nullptr, text(env, "stmnet reads"), 0, 1, nullptr, nullptr, this,
                                     settle, &notify_));
  ok(napi_unref_threadsafe_function(env, notify_));
}

Reads::~Reads() {
  for (const Pending& pending : pending_)
    if (pending.buffer) napi_delete_reference(env_, pending.buffer);
  napi_delete_reference(env_, array_buffer_);
  napi_delete_reference(env_, buffer_class_);
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

/// Of a promise that nobody will settle, because its command could not be queued.
void Reads::drop(Pending& pending) {
  if (pending.buffer) napi_delete_reference(env_, pending.buffer);
  napi_value nothing;
  if (napi_get_undefined(env_, &nothing) == napi_ok) napi_resolve_deferred(env_, pending.deferred, nothing);
  pending_.erase(pending.self);
  if (pending_.empty()) napi_unref_threadsafe_function(env_, notify_);
}

void Reads::enqueue(Pending& pending, std::vector<Operand> operands) try {
  Session::current().compute_dry_run();
  pending.executor->push(std::make_unique<ReadCommand>(pending, std::move(operands)), Session::current().still_wanted);
} catch (const std::exception&) {
  drop(pending);
  throw;
}

/// An array of that many bytes, made by functions of JavaScript, which throw where there is no memory; Node-API's would
/// end the process, and an array over memory of our own cannot be handed to another thread. A large one is not cleared,
/// as all of it is written before anybody sees it. Null, with an exception pending, if there is no memory.
napi_value Reads::made_buffer(size_t bytes) {
  napi_value maker, length, made;
  ok(napi_create_double(env_, static_cast<double>(bytes), &length));
  if (bytes < kLarge) {
    ok(napi_get_reference_value(env_, array_buffer_, &maker));
    return napi_new_instance(env_, maker, 1, &length, &made) == napi_ok ? made : nullptr;
  }
  ok(napi_get_reference_value(env_, buffer_class_, &maker));
  const napi_value allocate = property(env_, maker, "allocUnsafeSlow");
  if (napi_call_function(env_, maker, allocate, 1, &length, &made) != napi_ok) return nullptr;
  return property(env_, made, "buffer");
}

/// The array of a result.
napi_value Reads::new_buffer(const Tensor& x, size_t bytes, void** data) {
  const napi_value buffer = allocation_fails() ? nullptr : made_buffer(bytes);
  if (!buffer) {
    napi_value exception;
    napi_get_and_clear_last_exception(env_, &exception);
    refuse(Kind::OutOfMemory, "data", fmt::format("{}", x),
           fmt::format("memory for an array of {} bytes, which the system refuses", bytes),
           "read it in parts with slice(), or give the process more memory");
  }
  size_t made;
  ok(napi_get_arraybuffer_info(env_, buffer, data, &made));
  if (bytes >= 2 * kLargePage) prefer_large_pages(*data, bytes);
  return buffer;
}

napi_value Reads::begin(const ReadBack& read, const ErrorClasses& errors) {
  refuse_while_recording("data()", "return the tensor and read it outside");
  const size_t bytes = static_cast<size_t>(read.tensor.size()) * size_of(read.tensor.dtype());
  STM_CHECK(bytes <= kMaxReadBytes, Kind::Option, "data", fmt::format("{}", read.tensor),
            fmt::format("at most {} bytes in one read", kMaxReadBytes), "read it in parts with slice()");
  void* destination = nullptr;
  const napi_value buffer = new_buffer(read.tensor, bytes, &destination);
  const Tensor dense = read.tensor.contiguous() ? read.tensor : ops::clone(detached(read.tensor));
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of("data", {dense}, {}, Access::Read, &device);
  napi_value promise;
  Pending& pending = add_pending(device->executor, errors, &promise);
  pending.dtype = dense.dtype();
  pending.bytes = bytes;
  pending.destination = destination;
  ok(napi_create_reference(env_, buffer, 1, &pending.buffer));
  enqueue(pending, std::move(operands));
  return promise;
}

napi_value Reads::begin(const Fence& fence, const ErrorClasses& errors) {
  refuse_while_recording("synchronize()", "wait outside the step");
  napi_value promise;
  Pending& pending = add_pending(fence.device->executor, errors, &promise);
  pending.reports = fence.reports;
  enqueue(pending, {});
  return promise;
}

/// What a promise is rejected with.
napi_value error_of(const ErrorClasses& errors, const Fault& fault) try {
  return errors.make_fault(fault);
} catch (const std::bad_alloc&) {
  return errors.make_without_memory();
}

// Called by Node on the JS thread. `env` is null, or calls fail, while the environment is going away; nobody waits
// then.
void Reads::settle(napi_env env, napi_value, void* context, void* data) {
  if (!env) return;
  try {
    static_cast<Reads*>(context)->settle(*static_cast<Pending*>(data));
  } catch (const NapiFailure&) {
  }
}

void Reads::settle(Pending& pending) {
  constexpr napi_typedarray_type types[] = {napi_float32_array, napi_float64_array, napi_int32_array,
                                            napi_uint8_array};  // in the order of DType
  const napi_env env = env_;
  napi_value result;
  if (pending.buffer) {
    napi_value buffer;
    ok(napi_get_reference_value(env, pending.buffer, &buffer));
    ok(napi_create_typedarray(env, types[static_cast<size_t>(pending.dtype)], pending.bytes / size_of(pending.dtype),
                              buffer, 0, &result));
    ok(napi_delete_reference(env, std::exchange(pending.buffer, nullptr)));
  } else {
    ok(napi_get_undefined(env, &result));
  }
  if (pending.fault) {
    ok(napi_reject_deferred(env, pending.deferred, error_of(*pending.errors, *pending.fault)));
  } else {
    ok(napi_resolve_deferred(env, pending.deferred, result));
  }
  pending_.erase(pending.self);
  if (pending_.empty()) ok(napi_unref_threadsafe_function(env, notify_));
}

void Reads::shut_down() { napi_release_threadsafe_function(notify_, napi_tsfn_abort); }

}  // namespace stm::binding
