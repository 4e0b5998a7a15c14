#pragma once
#include <list>
#include <memory>

#include "binding/loop_turns.h"
#include "binding/napi.h"
#include "core/op_table.h"
#include "core/session.h"

namespace stm::binding {

class ErrorClasses;

/// Promises that the executor settles. The result's ArrayBuffer is made at the call and filled by the executor, so the
/// JS thread copies nothing. While a promise is pending the thread-safe function is referenced and keeps the process
/// alive; otherwise it does not.
class Reads {
 public:
  explicit Reads(napi_env env);
  ~Reads();
  Reads(const Reads&) = delete;
  Reads& operator=(const Reads&) = delete;
  /// @param errors  what a fault becomes one of
  napi_value begin(const ReadBack& read, const ErrorClasses& errors);
  napi_value begin(const Fence& fence, const ErrorClasses& errors);
  /// The same into a typed array of the caller, which the promise resolves to. It is written on the JS thread just
  /// before the promise is settled, in parts if it is large, and by nobody else: the program may hand its memory to
  /// another thread at any time, where nothing would keep it alive for the executor.
  napi_value begin_into(const Tensor& x, napi_value into, const ErrorClasses& errors);
  /// After the executor has stopped: nothing will settle any more.
  void shut_down();

 private:
  /// Where the bytes of a read go.
  struct Target {
    napi_value object = nullptr;    ///< an ArrayBuffer of its own, or the caller's typed array
    void* data = nullptr;           ///< what the executor writes to
    std::unique_ptr<char[]> aside;  ///< that, before it is copied into the caller's array
  };
  struct Pending {
    Reads* owner;
    Executor* executor;
    const ErrorClasses* errors;
    DType dtype = DType::F32;
    std::list<Pending>::iterator self;
    napi_deferred deferred = nullptr;
    napi_ref object = nullptr;  ///< Target::object
    void* destination = nullptr;
    std::unique_ptr<char[]> aside;
    size_t bytes = 0, filled = 0;  ///< and how many of them are in the caller's array
    bool reports = true;           ///< Fence::reports
    bool lost = false;             ///< the caller's array has gone
    FaultPtr fault;
  };
  struct ReadCommand;
  Pending& add_pending(Executor& executor, const ErrorClasses& errors, napi_value* promise);
  void drop(Pending& pending);
  /// Queues the command that will settle the promise.
  void enqueue(Pending& pending, std::vector<Operand> operands);
  napi_value made_buffer(size_t bytes);
  napi_value begin(const Tensor& x, size_t bytes, Target target, const ErrorClasses& errors);
  napi_value new_buffer(const Tensor& x, size_t bytes, void** data);
  static void settle(napi_env env, napi_value, void* context, void* data);
  static void settle_held(void* context);
  void settle(Pending& pending);
  bool is_filled(Pending& pending);
  bool fill(Pending& pending, size_t most);
  napi_value result_of(Pending& pending);

  napi_env env_;
  napi_threadsafe_function notify_ = nullptr;
  napi_ref array_buffer_ = nullptr;  ///< the constructor
  napi_ref buffer_class_ = nullptr;  ///< Node's Buffer
  std::list<Pending> pending_;
  std::list<Pending> held_;  ///< done, and to be settled once the event loop has turned; in order
  LoopTurns turns_;
};

}  // namespace stm::binding
