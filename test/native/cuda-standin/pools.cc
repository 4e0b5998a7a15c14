#include "cuda-standin/pools.h"

#include <algorithm>
#include <cstdint>

#include "cuda-standin/calls.h"
#include "cuda-standin/handles.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

std::vector<std::shared_ptr<Pool>> make_defaults() {
  std::vector<std::shared_ptr<Pool>> pools;
  for (int i = 0; i < settings().devices; ++i) {
    pools.push_back(std::make_shared<Pool>());
    pools.back()->device = i;
    pools.back()->handle = static_cast<cudaMemPool_t>(new_handle());
  }
  return pools;
}

const std::vector<std::shared_ptr<Pool>>& defaults() {
  static const auto& pools = *new std::vector<std::shared_ptr<Pool>>(make_defaults());
  return pools;
}

// Where the value of an attribute lies; false if there is none such.
bool attribute(Pool& pool, cudaMemPoolAttr attr, size_t** size, int** flag) {
  *size = nullptr, *flag = nullptr;
  switch (attr) {
    case cudaMemPoolReuseFollowEventDependencies: *flag = &pool.reuse[0]; return true;
    case cudaMemPoolReuseAllowOpportunistic: *flag = &pool.reuse[1]; return true;
    case cudaMemPoolReuseAllowInternalDependencies: *flag = &pool.reuse[2]; return true;
    case cudaMemPoolAttrReleaseThreshold: *size = &pool.threshold; return true;
    case cudaMemPoolAttrReservedMemCurrent: *size = &pool.reserved; return true;
    case cudaMemPoolAttrReservedMemHigh: *size = &pool.reserved_high; return true;
    case cudaMemPoolAttrUsedMemCurrent: *size = &pool.used; return true;
    case cudaMemPoolAttrUsedMemHigh: *size = &pool.used_high; return true;
    default: return false;
  }
}

cudaError_t set_attribute(Pool& pool, cudaMemPoolAttr attr, const void* value) {
  size_t* size = nullptr;
  int* flag = nullptr;
  if (!attribute(pool, attr, &size, &flag)) return cudaErrorInvalidValue;
  if (flag) {
    *flag = *static_cast<const int*>(value);
    return cudaSuccess;
  }
  const size_t wanted = *static_cast<const uint64_t*>(value);
  if (attr == cudaMemPoolAttrReleaseThreshold) {
    *size = wanted;
    return cudaSuccess;
  }
  if (wanted || attr == cudaMemPoolAttrReservedMemCurrent || attr == cudaMemPoolAttrUsedMemCurrent)
    return cudaErrorInvalidValue;
  *size = attr == cudaMemPoolAttrUsedMemHigh ? pool.used : pool.reserved;  // 0 sets a mark back to what is
  return cudaSuccess;
}

}  // namespace

std::vector<std::shared_ptr<Pool>> all_pools() {
  auto pools = handles<Pool>().list();
  pools.insert(pools.end(), defaults().begin(), defaults().end());
  return pools;
}

std::shared_ptr<Pool> default_pool(int device) { return defaults()[static_cast<size_t>(device)]; }

cudaError_t refuse_without_pools() { return settings().pools ? cudaSuccess : cudaErrorNotSupported; }

std::shared_ptr<Pool> find_pool(cudaMemPool_t handle) {
  for (const auto& pool : defaults()) {
    if (pool->handle == handle) return pool;
  }
  return handles<Pool>().find(handle);
}

}  // namespace stm::standin

using namespace stm::standin;

cudaError_t cudaDeviceGetDefaultMemPool(cudaMemPool_t* out, int device) {
  Call call("cudaDeviceGetDefaultMemPool", "device=%d", device);
  return call.cuda([&] {
    if (const cudaError_t refused = refuse_without_pools()) return refused;
    if (!out) return cudaErrorInvalidValue;
    if (device < 0 || device >= settings().devices) return cudaErrorInvalidDevice;
    *out = default_pool(device)->handle;
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolCreate(cudaMemPool_t* out, const cudaMemPoolProps* props) {
  Call call("cudaMemPoolCreate", "device=%d", props ? props->location.id : -1);
  return call.cuda([&] {
    if (const cudaError_t refused = refuse_without_pools()) return refused;
    if (!out || !props || props->allocType != cudaMemAllocationTypePinned ||
        props->location.type != cudaMemLocationTypeDevice)
      return cudaErrorInvalidValue;
    if (props->location.id < 0 || props->location.id >= settings().devices) return cudaErrorInvalidDevice;
    auto pool = std::make_shared<Pool>();
    pool->device = props->location.id;
    *out = static_cast<cudaMemPool_t>(handles<Pool>().add(std::move(pool)));
    return cudaSuccess;
  });
}

cudaError_t cudaMemPoolDestroy(cudaMemPool_t pool) {
  Call call("cudaMemPoolDestroy", "pool=%p", static_cast<void*>(pool));
  return call.cuda([&] {
    if (const cudaError_t refused = refuse_without_pools()) return refused;
    return handles<Pool>().remove(pool) ? cudaSuccess : cudaErrorInvalidValue;
  });
}

cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attr, void* value) {
  Call call("cudaMemPoolSetAttribute", "pool=%p attribute=%d", static_cast<void*>(pool), static_cast<int>(attr));
  return call.cuda([&] {
    if (const cudaError_t refused = refuse_without_pools()) return refused;
    cudaError_t error = cudaErrorInvalidValue;
    if (value) with_pool(pool, [&](Pool& found) { error = set_attribute(found, attr, value); });
    return error;
  });
}

cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t pool, cudaMemPoolAttr attr, void* value) {
  Call call("cudaMemPoolGetAttribute", "pool=%p attribute=%d", static_cast<void*>(pool), static_cast<int>(attr));
  return call.cuda([&] {
    if (const cudaError_t refused = refuse_without_pools()) return refused;
    cudaError_t error = cudaErrorInvalidValue;
    if (!value) return error;
    with_pool(pool, [&](Pool& found) {
      size_t* size = nullptr;
      int* flag = nullptr;
      if (!attribute(found, attr, &size, &flag)) return;
      if (size) *static_cast<uint64_t*>(value) = *size;
      if (flag) *static_cast<int*>(value) = *flag;
      error = cudaSuccess;
    });
    return error;
  });
}

cudaError_t cudaMemPoolTrimTo(cudaMemPool_t pool, size_t keep) {
  Call call("cudaMemPoolTrimTo", "pool=%p keep=%zu", static_cast<void*>(pool), keep);
  return call.cuda([&] {
    if (const cudaError_t refused = refuse_without_pools()) return refused;
    if (const cudaError_t refused = refuse_while_capturing()) return refused;
    const bool found = with_pool(pool, [&](Pool& p) { p.reserved = std::max(p.used, std::min(p.reserved, keep)); });
    return found ? cudaSuccess : cudaErrorInvalidValue;
  });
}
