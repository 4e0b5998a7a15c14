// Devices, versions and errors.
#include <cstdio>
#include <cstring>

#include "cuda-standin/calls.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

struct ErrorText {
  cudaError_t error;
  const char *name, *text;
};

const ErrorText kErrors[] = {
    {cudaSuccess, "cudaSuccess", "no error"},
    {cudaErrorInvalidValue, "cudaErrorInvalidValue", "invalid argument"},
    {cudaErrorMemoryAllocation, "cudaErrorMemoryAllocation", "out of memory"},
    {cudaErrorInitializationError, "cudaErrorInitializationError", "initialization error"},
    {cudaErrorInvalidMemcpyDirection, "cudaErrorInvalidMemcpyDirection", "invalid copy direction for memcpy"},
    {cudaErrorInsufficientDriver, "cudaErrorInsufficientDriver",
     "CUDA driver version is insufficient for CUDA runtime version"},
    {cudaErrorInvalidDeviceFunction, "cudaErrorInvalidDeviceFunction", "invalid device function"},
    {cudaErrorNoDevice, "cudaErrorNoDevice", "no CUDA-capable device is detected"},
    {cudaErrorInvalidDevice, "cudaErrorInvalidDevice", "invalid device ordinal"},
    {cudaErrorNoKernelImageForDevice, "cudaErrorNoKernelImageForDevice",
     "no kernel image is available for execution on the device"},
    {cudaErrorECCUncorrectable, "cudaErrorECCUncorrectable", "uncorrectable ECC error encountered"},
    {cudaErrorInvalidResourceHandle, "cudaErrorInvalidResourceHandle", "invalid resource handle"},
    {cudaErrorIllegalState, "cudaErrorIllegalState", "the operation cannot be performed in the present state"},
    {cudaErrorNotReady, "cudaErrorNotReady", "device not ready"},
    {cudaErrorIllegalAddress, "cudaErrorIllegalAddress", "an illegal memory access was encountered"},
    {cudaErrorLaunchOutOfResources, "cudaErrorLaunchOutOfResources", "too many resources requested for launch"},
    {cudaErrorLaunchTimeout, "cudaErrorLaunchTimeout", "the launch timed out and was terminated"},
    {cudaErrorAssert, "cudaErrorAssert", "device-side assert triggered"},
    {cudaErrorMisalignedAddress, "cudaErrorMisalignedAddress", "misaligned address"},
    {cudaErrorLaunchFailure, "cudaErrorLaunchFailure", "unspecified launch failure"},
    {cudaErrorNotSupported, "cudaErrorNotSupported", "operation not supported"},
    {cudaErrorStreamCaptureUnsupported, "cudaErrorStreamCaptureUnsupported",
     "operation not permitted when stream is capturing"},
    {cudaErrorStreamCaptureInvalidated, "cudaErrorStreamCaptureInvalidated",
     "operation failed due to a previous error during capture"},
    {cudaErrorStreamCaptureUnmatched, "cudaErrorStreamCaptureUnmatched",
     "the capture was not initiated in this stream"},
    {cudaErrorStreamCaptureUnjoined, "cudaErrorStreamCaptureUnjoined", "capturing stream has unjoined work"},
    {cudaErrorStreamCaptureIsolation, "cudaErrorStreamCaptureIsolation",
     "dependency created on uncaptured work in another stream"},
    {cudaErrorCapturedEvent, "cudaErrorCapturedEvent",
     "operation not permitted on an event last recorded in a capturing stream"},
    {cudaErrorStreamCaptureWrongThread, "cudaErrorStreamCaptureWrongThread",
     "attempt to terminate a thread-local capture sequence from another thread"},
    {cudaErrorUnknown, "cudaErrorUnknown", "unknown error"},
};

const ErrorText* find(cudaError_t error) {
  for (const ErrorText& entry : kErrors) {
    if (entry.error == error) return &entry;
  }
  return nullptr;
}

constexpr int kMultiprocessors = 132, kSharedMemory = 227 * 1024;
constexpr int kMpsEnabled = 133;  // cudaDevAttrMpsEnabled, which older headers lack

cudaError_t properties(cudaDeviceProp* prop, int device) {
  if (!prop) return cudaErrorInvalidValue;
  if (device < 0 || device >= settings().devices) return cudaErrorInvalidDevice;
  std::memset(prop, 0, sizeof *prop);
  std::snprintf(prop->name, sizeof prop->name, "CUDA stand-in (computes on the CPU)");
  prop->totalGlobalMem = settings().memory;
  prop->sharedMemPerBlock = 48 * 1024;
  prop->sharedMemPerBlockOptin = kSharedMemory;
  prop->regsPerBlock = 65536;
  prop->warpSize = 32;
  prop->maxThreadsPerBlock = 1024;
  prop->maxThreadsPerMultiProcessor = 2048;
  prop->maxThreadsDim[0] = prop->maxThreadsDim[1] = 1024;
  prop->maxThreadsDim[2] = 64;
  prop->maxGridSize[0] = 2147483647;
  prop->maxGridSize[1] = prop->maxGridSize[2] = 65535;
  prop->major = settings().capability / 10;
  prop->minor = settings().capability % 10;
  prop->multiProcessorCount = kMultiprocessors;
  prop->l2CacheSize = 50 << 20;
  prop->unifiedAddressing = prop->concurrentKernels = prop->cooperativeLaunch = 1;
  prop->memoryPoolsSupported = settings().pools;
  prop->pciBusID = device + 1;
  return cudaSuccess;
}

cudaError_t attribute(int* value, cudaDeviceAttr attr, int device) {
  if (!value) return cudaErrorInvalidValue;
  if (device < 0 || device >= settings().devices) return cudaErrorInvalidDevice;
  if (static_cast<int>(attr) == kMpsEnabled) return *value = 0, cudaSuccess;
  switch (attr) {
    case cudaDevAttrComputeCapabilityMajor: *value = settings().capability / 10; return cudaSuccess;
    case cudaDevAttrComputeCapabilityMinor: *value = settings().capability % 10; return cudaSuccess;
    case cudaDevAttrMultiProcessorCount: *value = kMultiprocessors; return cudaSuccess;
    case cudaDevAttrMaxThreadsPerBlock: *value = 1024; return cudaSuccess;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = 2048; return cudaSuccess;
    case cudaDevAttrWarpSize: *value = 32; return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = 48 * 1024; return cudaSuccess;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = kSharedMemory; return cudaSuccess;
    case cudaDevAttrL2CacheSize: *value = 50 << 20; return cudaSuccess;
    case cudaDevAttrMaxGridDimX: *value = 2147483647; return cudaSuccess;
    case cudaDevAttrComputeMode: *value = cudaComputeModeDefault; return cudaSuccess;
    case cudaDevAttrMemoryPoolsSupported: *value = settings().pools; return cudaSuccess;
    case cudaDevAttrCooperativeLaunch:
    case cudaDevAttrUnifiedAddressing:
    case cudaDevAttrConcurrentKernels: *value = 1; return cudaSuccess;
    default:
      std::fprintf(stderr, "cuda stand-in: cudaDeviceGetAttribute: attribute %d is not stood in for\n",
                   static_cast<int>(attr));
      return cudaErrorInvalidValue;
  }
}

}  // namespace
}  // namespace stm::standin

using namespace stm::standin;

cudaError_t cudaGetDeviceCount(int* count) {
  Call call("cudaGetDeviceCount", "%s", "");
  return call.cuda([&] {
    if (!count) return cudaErrorInvalidValue;
    *count = settings().devices;
    return cudaSuccess;
  });
}

// A macro for cudaGetDeviceProperties_v2 in CUDA 12.
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* prop, int device) {
  Call call("cudaGetDeviceProperties", "device=%d", device);
  return call.cuda([&] { return properties(prop, device); });
}

cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr attr, int device) {
  Call call("cudaDeviceGetAttribute", "attribute=%d device=%d", static_cast<int>(attr), device);
  return call.cuda([&] { return attribute(value, attr, device); });
}

cudaError_t cudaDriverGetVersion(int* version) {
  Call call("cudaDriverGetVersion", "%s", "");
  return call.cuda_anyway([&] {
    if (!version) return cudaErrorInvalidValue;
    *version = settings().driver;
    return cudaSuccess;
  });
}

cudaError_t cudaRuntimeGetVersion(int* version) {
  Call call("cudaRuntimeGetVersion", "%s", "");
  return call.cuda_anyway([&] {
    if (!version) return cudaErrorInvalidValue;
    *version = kRuntimeVersion;
    return cudaSuccess;
  });
}

cudaError_t cudaSetDevice(int device) {
  Call call("cudaSetDevice", "device=%d", device);
  return call.cuda([&] {
    if (device < 0 || device >= settings().devices) return cudaErrorInvalidDevice;
    set_current_device(device);
    return fatal_error(device);
  });
}

cudaError_t cudaGetDevice(int* device) {
  Call call("cudaGetDevice", "%s", "");
  return call.cuda([&] {
    if (!device) return cudaErrorInvalidValue;
    *device = current_device();
    return cudaSuccess;
  });
}

cudaError_t cudaGetLastError() {
  Call call("cudaGetLastError", "%s", "");
  return call.cuda_silently([&] {
    const cudaError_t error = last_error();
    last_error() = cudaSuccess;
    if (error == cudaSuccess || fatal_error(current_device())) return fatal_error(current_device());
    return error;
  });
}

cudaError_t cudaPeekAtLastError() {
  Call call("cudaPeekAtLastError", "%s", "");
  return call.cuda_silently(
      [&] { return fatal_error(current_device()) ? fatal_error(current_device()) : last_error(); });
}

const char* cudaGetErrorName(cudaError_t error) {
  Call call("cudaGetErrorName", "error=%d", static_cast<int>(error));
  call.log_result(0);
  const ErrorText* const entry = find(error);
  return call.fault() || !entry ? "unrecognized error code" : entry->name;
}

const char* cudaGetErrorString(cudaError_t error) {
  Call call("cudaGetErrorString", "error=%d", static_cast<int>(error));
  call.log_result(0);
  const ErrorText* const entry = find(error);
  return call.fault() || !entry ? "unrecognized error code" : entry->text;
}
