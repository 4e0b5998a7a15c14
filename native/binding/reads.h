#pragma once
#include <list>

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
  /// After the executor has stopped: nothing will settle any more.
  void shut_down();

 private:
  struct Pending {
    Reads* owner;
    Executor* executor;
    const ErrorClasses* errors;
    DType dtype = DType::F32;
    std::list<Pending>::iterator self;
    napi_deferred deferred = nullptr;
    napi_ref buffer = nullptr;
    void* destination = nullptr;
    size_t bytes = 0;
    bool reports = true;  ///< Fence::reports
    FaultPtr fault;
  };
  struct ReadCommand;
  Pending& add_pending(Executor& executor, const ErrorClasses& errors, napi_value* promise);
  void drop(Pending& pending);
  /// Queues the command that will settle the promise.
  void enqueue(Pending& pending, std::vector<Operand> operands);
  napi_value made_buffer(size_t bytes);
  napi_value new_buffer(const Tensor& x, size_t bytes, void** data);
  static void settle(napi_env env, napi_value, void* context, void* data);
  void settle(Pending& pending);

  napi_env env_;
  napi_threadsafe_function notify_ = nullptr;
  napi_ref array_buffer_ = nullptr;  ///< the constructor
  napi_ref buffer_class_ = nullptr;  ///< Node's Buffer
  std::list<Pending> pending_;
};

}  // namespace stm::binding
