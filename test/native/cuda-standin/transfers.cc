// Allocation, copies and fills, as the caller sees them.
#include <cstdio>
#include <cstring>

#include "cuda-standin/calls.h"
#include "cuda-standin/handles.h"
#include "cuda-standin/memory.h"
#include "cuda-standin/pools.h"
#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

cudaError_t allocate_ordered(void** out, size_t bytes, const std::shared_ptr<Pool>& pool, cudaStream_t stream) {
  if (const cudaError_t refused = refuse_without_pools()) return refused;
  const auto found = usable_stream(stream);
  if (!found || !pool) return cudaErrorInvalidValue;
  if (!out || bytes == 0) return cudaErrorInvalidValue;
  if (capturing(stream)) {  // possible in principle; nothing here should want it
    invalidate_capture(stream);
    return cudaErrorStreamCaptureUnsupported;
  }
  void* data = new_block(Space::Device, bytes, pool->device, pool);
  if (!data) {
    finish_stream(*found);  // what the stream gives back before is there for it to take
    data = new_block(Space::Device, bytes, pool->device, pool);
  }
  if (!data) return cudaErrorMemoryAllocation;
  *out = data;
  return cudaSuccess;
}

// CUDA's guide names page-locking and cudaMalloc among the calls that synchronise; the two that free wait in any case.
cudaError_t begin_waiting() {
  if (const cudaError_t refused = refuse_while_capturing()) return refused;
  (void)spoil_captures(current_device());
  return cudaSuccess;
}

cudaError_t allocate_pinned(void** out, size_t bytes) {
  if (const cudaError_t refused = begin_waiting()) return refused;
  if (!out || bytes == 0) return cudaErrorInvalidValue;
  *out = new_block(Space::Pinned, bytes, current_device(), nullptr);
  return *out ? cudaSuccess : cudaErrorMemoryAllocation;
}

cudaMemcpyKind kind_of(const void* to, const void* from, size_t bytes) {
  const bool to_device = touches_device({to, bytes}), from_device = touches_device({from, bytes});
  return to_device     ? from_device ? cudaMemcpyDeviceToDevice : cudaMemcpyHostToDevice
         : from_device ? cudaMemcpyDeviceToHost
                       : cudaMemcpyHostToHost;
}

cudaError_t wrong_end(const char* what, const void* data, size_t bytes) {
  fail_device(current_device(), cudaErrorIllegalAddress,
              "cudaMemcpyAsync: the host's %s, %zu bytes at %p, is memory of a device", what, bytes, data);
  return cudaErrorIllegalAddress;
}

// Pinned memory that a copy was given must live until the stream has come to the copy.
bool still_pinned(bool was, const void* data, size_t bytes, int device) {
  if (!was || pinned({data, bytes})) return true;
  fail_device(device, cudaErrorIllegalAddress,
              "cudaMemcpyAsync: %zu bytes of pinned memory at %p had been freed before the stream came to them", bytes,
              data);
  return false;
}

cudaError_t copy_to_device(void* to, const void* from, size_t bytes, cudaStream_t stream) {
  if (touches_device({from, bytes})) return wrong_end("source", from, bytes);
  const bool is_pinned = pinned({from, bytes});
  const int device = current_device();
  if (is_pinned || capturing(stream)) {
    return submit_touching(stream, "cudaMemcpyAsync", {{to, bytes}}, [=] {
      if (still_pinned(is_pinned, from, bytes, device)) std::memcpy(to, from, bytes);
    });
  }
  const auto begin = static_cast<const char*>(from);
  return submit_touching(
      stream, "cudaMemcpyAsync", {{to, bytes}},
      [to, staged = std::vector<char>(begin, begin + bytes)] { std::memcpy(to, staged.data(), staged.size()); });
}

cudaError_t copy_to_host(void* to, const void* from, size_t bytes, cudaStream_t stream) {
  if (touches_device({to, bytes})) return wrong_end("destination", to, bytes);
  const bool is_pinned = pinned({to, bytes});
  const int device = current_device();
  return submit_touching(stream, "cudaMemcpyAsync", {{from, bytes}}, [=] {
    if (still_pinned(is_pinned, to, bytes, device)) std::memcpy(to, from, bytes);
  });
}

}  // namespace
}  // namespace stm::standin

using namespace stm::standin;

cudaError_t cudaMallocAsync(void** out, size_t bytes, cudaStream_t stream) {
  Call call("cudaMallocAsync", "bytes=%zu stream=%p", bytes, static_cast<void*>(stream));
  return call.cuda([&] { return allocate_ordered(out, bytes, default_pool(current_device()), stream); });
}

cudaError_t cudaMallocFromPoolAsync(void** out, size_t bytes, cudaMemPool_t pool, cudaStream_t stream) {
  Call call("cudaMallocFromPoolAsync", "bytes=%zu pool=%p stream=%p", bytes, static_cast<void*>(pool),
            static_cast<void*>(stream));
  return call.cuda([&] { return allocate_ordered(out, bytes, find_pool(pool), stream); });
}

cudaError_t cudaFreeAsync(void* data, cudaStream_t stream) {
  Call call("cudaFreeAsync", "data=%p stream=%p", data, static_cast<void*>(stream));
  return call.cuda([&] {
    if (const cudaError_t refused = refuse_without_pools()) return refused;
    if (!usable_stream(stream)) return cudaErrorInvalidResourceHandle;
    if (capturing(stream)) {
      invalidate_capture(stream);
      return cudaErrorStreamCaptureUnsupported;
    }
    if (!retire_block(data)) {
      std::fprintf(stderr, "cuda stand-in: cudaFreeAsync: %p is no allocation of a pool, or was freed before\n", data);
      return cudaErrorInvalidValue;
    }
    return submit(stream, [data] { release_block(data, Space::Device); });
  });
}

cudaError_t cudaMalloc(void** out, size_t bytes) {
  Call call("cudaMalloc", "bytes=%zu", bytes);
  return call.cuda([&] {
    if (const cudaError_t refused = begin_waiting()) return refused;
    if (!out) return cudaErrorInvalidValue;
    *out = nullptr;
    if (bytes == 0) return cudaSuccess;
    *out = new_block(Space::Device, bytes, current_device(), nullptr);
    return *out ? cudaSuccess : cudaErrorMemoryAllocation;
  });
}

cudaError_t cudaFree(void* data) {
  Call call("cudaFree", "data=%p", data);
  return call.cuda([&] {
    if (const cudaError_t refused = begin_waiting()) return refused;
    if (!data) return cudaSuccess;
    finish_device(current_device());
    if (release_block(data, Space::Device)) return fatal_error(current_device());
    std::fprintf(stderr, "cuda stand-in: cudaFree: %p is no allocation, or was freed before\n", data);
    return cudaErrorInvalidValue;
  });
}

cudaError_t cudaMallocHost(void** out, size_t bytes) {
  Call call("cudaMallocHost", "bytes=%zu", bytes);
  return call.cuda([&] { return allocate_pinned(out, bytes); });
}

cudaError_t cudaHostAlloc(void** out, size_t bytes, unsigned flags) {
  Call call("cudaHostAlloc", "bytes=%zu flags=%u", bytes, flags);
  return call.cuda([&] { return flags > 7 ? cudaErrorInvalidValue : allocate_pinned(out, bytes); });
}

cudaError_t cudaFreeHost(void* data) {
  Call call("cudaFreeHost", "data=%p", data);
  return call.cuda([&] {
    if (const cudaError_t refused = begin_waiting()) return refused;
    if (!data || release_block(data, Space::Pinned)) return cudaSuccess;
    std::fprintf(stderr, "cuda stand-in: cudaFreeHost: %p is no pinned allocation, or was freed before\n", data);
    return cudaErrorInvalidValue;
  });
}

cudaError_t cudaMemGetInfo(size_t* free, size_t* total) {
  Call call("cudaMemGetInfo", "%s", "");
  return call.cuda([&] {
    if (!free || !total) return cudaErrorInvalidValue;
    *free = free_memory(current_device());
    *total = settings().memory;
    return cudaSuccess;
  });
}

cudaError_t cudaMemcpyAsync(void* to, const void* from, size_t bytes, cudaMemcpyKind kind, cudaStream_t stream) {
  Call call("cudaMemcpyAsync", "to=%p from=%p bytes=%zu kind=%d stream=%p", to, from, bytes, static_cast<int>(kind),
            static_cast<void*>(stream));
  return call.cuda([&] {
    if (!usable_stream(stream)) return cudaErrorInvalidResourceHandle;
    if (bytes == 0) return cudaSuccess;
    if (!to || !from) return cudaErrorInvalidValue;
    switch (kind == cudaMemcpyDefault ? kind_of(to, from, bytes) : kind) {
      case cudaMemcpyHostToDevice: return copy_to_device(to, from, bytes, stream);
      case cudaMemcpyDeviceToHost: return copy_to_host(to, from, bytes, stream);
      case cudaMemcpyDeviceToDevice: {
        const char *const a = static_cast<const char*>(to), *const b = static_cast<const char*>(from);
        if (a < b + bytes && b < a + bytes) return cudaErrorInvalidValue;  // undefined; no memmove
        return submit_touching(stream, "cudaMemcpyAsync", {{to, bytes}, {from, bytes}},
                               [=] { std::memcpy(to, from, bytes); });
      }
      case cudaMemcpyHostToHost: return submit(stream, [=] { std::memcpy(to, from, bytes); });
      default: return cudaErrorInvalidMemcpyDirection;
    }
  });
}

cudaError_t cudaMemsetAsync(void* data, int value, size_t bytes, cudaStream_t stream) {
  Call call("cudaMemsetAsync", "data=%p value=%d bytes=%zu stream=%p", data, value, bytes, static_cast<void*>(stream));
  return call.cuda([&] {
    if (!usable_stream(stream)) return cudaErrorInvalidResourceHandle;
    if (bytes == 0) return cudaSuccess;
    if (!data) return cudaErrorInvalidValue;
    return submit_touching(stream, "cudaMemsetAsync", {{data, bytes}}, [=] { std::memset(data, value, bytes); });
  });
}
