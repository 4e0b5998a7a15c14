#include "backend/cuda/device/context.h"

#include <algorithm>
#include <cstring>

#include "backend/guard.h"
#include "backend/cuda/kernel/launch.h"

namespace stm::cuda {
namespace {

/// Host bytes that travel as an argument of the launch.
struct StoreWords {
  static constexpr int64_t kWords = 960;
  uint32_t* to;
  uint32_t words[kWords];
  STM_DEVICE void operator()(int64_t i) const { to[i] = words[i]; }
};

/// The function's name in the text of a call, such as cudaFree in "library.cudaFree(data)".
struct FunctionName {
  explicit FunctionName(const char* call) : begin(call), length(static_cast<int>(std::strcspn(call, "("))) {
    for (int i = 0; i < length; ++i)
      if (call[i] == '.' || call[i] == '>') begin = call + i + 1;
    length -= static_cast<int>(begin - call);
  }
  const char* begin;
  int length;
};

/// After these the CUDA context is of no use to the process any more.
bool is_sticky(cudaError_t error) {
  switch (error) {
    case cudaErrorECCUncorrectable:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchFailure:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorUnknown:
    case cudaErrorContextIsDestroyed: return true;
    default: return false;
  }
}

}  // namespace

Status describe(cudaError_t error, const char* what) {
  if (error == cudaSuccess) return Status::ok();
  (void)cudaGetLastError();  // so that the next call does not report it again
  const FunctionName name(what);
  if (is_sticky(error)) {
    return Status::fail(StatusKind::DeviceLost,
                        {"%.*s failed: the CUDA context is lost: %s (%d)", name.length, name.begin,
                         cudaGetErrorName(error), static_cast<int>(error)},
                        "save what you need from the CPU and start the process again; if it comes back, report it");
  }
  const StatusKind kind = error == cudaErrorMemoryAllocation ? StatusKind::OutOfMemory : StatusKind::Internal;
  return Status::fail(kind, {"%.*s failed: %s (%d), %s", name.length, name.begin, cudaGetErrorName(error),
                             static_cast<int>(error), cudaGetErrorString(error)});
}

void ignore(cudaError_t error) {
  if (error != cudaSuccess) (void)cudaGetLastError();
}

Status Context::check(cudaError_t error, const char* what) {
  const Status status = describe(error, what);
  if (status.kind == StatusKind::DeviceLost) lost = true;
  return status;
}

Status Context::check(cublasStatus_t error, const char* what) {
  if (error == CUBLAS_STATUS_SUCCESS) return Status::ok();
  const StatusKind kind = error == CUBLAS_STATUS_ALLOC_FAILED    ? StatusKind::OutOfMemory
                          : error == CUBLAS_STATUS_NOT_SUPPORTED ? StatusKind::Unsupported
                                                                 : StatusKind::Internal;
  const Status before = check(cudaPeekAtLastError(), what);  // an earlier asynchronous fault often shows first here
  if (before.kind == StatusKind::DeviceLost) return before;
  const FunctionName name(what);
  return Status::fail(kind, {"%.*s failed: %s (%d)", name.length, name.begin, libraries->cublasGetStatusString(error),
                             static_cast<int>(error)});
}

Status Context::check(cudnnStatus_t error, const char* what) {
  if (error == CUDNN_STATUS_SUCCESS) return Status::ok();
  char detail[128] = "";
  libraries->cudnnGetLastErrorString(detail, sizeof detail);
  const Status before = check(cudaPeekAtLastError(), what);
  if (before.kind == StatusKind::DeviceLost) return before;
  const FunctionName name(what);
  const int category = static_cast<int>(error) / 1000;  // the rest of the code says more than versions agree on
  const StatusKind kind = error == CUDNN_STATUS_ALLOC_FAILED ? StatusKind::OutOfMemory
                          : category == 3                    ? StatusKind::Unsupported
                                                             : StatusKind::Internal;
  return Status::fail(kind, {"%.*s failed: %s (%d). %s", name.length, name.begin, libraries->cudnnGetErrorString(error),
                             static_cast<int>(error), detail});
}

Status Context::grow(Buffer& buffer, size_t bytes) {
  if (buffer.bytes >= bytes) return Status::ok();
  // CUDA would make the allocation a part of the graph: there would be no memory until that is launched, and it could
  // be launched but once.
  cudaStreamCaptureStatus capturing = cudaStreamCaptureStatusNone;
  STM_TRY(check(cudaStreamIsCapturing(stream, &capturing), "cudaStreamIsCapturing"));
  if (capturing != cudaStreamCaptureStatusNone)
    return Status::fail(StatusKind::Internal, {"a graph that is being captured needs %zu bytes more of scratch", bytes},
                        "report it, with the step");
  STM_TRY(guarded([&] {
    outgrown_.reserve(outgrown_.size() + 1);
    return Status::ok();
  }));
  size_t size = size_t{64} << 10;
  while (size < bytes) size *= 2;
  void* data = nullptr;
  STM_TRY(allocate(size, &data));
  if (buffer.data) outgrown_.push_back(buffer.data);
  buffer = {data, size};
  return Status::ok();
}

Status Context::store(void* to, const void* host, size_t bytes) {
  const char* from = static_cast<const char*>(host);
  for (size_t at = 0; at < bytes; at += sizeof StoreWords::words) {
    StoreWords piece;
    const size_t size = std::min(bytes - at, sizeof piece.words);
    std::memcpy(piece.words, from + at, size);
    piece.to = static_cast<uint32_t*>(to) + at / 4;
    STM_TRY(launch_each(*this, "store_words", static_cast<int64_t>((size + 3) / 4), piece));
  }
  return Status::ok();
}

Status Context::send(Slot slot, const void* host, size_t bytes, void** device) {
  STM_TRY(grow(constants_[slot], bytes));
  *device = constants_[slot].data;
  return store(*device, host, bytes);
}

Status Context::scratch(Scratch slot, size_t bytes, void** device) {
  STM_TRY(grow(scratch_[slot], bytes));
  *device = scratch_[slot].data;
  return Status::ok();
}

void Context::release_buffers() {
  const auto give_back = [&](Buffer& buffer) {
    if (buffer.data) release(buffer.data);
    buffer = {};
  };
  for (Buffer& buffer : constants_) give_back(buffer);
  for (Buffer& buffer : scratch_) give_back(buffer);
  for (void* data : outgrown_) release(data);
  outgrown_.clear();
}

}  // namespace stm::cuda
