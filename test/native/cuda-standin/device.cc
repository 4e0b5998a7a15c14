#include "cuda-standin/device.h"

#include <cstdarg>
#include <cstdio>

#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

std::atomic<int> fatal[kMostDevices];
thread_local int chosen = 0;

bool stays(cudaError_t error) {
  switch (error) {
    case cudaErrorECCUncorrectable:
    case cudaErrorIllegalAddress:
    case cudaErrorLaunchTimeout:
    case cudaErrorAssert:
    case cudaErrorHardwareStackError:
    case cudaErrorIllegalInstruction:
    case cudaErrorMisalignedAddress:
    case cudaErrorInvalidAddressSpace:
    case cudaErrorInvalidPc:
    case cudaErrorLaunchFailure: return true;
    default: return false;
  }
}

}  // namespace

int current_device() { return chosen; }
void set_current_device(int device) { chosen = device; }

cudaError_t fatal_error(int device) { return static_cast<cudaError_t>(fatal[device].load()); }

cudaError_t unusable() {
  const Settings& s = settings();
  if (s.driver < kRuntimeVersion / 1000 * 1000) return cudaErrorInsufficientDriver;
  if (s.devices == 0) return cudaErrorNoDevice;
  return fatal_error(chosen);
}

void fail_device(int device, cudaError_t error, const char* format, ...) {
  char text[512];
  va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  std::fprintf(stderr, "cuda stand-in: %s\n", text);
  int none = cudaSuccess;
  fatal[device].compare_exchange_strong(none, error);
}

void forget_fatal_errors() {
  for (auto& error : fatal) error = cudaSuccess;
}

cudaError_t injected(int code) {
  const cudaError_t error = static_cast<cudaError_t>(code);
  int none = cudaSuccess;
  if (stays(error)) fatal[chosen].compare_exchange_strong(none, error);
  return error;
}

cudaError_t& last_error() {
  thread_local cudaError_t error = cudaSuccess;
  return error;
}

}  // namespace stm::standin
