#include <deque>
#include <new>
#include <utility>

#include "binding/environment_ops.h"
#include "binding/gradients.h"
#include "binding/marshal.h"
#include "core/host_memory.h"
#include "ops/ops.h"

namespace stm::binding {
namespace {

struct Instance;
/// What a function of an instance finds in its data.
template <class Callee>
struct Bound {
  Instance& instance;
  const Callee& callee;
};

/// Functions that handle JS objects themselves and so cannot be ops; their signatures are given in words.
struct Intrinsic {
  const char *name, *signature, *doc;
  napi_value (*call)(Instance&, const napi_value* arguments);
};

/// The functions as one copy of the package has them, with error classes of its own. Two copies share tensors and
/// devices.
struct Instance {
  explicit Instance(Environment& environment) : environment(environment), errors(environment.env) {}
  Environment& environment;
  ErrorClasses errors;
  std::deque<Bound<Op>> ops;
  std::deque<Bound<Intrinsic>> intrinsics;
};

/// What one JavaScript environment holds of the addon.
struct Addon {
  explicit Addon(napi_env env) : environment(env) {}
  Environment environment;
  std::deque<Instance> instances;
};

double id_of(Instance& instance, napi_value value) {
  double id;
  ok(napi_get_value_double(instance.environment.env, value, &id));
  return id;
}

constexpr Intrinsic kIntrinsics[] = {
    {"watch", "(object: object, id: TensorId): void", "Releases `id` once `object` has been garbage-collected.",
     [](Instance& instance, const napi_value* a) -> napi_value {
       instance.environment.handles.watch(a[0], id_of(instance, a[1]));
       return nullptr;
     }},
    {"adoptErrors", "(classes: Record<string, new (op: string, message: string, code: string) => Error>): void",
     "The classes that native errors are made of.",
     [](Instance& instance, const napi_value* a) -> napi_value {
       instance.errors.adopt(a[0]);
       return nullptr;
     }},
    {"dataInto",
     "<A extends Float32Array | Float64Array | Int32Array | Uint8Array | Int8Array>(x: TensorId, into: A): Promise<A>",
     "As data(), in an array of the caller, which must have the kind and length that data() gives.",
     [](Instance& instance, const napi_value* a) {
       Environment& environment = instance.environment;
       return environment.reads.begin_into(environment.handles.get(id_of(instance, a[0])), a[1], instance.errors);
     }},
    {"onBackward",
     "(outputs: readonly TensorId[], inputs: readonly TensorId[], saved: readonly TensorId[], "
     "backward: (grads: (TensorId | undefined)[], saved: TensorId[]) => (TensorId | undefined)[]): void",
     "Makes `backward` the derivative of `outputs` with respect to `inputs`; it is called during backward().",
     [](Instance& instance, const napi_value* a) -> napi_value {
       define_gradient(instance.environment, a);
       return nullptr;
     }},
};

/// Immutable after construction and shared by all environments. A plain static: Node unloads the addon with the last
/// environment that uses it, and by then every executor has stopped.
const OpTable& table() {
  static const OpTable ops = [] {
    OpTable table;
    for (auto declare : {ops::declare_factories, ops::declare_tensor, ops::declare_history, ops::declare_elementwise,
                         ops::declare_matmul, ops::declare_reduce, ops::declare_shape, ops::declare_indexing,
                         ops::declare_normalization, ops::declare_losses, ops::declare_optimizers, ops::declare_random,
                         ops::declare_recording, ops::declare_cells, ops::declare_quantized, ops::declare_recurrent,
                         ops::declare_testing, declare_environment})
      declare(table);
    return table;
  }();
  return ops;
}

/// The exception in flight as JavaScript's.
napi_value converted(const Instance& instance, const std::string& op) {
  const napi_env env = instance.environment.env;
  try {
    throw;
  } catch (const Error& error) {
    return instance.errors.make(error, op);
  } catch (const std::bad_alloc&) {
    return instance.errors.make(Error(Kind::OutOfMemory, op,
                                      {"no memory from the system", "enough for the call",
                                       "use a smaller batch, free tensors, or give the process more memory"}),
                                op);
  } catch (const std::exception& error) {
    napi_value made;
    ok(napi_create_error(env, text(env, "ERR_STM_INTERNAL"), text(env, op + ": " + error.what()), &made));
    return made;
  }
}

/// Throws the exception in flight in JavaScript, unless one is on its way there already. Even the message may find no
/// memory.
void rethrow(const Instance& instance, const char* op) noexcept {
  const napi_env env = instance.environment.env;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (pending) return;
  try {
    napi_throw(env, converted(instance, op));
  } catch (const std::exception&) {
    napi_is_exception_pending(env, &pending);
    if (!pending) napi_throw(env, instance.errors.make_without_memory());
  }
}

/// Runs `body` and turns what it throws into a JavaScript exception. The body may call JavaScript, and that this addon
/// again, perhaps in another instance.
template <class Body>
napi_value guarded(Instance& instance, const char* op, Body body) {
  Environment& environment = instance.environment;
  const Session::Entry entry(environment.session);
  Environment* const outer = std::exchange(Environment::current_, &environment);
  const ErrorClasses* const outer_errors = std::exchange(environment.errors, &instance.errors);
  napi_value result = nullptr;
  try {
    result = body();
  } catch (const std::exception&) {
    rethrow(instance, op);
  }
  Environment::current_ = outer;
  environment.errors = outer_errors;
  return result;
}

/// Runs `body` where there is no instance, as while the addon loads. In a worker that is stopped meanwhile Node-API
/// calls fail, with an exception pending.
template <class Body>
napi_value guarded_alone(napi_env env, Body body) noexcept {
  try {
    return body();
  } catch (const std::exception& error) {
    bool pending = false;
    napi_is_exception_pending(env, &pending);
    if (!pending) napi_throw_error(env, "ERR_STM_INTERNAL", error.what());
    return nullptr;
  }
}

napi_value call_op(napi_env env, napi_callback_info info) {
  size_t count = NapiArgs::kMax;
  napi_value values[NapiArgs::kMax];
  void* data;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  const auto& bound = *static_cast<const Bound<Op>*>(data);
  Environment& environment = bound.instance.environment;
  return guarded(bound.instance, bound.callee.name.c_str(), [&] {
    NapiArgs arguments(environment, bound.callee, count, values);
    NapiResult result(environment);
    bound.callee.call(arguments, result);
    return result.value;
  });
}

napi_value call_intrinsic(napi_env env, napi_callback_info info) {
  size_t count = 4;
  napi_value values[4];  // those that were not given are undefined
  void* data;
  napi_get_cb_info(env, info, &count, values, nullptr, &data);
  const auto& bound = *static_cast<const Bound<Intrinsic>*>(data);
  return guarded(bound.instance, bound.callee.name, [&] { return bound.callee.call(bound.instance, values); });
}

std::string signature(const Op& op) {
  std::string text = ")";
  bool trailing = true;  // `?` is for parameters that only optional ones follow
  for (size_t i = op.parameters.size(); i-- > 0;) {
    const Parameter& p = op.parameters[i];
    trailing = trailing && p.optional;
    text = (i ? ", " : "") + p.name + (trailing ? "?: " : ": ") + p.ts + (p.optional ? " | undefined" : "") + text;
  }
  return "(" + text + ": " + op.result;
}

/// One `/** doc */ name(…): …;` line each: the body of binding.generated.ts.
napi_value typings(napi_env env, napi_callback_info) {
  return guarded_alone(env, [&] {
    std::string lines;
    const auto line = [&lines](const std::string& name, const std::string& signature, const std::string& doc) {
      lines += "  /** " + doc + " */\n  " + name + signature + ";\n";
    };
    for (const Op& op : table().all()) line(op.name, signature(op), op.doc);
    for (const Intrinsic& i : kIntrinsics) line(i.name, i.signature, i.doc);
    return text(env, lines);
  });
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback, const void* data) {
  napi_value function;
  ok(napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, const_cast<void*>(data), &function));
  ok(napi_set_named_property(env, exports, name, function));
}

/// The functions, for one copy of the package: all that a copy has of its own is how its errors are made.
napi_value make_instance(napi_env env, napi_callback_info) {
  return guarded_alone(env, [&] {
    void* data;
    napi_value functions;
    ok(napi_get_instance_data(env, &data));
    ok(napi_create_object(env, &functions));
    Addon& addon = *static_cast<Addon*>(data);
    Instance& instance = addon.instances.emplace_back(addon.environment);
    for (const Op& op : table().all())
      define(env, functions, op.name.c_str(), call_op, &instance.ops.emplace_back(Bound<Op>{instance, op}));
    for (const Intrinsic& callee : kIntrinsics)
      define(env, functions, callee.name, call_intrinsic,
             &instance.intrinsics.emplace_back(Bound<Intrinsic>{instance, callee}));
    return functions;
  });
}

/// Null, with a JavaScript exception pending, if there is no memory or no thread for it.
Addon* new_addon(napi_env env) {
  try {
    return new Addon(env);
  } catch (const Error& error) {
    napi_throw_error(env, "ERR_STM_DEVICE", text_of("stmnet", error.message).c_str());
    return nullptr;
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_STM_DEVICE", (std::string("stmnet: ") + error.what()).c_str());
    return nullptr;
  }
}

}  // namespace
}  // namespace stm::binding

NAPI_MODULE_INIT() {
  using namespace stm::binding;
  stm::keep_freed_memory();
  Addon* const addon = new_addon(env);
  if (!addon) return nullptr;
  napi_set_instance_data(
      env, addon, [](napi_env, void* data, void*) { delete static_cast<Addon*>(data); }, nullptr);
  // Hooks run in reverse order: this one, added after the thread-safe function, runs before Node closes that.
  napi_add_env_cleanup_hook(
      env,
      [](void* data) {
        auto& environment = *static_cast<Environment*>(data);
        environment.session.stop();
        environment.reads.shut_down();
      },
      &addon->environment);
  return guarded_alone(env, [&] {
    define(env, exports, "instance", make_instance, nullptr);
    define(env, exports, "typings", typings, nullptr);
    return exports;
  });
}
