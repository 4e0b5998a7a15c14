#pragma once
#include <cuda_runtime_api.h>

#include <vector>

#include "backend/cuda/device/libraries.h"
#include "backend/cuda/device/presence.h"
#include "backend/cuda/kernel/block.h"
#include "backend/data_fault.h"

namespace stm::cuda {

/// Where a kernel says what only it could see. The first report stands until the host has read it.
struct DeviceFault : DataFault {
  int32_t op = 0;  ///< Context::op when the kernel was launched
};

/// To be called by a kernel that meets such a value. It then goes on with values that do no harm.
STM_DEVICE void report_fault(DeviceFault* fault, int32_t op, const DataFault& found) {
  if (atomic_swap_if(&fault->code, DataFault::kNone, found.code) != DataFault::kNone) return;
  fault->op = op;
  fault->value = found.value;
  fault->place = found.place;
  fault->sequence = found.sequence;
  fault->greatest = found.greatest;
  fault->except = found.except;
  fault->number = found.number;
}

/// Ok, or a failed call in words.
Status describe(cudaError_t error, const char* what);

/// What fails here changes nothing for anybody, and must not be taken for the failure of a later launch.
void ignore(cudaError_t error);

/// What the kernel families of one open device share. Executor thread only.
struct Context {
  int device = 0;
  int capability = 0;  ///< 90 for 9.0
  int multiprocessors = 1;
  bool has_pool = true;                ///< whether the device allocates in the order of a stream
  bool compiles = false;               ///< NVRTC is there for cuDNN
  const Presence* presence = nullptr;  ///< null: the device is open nowhere else
  cudaStream_t stream = nullptr;
  const Libraries* libraries = nullptr;
  cublasHandle_t cublas = nullptr;
  cudnnHandle_t cudnn = nullptr;
  DeviceFault* fault = nullptr;  ///< device memory
  int32_t op = 0;                ///< number of the op that is being launched, for `fault`
  bool lost = false;             ///< a sticky error has been seen: the CUDA context is of no use any more

  /// Ok, or what failed in words; `what` names the call or kernel. Notes sticky errors.
  Status check(cudaError_t error, const char* what);
  Status check(cublasStatus_t error, const char* what);
  Status check(cudnnStatus_t error, const char* what);

  /// Lets the pool keep what is freed until trim_pool().
  Status set_up_pool();
  Status allocate(size_t bytes, void** data);
  /// Once the device has done what it was given so far. Any thread.
  void release(void* data);
  void trim_pool();

  /// `bytes` of host data in device memory, for the launches that follow: they travel with launches of their own, so
  /// that nothing is left to keep alive and a graph may capture them. Each `slot` is one place, overwritten by its next
  /// use.
  enum Slot { kLengths, kLengthsToo, kTable, kSlots };
  template <class T>
  Status constants(Slot slot, const T* host, int64_t count, const T** device) {
    void* data = nullptr;
    const Status status = send(slot, host, static_cast<size_t>(count) * sizeof(T), &data);
    *device = static_cast<const T*>(data);
    return status;
  }
  /// Device memory for the launches that follow, likewise overwritten by the next use of the slot.
  enum Scratch { kPartials, kCublas, kOther, kScratches };
  Status scratch(Scratch slot, size_t bytes, void** device);
  /// Bytes of kCublas, as many as cuBLAS recommends.
  size_t cublas_workspace() const { return capability >= 90 ? size_t{32} << 20 : size_t{8} << 20; }

  /// Writes host bytes to device memory by launches that carry them; `to` is a multiple of 4 bytes, and so is the room
  /// there.
  Status store(void* to, const void* host, size_t bytes);

  void release_buffers();

 private:
  struct Buffer {
    void* data = nullptr;
    size_t bytes = 0;
  };
  Status grow(Buffer& buffer, size_t bytes);
  Status send(Slot slot, const void* host, size_t bytes, void** device);
  Buffer constants_[kSlots], scratch_[kScratches];
  std::vector<void*> outgrown_;  ///< kept, because a captured graph may still use them
};

}  // namespace stm::cuda

/// Returns from the calling function with the Status of a failed CUDA, cuBLAS or cuDNN call.
#define STM_CUDA(context, call)                                   \
  do {                                                            \
    const ::stm::Status status_ = (context).check((call), #call); \
    if (!status_.is_ok()) return status_;                         \
  } while (false)
/// The same for a call that gives a Status.
#define STM_TRY(call)                     \
  do {                                    \
    const ::stm::Status status_ = (call); \
    if (!status_.is_ok()) return status_; \
  } while (false)
