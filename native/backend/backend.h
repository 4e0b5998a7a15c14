#pragma once
#include <atomic>

#include "backend/kernels/cells.h"
#include "backend/kernels/elementwise.h"
#include "backend/kernels/indexing.h"
#include "backend/kernels/losses.h"
#include "backend/kernels/matmul.h"
#include "backend/kernels/normalization.h"
#include "backend/kernels/optimizers.h"
#include "backend/kernels/quantized.h"
#include "backend/kernels/random.h"
#include "backend/kernels/recurrent.h"
#include "backend/kernels/reduce.h"

namespace stm {

/// What a device is, for people.
struct DeviceFacts {
  char model[128] = "";
  char details[256] = "";  ///< how it computes
  char cudnn[32] = "";     ///< version, where it has one
  char vectors[32] = "";   ///< a CPU's: the vectors that its kernels use
  char products[32] = "";  ///< a CPU's: who multiplies matrices, with kernels for which processor
  char limit[480] = "";    ///< a CPU's: why no better ones are in use; empty if they are the best
  int64_t memory_bytes = 0;
};

/// Free and whole memory of a device.
struct DeviceMemory {
  int64_t free_bytes = 0, total_bytes = 0;
};

/// What `notify` calls: `op` names the op at fault if `status` is not Ok.
using Done = void (*)(void* context, const Status& status, const char* op);

/// One device, as core and ops see it. Everything is plain data in and a Status out; nothing throws, so that a plug-in
/// with a C++ run-time of its own can implement it. Calls come from the device's executor thread, in queue order,
/// unless a comment says otherwise.
///
/// Work may complete after the call that asks for it has returned, in the order of the calls; host memory given to a
/// call is read before it returns.
class Backend {
 public:
  virtual void facts(DeviceFacts* out) noexcept = 0;         ///< any thread
  virtual int32_t num_threads() noexcept = 0;                ///< any thread
  virtual void set_num_threads(int32_t count) noexcept = 0;  ///< any thread; 0: the default

  /// The first call of the executor's thread. Once `stopping` is set, which outlives the thread, a call may return
  /// early and leave its work undone: nobody will see what it would have written.
  virtual void starting(const std::atomic<bool>& stopping) noexcept = 0;

  virtual Status allocate(size_t bytes, void** data) noexcept = 0;
  virtual void release(void* data) noexcept = 0;  ///< any thread
  virtual void trim() noexcept = 0;               ///< gives memory that is kept for later back to the system
  virtual DeviceMemory memory() noexcept = 0;     ///< any thread
  virtual Status upload(void* to, const void* host, size_t bytes) noexcept = 0;
  /// `host` holds the bytes once a later notify() has called back.
  virtual Status download(void* host, const void* from, size_t bytes) noexcept = 0;
  virtual Status copy(void* to, const void* from, size_t bytes) noexcept = 0;

  /// What the next calls belong to, a literal. The first of these calls may take long: it is where a device is set up.
  virtual Status entering(const char* op) noexcept = 0;
  /// Calls `done` once, on any thread, when all earlier work has completed. Its status tells of what only the device
  /// could see since the last notify(), such as an index out of range; that is reported once.
  virtual void notify(Done done, void* context) noexcept = 0;
  /// Waits until every `done` has been called; afterwards none will be. Any thread but the device's own.
  virtual void stop() noexcept = 0;
  virtual void close() noexcept = 0;  ///< the last call of all; any thread

  /// Whether work can be captured as one graph and launched again. If not, those below it are never called.
  virtual bool captures() noexcept = 0;
  /// Why not, for people; null if it can, and if no such device can.
  virtual const char* why_no_graphs() noexcept = 0;
  /// From here on calls are captured, not run; none may allocate, upload from memory that will go away, or notify.
  virtual Status begin_capture() noexcept = 0;
  virtual Status end_capture(
      void** graph) noexcept = 0;  ///< must follow begin_capture, also after a failure in between
  virtual Status launch(void* graph) noexcept = 0;
  virtual void release_graph(void* graph) noexcept = 0;  ///< any thread

  virtual ElementwiseKernels& elementwise() noexcept = 0;
  virtual MatmulKernels& matmul() noexcept = 0;
  virtual ReduceKernels& reduce() noexcept = 0;
  virtual IndexingKernels& indexing() noexcept = 0;
  virtual NormalizationKernels& normalization() noexcept = 0;
  virtual LossKernels& losses() noexcept = 0;
  virtual OptimizerKernels& optimizers() noexcept = 0;
  virtual RandomKernels& random() noexcept = 0;
  virtual RecurrentKernels& recurrent() noexcept = 0;
  virtual CellKernels& cells() noexcept = 0;
  /// Null if the device has no products of 8 bits; then RecurrentProblem::quantized is not for it either.
  virtual QuantizedKernels* quantized() noexcept { return nullptr; }

 protected:
  ~Backend() = default;
};

/// The embedded CPU backend, always there.
Backend& cpu_backend() noexcept;

}  // namespace stm
