// cuDNN's handles, versions, errors, and the descriptors of tensors and dropout.
#include "cudnn.h"

#include <algorithm>
#include <cstdio>
#include <cstring>

#include "cuda-standin/compiler.h"
#include "cuda-standin/cudnn_types.h"
#include "cuda-standin/memory.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

constexpr size_t kDropoutStates = 2101248;

struct StatusText {
  cudnnStatus_t status;
  const char* name;
};

const StatusText kStatuses[] = {
    {CUDNN_STATUS_SUCCESS, "CUDNN_STATUS_SUCCESS"},
    {CUDNN_STATUS_NOT_INITIALIZED, "CUDNN_STATUS_NOT_INITIALIZED"},
    {CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH, "CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH"},
    {CUDNN_STATUS_BAD_PARAM, "CUDNN_STATUS_BAD_PARAM"},
    {CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "CUDNN_STATUS_BAD_PARAM_NULL_POINTER"},
    {CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER, "CUDNN_STATUS_BAD_PARAM_MISALIGNED_POINTER"},
    {CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED, "CUDNN_STATUS_BAD_PARAM_NOT_FINALIZED"},
    {CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND, "CUDNN_STATUS_BAD_PARAM_OUT_OF_BOUND"},
    {CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT"},
    {CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH, "CUDNN_STATUS_BAD_PARAM_STREAM_MISMATCH"},
    {CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH, "CUDNN_STATUS_BAD_PARAM_SHAPE_MISMATCH"},
    {CUDNN_STATUS_NOT_SUPPORTED, "CUDNN_STATUS_NOT_SUPPORTED"},
    {CUDNN_STATUS_NOT_SUPPORTED_SHAPE, "CUDNN_STATUS_NOT_SUPPORTED_SHAPE"},
    {CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE, "CUDNN_STATUS_NOT_SUPPORTED_DATA_TYPE"},
    {CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH, "CUDNN_STATUS_NOT_SUPPORTED_ARCH_MISMATCH"},
    {CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING,
     "CUDNN_STATUS_NOT_SUPPORTED_RUNTIME_PREREQUISITE_MISSING"},
    {CUDNN_STATUS_NOT_SUPPORTED_PADDING, "CUDNN_STATUS_NOT_SUPPORTED_PADDING"},
    {CUDNN_STATUS_INTERNAL_ERROR, "CUDNN_STATUS_INTERNAL_ERROR"},
    {CUDNN_STATUS_EXECUTION_FAILED, "CUDNN_STATUS_EXECUTION_FAILED"},
    {CUDNN_STATUS_EXECUTION_FAILED_CUDART, "CUDNN_STATUS_EXECUTION_FAILED_CUDART"},
};

cudnnStatus_t check_dims(int count, const int* dims, const int* strides) {
  if (!dims || !strides) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "dimA or strideA is null");
  if (count < 2) return refuse(CUDNN_STATUS_BAD_PARAM, "nbDims %d is less than 2", count);
  if (count > CUDNN_DIM_MAX)
    return refuse(CUDNN_STATUS_NOT_SUPPORTED, "nbDims %d is more than %d", count, CUDNN_DIM_MAX);
  for (int i = 0; i < count; ++i) {
    if (dims[i] < 1) return refuse(CUDNN_STATUS_BAD_PARAM, "dimA[%d] %d is not positive", i, dims[i]);
    if (strides[i] == 0 && dims[i] != 1)
      return refuse(CUDNN_STATUS_BAD_PARAM, "strideA[%d] is 0, dimA[%d] %d is not 1", i, i, dims[i]);
  }
  return CUDNN_STATUS_SUCCESS;
}

}  // namespace

bool number_of(cudnnDataType_t type, Number* number) {
  switch (type) {
    case CUDNN_DATA_FLOAT: *number = Number::F32; return true;
    case CUDNN_DATA_DOUBLE: *number = Number::F64; return true;
    case CUDNN_DATA_HALF: *number = Number::F16; return true;
    case CUDNN_DATA_BFLOAT16: *number = Number::Bf16; return true;
    default: return false;
  }
}

cudnnStatus_t enter(const char* function, const std::shared_ptr<DnnHandle>& handle) {
  if (!handle) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "%s: the handle is null or was destroyed", function);
  if (unusable())
    return refuse(CUDNN_STATUS_EXECUTION_FAILED, "%s: the device has failed before with CUDA error %d", function,
                  static_cast<int>(unusable()));
  if (handle->device != current_device())
    return refuse(CUDNN_STATUS_BAD_PARAM, "%s: the handle belongs to device %d, the current device is %d", function,
                  handle->device, current_device());
  if (handle->in_use.exchange(true)) {
    std::fprintf(stderr, "cuda stand-in: %s: two threads use one cuDNN handle at the same time\n", function);
    return refuse(CUDNN_STATUS_BAD_PARAM, "%s: another thread is using the handle", function);
  }
  return CUDNN_STATUS_SUCCESS;
}

void leave(DnnHandle& handle) { handle.in_use = false; }

}  // namespace stm::standin

using namespace stm::standin;

size_t cudnnGetVersion() {
  Call call("cudnnGetVersion", "nvrtc=%d",
            compiler_is_there());  // the first call of all, as soon as the library is open
  call.log_result(static_cast<long long>(settings().cudnn));
  return call.fault() ? static_cast<size_t>(call.fault()) : settings().cudnn;
}

size_t cudnnGetCudartVersion() {
  Call call("cudnnGetCudartVersion", "%s", "");
  call.log_result(kRuntimeVersion);
  return call.fault() ? static_cast<size_t>(call.fault()) : kRuntimeVersion;
}

const char* cudnnGetErrorString(cudnnStatus_t status) {
  Call call("cudnnGetErrorString", "status=%d", static_cast<int>(status));
  call.log_result(0);
  for (const StatusText& entry : kStatuses) {
    if (entry.status == status && !call.fault()) return entry.name;
  }
  return "CUDNN_STATUS_UNKNOWN";
}

void cudnnGetLastErrorString(char* message, size_t size) {
  Call call("cudnnGetLastErrorString", "size=%zu", size);
  call.log_result(0);
  if (message && size) std::snprintf(message, size, "%s", call.fault() ? "" : last_cudnn_error().c_str());
  last_cudnn_error().clear();
}

cudnnStatus_t cudnnAdvVersionCheck() {
  Call call("cudnnAdvVersionCheck", "%s", "");
  return call.cudnn([] { return CUDNN_STATUS_SUCCESS; });
}

cudnnStatus_t cudnnCreate(cudnnHandle_t* out) {
  Call call("cudnnCreate", "%s", "");
  return call.cudnn([&] {
    if (!out) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "cudnnCreate: handle is null");
    if (unusable())
      return refuse(CUDNN_STATUS_NOT_INITIALIZED, "cudnnCreate: no usable device, CUDA error %d",
                    static_cast<int>(unusable()));
    if (refuse_while_capturing())
      return refuse(CUDNN_STATUS_EXECUTION_FAILED_CUDART, "cudnnCreate: allocates, and a stream is capturing");
    auto handle = std::make_shared<DnnHandle>();
    handle->device = current_device();
    *out = static_cast<cudnnHandle_t>(handles<DnnHandle>().add(std::move(handle)));
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnDestroy(cudnnHandle_t handle) {
  Call call("cudnnDestroy", "handle=%p", static_cast<void*>(handle));
  return with_handle(call, "cudnnDestroy", handle, [&](const std::shared_ptr<DnnHandle>&) {
    if (refuse_while_capturing())
      return refuse(CUDNN_STATUS_EXECUTION_FAILED_CUDART,
                    "cudnnDestroy: waits for the device, and a stream is capturing");
    (void)spoil_captures(current_device());
    finish_device(current_device());
    handles<DnnHandle>().remove(handle);
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnSetStream(cudnnHandle_t handle, cudaStream_t stream) {
  Call call("cudnnSetStream", "handle=%p stream=%p", static_cast<void*>(handle), static_cast<void*>(stream));
  return with_handle(call, "cudnnSetStream", handle, [&](const std::shared_ptr<DnnHandle>& dnn) {
    if (!usable_stream(stream))
      return refuse(CUDNN_STATUS_BAD_PARAM, "cudnnSetStream: the stream is none of the device");
    dnn->stream = stream;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnCreateTensorDescriptor(cudnnTensorDescriptor_t* out) {
  Call call("cudnnCreateTensorDescriptor", "%s", "");
  return call.cudnn([&] {
    if (!out) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "tensorDesc is null");
    *out = static_cast<cudnnTensorDescriptor_t>(handles<TensorDescriptor>().add(std::make_shared<TensorDescriptor>()));
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnSetTensorNdDescriptor(cudnnTensorDescriptor_t desc, cudnnDataType_t type, int count,
                                         const int dims[], const int strides[]) {
  Call call("cudnnSetTensorNdDescriptor", "type=%d dims=%s strides=%s", static_cast<int>(type),
            listed(dims, count).c_str(), listed(strides, count).c_str());
  return call.cudnn([&] {
    const auto found = handles<TensorDescriptor>().find(desc);
    if (!found) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "tensorDesc is null or was destroyed");
    const cudnnStatus_t status = check_dims(count, dims, strides);
    if (status != CUDNN_STATUS_SUCCESS) return status;
    found->type = type;
    found->dims.assign(dims, dims + count);
    found->strides.assign(strides, strides + count);
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnGetTensorNdDescriptor(const cudnnTensorDescriptor_t desc, int requested, cudnnDataType_t* type,
                                         int* count, int dims[], int strides[]) {
  Call call("cudnnGetTensorNdDescriptor", "requested=%d", requested);
  return call.cudnn([&] {
    const auto found = handles<TensorDescriptor>().find(desc);
    if (!found || !type || !count || !dims || !strides)
      return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "a pointer is null, or tensorDesc was destroyed");
    if (requested < 1) return refuse(CUDNN_STATUS_BAD_PARAM, "nbDimsRequested %d is not positive", requested);
    *type = found->type;
    *count = static_cast<int>(found->dims.size());
    const size_t given = std::min(found->dims.size(), static_cast<size_t>(requested));
    std::copy_n(found->dims.begin(), given, dims);
    std::copy_n(found->strides.begin(), given, strides);
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnDestroyTensorDescriptor(cudnnTensorDescriptor_t desc) {
  Call call("cudnnDestroyTensorDescriptor", "desc=%p", static_cast<void*>(desc));
  return call.cudnn([&] {
    return handles<TensorDescriptor>().remove(desc)
               ? CUDNN_STATUS_SUCCESS
               : refuse(CUDNN_STATUS_BAD_PARAM, "tensorDesc is null or was destroyed before");
  });
}

cudnnStatus_t cudnnCreateDropoutDescriptor(cudnnDropoutDescriptor_t* out) {
  Call call("cudnnCreateDropoutDescriptor", "%s", "");
  return call.cudnn([&] {
    if (!out) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "dropoutDesc is null");
    *out =
        static_cast<cudnnDropoutDescriptor_t>(handles<DropoutDescriptor>().add(std::make_shared<DropoutDescriptor>()));
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnDropoutGetStatesSize(cudnnHandle_t handle, size_t* bytes) {
  Call call("cudnnDropoutGetStatesSize", "handle=%p", static_cast<void*>(handle));
  return with_handle(call, "cudnnDropoutGetStatesSize", handle, [&](const std::shared_ptr<DnnHandle>&) {
    if (!bytes) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "sizeInBytes is null");
    *bytes = kDropoutStates;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnSetDropoutDescriptor(cudnnDropoutDescriptor_t desc, cudnnHandle_t handle, float dropout,
                                        void* states, size_t bytes, unsigned long long seed) {
  Call call("cudnnSetDropoutDescriptor", "dropout=%g states=%p bytes=%zu seed=%llu", static_cast<double>(dropout),
            states, bytes, seed);
  return with_handle(call, "cudnnSetDropoutDescriptor", handle, [&](const std::shared_ptr<DnnHandle>& dnn) {
    const auto found = handles<DropoutDescriptor>().find(desc);
    if (!found) return refuse(CUDNN_STATUS_BAD_PARAM_NULL_POINTER, "dropoutDesc is null or was destroyed");
    if (!(dropout >= 0 && dropout <= 1))
      return refuse(CUDNN_STATUS_BAD_PARAM, "dropout %g is not in 0 to 1", static_cast<double>(dropout));
    if (states && bytes < kDropoutStates)
      return refuse(CUDNN_STATUS_BAD_PARAM_SIZE_INSUFFICIENT, "%zu bytes of states, %zu wanted", bytes, kDropoutStates);
    if (states && submit_touching(dnn->stream, "cudnnSetDropoutDescriptor", {{states, bytes}},
                                  [=] { std::memset(states, 1, bytes); }))
      return refuse(CUDNN_STATUS_EXECUTION_FAILED, "the states could not be set");
    found->set = true;
    found->dropout = dropout;
    found->has_states = states != nullptr;
    return CUDNN_STATUS_SUCCESS;
  });
}

cudnnStatus_t cudnnDestroyDropoutDescriptor(cudnnDropoutDescriptor_t desc) {
  Call call("cudnnDestroyDropoutDescriptor", "desc=%p", static_cast<void*>(desc));
  return call.cudnn([&] {
    return handles<DropoutDescriptor>().remove(desc)
               ? CUDNN_STATUS_SUCCESS
               : refuse(CUDNN_STATUS_BAD_PARAM, "dropoutDesc is null or was destroyed before");
  });
}
