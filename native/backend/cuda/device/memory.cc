// Where device memory comes from: the device's pool, in the order of the stream. Some virtual GPUs and boards have no
// pools, only cudaMalloc and cudaFree. Those keep the order too, by waiting: cudaFree returns once all that the device
// was given has run, so nothing still uses what it frees, and what cudaMalloc gives has been used by nobody since. It
// costs a stop of the device, which the caching allocator makes rare.
#include "backend/cuda/device/context.h"

namespace stm::cuda {

Status Context::set_up_pool() {
  if (!has_pool) return Status::ok();
  cudaMemPool_t pool = nullptr;
  STM_TRY(check(cudaDeviceGetDefaultMemPool(&pool, device), "cudaDeviceGetDefaultMemPool"));
  uint64_t keep = UINT64_MAX;  // what is freed stays in the pool until trim()
  return check(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &keep), "cudaMemPoolSetAttribute");
}

Status Context::allocate(size_t bytes, void** data) {
  if (!has_pool) return check(cudaMalloc(data, bytes), "cudaMalloc");
  return check(cudaMallocAsync(data, bytes, stream), "cudaMallocAsync");
}

void Context::release(void* data) {
  ignore(cudaSetDevice(device));
  ignore(has_pool ? cudaFreeAsync(data, stream) : cudaFree(data));
}

void Context::trim_pool() {
  if (!has_pool) return;
  cudaMemPool_t pool = nullptr;
  const cudaError_t found = cudaDeviceGetDefaultMemPool(&pool, device);
  ignore(found == cudaSuccess ? cudaMemPoolTrimTo(pool, 0) : found);
}

}  // namespace stm::cuda
