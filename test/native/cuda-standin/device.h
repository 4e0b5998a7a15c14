#pragma once
#include <cuda_runtime_api.h>

#include <atomic>

namespace stm::standin {

/// The thread's device; a valid number even where there is none.
int current_device();
void set_current_device(int device);

/// Why no call can work: there is no device, no driver, or the device has met a fatal error. cudaSuccess otherwise.
cudaError_t unusable();
/// The fatal error of a device, or cudaSuccess.
cudaError_t fatal_error(int device);
/// Makes every later call on the device fail, and says on stderr why.
void fail_device(int device, cudaError_t error, const char* format, ...) __attribute__((format(printf, 3, 4)));
void forget_fatal_errors();

/// What a fault that a test asked for does: a fatal one stays.
cudaError_t injected(int code);

/// What cudaGetLastError tells and clears; the thread's.
cudaError_t& last_error();

}  // namespace stm::standin
