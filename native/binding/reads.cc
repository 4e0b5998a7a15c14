#include "binding/reads.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
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

constexpr size_t kPart = size_t{4} << 20;  ///< that is copied on the JS thread between two turns of its loop

constexpr napi_typedarray_type kTypes[] = {napi_float32_array, napi_float64_array, napi_int32_array, napi_uint8_array,
                                           napi_int8_array};  // in the order of DType

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

Reads::Reads(napi_env env) : env_(env), turns_(env, settle_held, this) {
  napi_value global;
  ok(napi_get_global(env, &global));
  ok(napi_create_reference(env, property(env, global, "ArrayBuffer"), 1, &array_buffer_));
  ok(napi_create_reference(env, property(env, global, "Buffer"), 1, &buffer_class_));
  ok(napi_create_threadsafe_function(env, nullptr, nullptr, text(env, "stmnet reads"), 0, 1, nullptr, nullptr, this,
                                     settle, &notify_));
  ok(napi_unref_threadsafe_function(env, notify_));
}

Reads::~Reads() {
  for (const std::list<Pending>* list : {&pending_, &held_})
    for (const Pending& pending : *list)
      if (pending.object) napi_delete_reference(env_, pending.object);
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
  if (pending.object) napi_delete_reference(env_, pending.object);
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

[[noreturn]] void refuse_array(const Tensor& x, size_t bytes) {
  refuse(Kind::OutOfMemory, "data", fmt::format("{}", x),
         fmt::format("memory for an array of {} bytes, which the system refuses", bytes),
         "read it in parts with slice(), or give the process more memory");
}

/// The array of a result.
napi_value Reads::new_buffer(const Tensor& x, size_t bytes, void** data) {
  const napi_value buffer = allocation_fails() ? nullptr : made_buffer(bytes);
  if (!buffer) {
    napi_value exception;
    napi_get_and_clear_last_exception(env_, &exception);
    refuse_array(x, bytes);
  }
  size_t made;
  ok(napi_get_arraybuffer_info(env_, buffer, data, &made));
  STM_CHECK(made == bytes, Kind::Option, "data", fmt::format("an array of {} bytes from Buffer.allocUnsafeSlow", made),
            fmt::format("one of {}", bytes), "leave Node's functions as they are");
  return buffer;
}

/// How many bytes a read gives. Throws where there is none to be.
size_t readable_bytes(const Tensor& x) {
  refuse_while_recording("data()", "return the tensor and read it outside");
  const size_t bytes = static_cast<size_t>(x.size()) * size_of(x.dtype());
  STM_CHECK(bytes <= kMaxReadBytes, Kind::Option, "data", fmt::format("{}", x),
            fmt::format("at most {} bytes in one read", kMaxReadBytes), "read it in parts with slice()");
  return bytes;
}

napi_value Reads::begin(const ReadBack& read, const ErrorClasses& errors) {
  const size_t bytes = readable_bytes(read.tensor);
  Target target;
  target.object = new_buffer(read.tensor, bytes, &target.data);
  return begin(read.tensor, bytes, std::move(target), errors);
}

napi_value Reads::begin_into(const Tensor& x, napi_value into, const ErrorClasses& errors) {
  const size_t bytes = readable_bytes(x);
  Target target;
  target.object = into;
  target.aside.reset(new (std::nothrow) char[bytes]);
  if (!target.aside) refuse_array(x, bytes);
  target.data = target.aside.get();
  return begin(x, bytes, std::move(target), errors);
}

napi_value Reads::begin(const Tensor& x, size_t bytes, Target target, const ErrorClasses& errors) {
  prefer_large_pages(target.data, bytes);
  const Tensor dense = x.contiguous() ? x : ops::clone(detached(x));
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of("data", {as_bytes(dense)}, {}, Access::Read, &device);
  napi_value promise;
  Pending& pending = add_pending(device->executor, errors, &promise);
  pending.dtype = dense.dtype();
  pending.bytes = bytes;
  pending.destination = target.data;
  pending.aside = std::move(target.aside);
  ok(napi_create_reference(env_, target.object, 1, &pending.object));
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

/// Where the array of `into` is not there any more.
Error lost_array() {
  return Error(
      Kind::Option, "data",
      {"an array as into whose memory was handed on, or resized, while the read was pending",
       "one that stays as it is until the promise is settled", "await data() before the array is transferred"});
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
  Reads& reads = *static_cast<Reads*>(context);
  Pending& pending = *static_cast<Pending*>(data);
  try {
    if (!reads.turns_.overdue() && reads.is_filled(pending)) reads.settle(pending);
    else reads.held_.splice(reads.held_.end(), reads.pending_, pending.self);
  } catch (const NapiFailure&) {
  }
}

void Reads::settle_held(void* context) {
  Reads& reads = *static_cast<Reads*>(context);
  size_t copied = 0;
  while (!reads.held_.empty()) {
    Pending& pending = reads.held_.front();
    const std::list<Pending>::iterator self = pending.self;
    try {
      if (!reads.is_filled(pending)) return;
      copied += pending.aside ? pending.bytes : 0;
      reads.pending_.splice(reads.pending_.begin(), reads.held_, self);
      reads.settle(pending);
      if (copied >= kPart && !reads.held_.empty() && reads.turns_.wait()) return;
    } catch (const NapiFailure&) {  // of this one alone
      if (!reads.held_.empty() && reads.held_.begin() == self)
        reads.pending_.splice(reads.pending_.begin(), reads.held_, self);
    }
  }
}

/// Copies a part of what was read into the caller's array; all of it if the event loop cannot turn in between. False if
/// there is more to copy once it has turned.
bool Reads::is_filled(Pending& pending) {
  if (!pending.aside || pending.fault || pending.lost) return true;
  if (pending.bytes - pending.filled > kPart && fill(pending, kPart) && turns_.wait()) return false;
  pending.lost = !fill(pending, pending.bytes);
  return true;
}

/// False if it is no longer the array that it was at the call: handed to another thread, or over a buffer that has
/// become shorter.
bool Reads::fill(Pending& pending, size_t most) {
  napi_value array;
  napi_typedarray_type type;
  size_t length;
  void* data;
  ok(napi_get_reference_value(env_, pending.object, &array));
  ok(napi_get_typedarray_info(env_, array, &type, &length, &data, nullptr, nullptr));
  if (type != kTypes[static_cast<size_t>(pending.dtype)] || length * size_of(pending.dtype) != pending.bytes)
    return false;
  const size_t part = std::min(most, pending.bytes - pending.filled);
  if (part) std::memcpy(static_cast<char*>(data) + pending.filled, pending.aside.get() + pending.filled, part);
  pending.filled += part;
  return true;
}

/// What a promise resolves to, unless it is rejected.
napi_value Reads::result_of(Pending& pending) {
  napi_value object, result;
  if (!pending.object) {
    ok(napi_get_undefined(env_, &result));
    return result;
  }
  ok(napi_get_reference_value(env_, pending.object, &object));
  ok(napi_delete_reference(env_, std::exchange(pending.object, nullptr)));
  if (pending.aside) return object;
  ok(napi_create_typedarray(env_, kTypes[static_cast<size_t>(pending.dtype)], pending.bytes / size_of(pending.dtype),
                            object, 0, &result));
  return result;
}

void Reads::settle(Pending& pending) {
  const napi_value result = result_of(pending);
  if (pending.fault) {
    ok(napi_reject_deferred(env_, pending.deferred, error_of(*pending.errors, *pending.fault)));
  } else if (pending.lost) {
    ok(napi_reject_deferred(env_, pending.deferred, pending.errors->make(lost_array(), "data")));
  } else {
    ok(napi_resolve_deferred(env_, pending.deferred, result));
  }
  pending_.erase(pending.self);
  if (pending_.empty()) ok(napi_unref_threadsafe_function(env_, notify_));
}

void Reads::shut_down() { napi_release_threadsafe_function(notify_, napi_tsfn_abort); }

}  // namespace stm::binding
