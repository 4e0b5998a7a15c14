#pragma once
#include <cuda_runtime_api.h>

#include <cstddef>
#include <memory>
#include <vector>

#include "cuda-standin/streams.h"

namespace stm::standin {

/// Bytes that a call touches, all of which must lie in one live allocation of the device.
struct Range {
  const void* data;
  size_t bytes;
};

struct Pool {
  static constexpr const char* kWhat = "memory pools";
  int device = 0;
  cudaMemPool_t handle = nullptr;
  size_t threshold = 0, used = 0, used_high = 0, reserved = 0, reserved_high = 0;
  int reuse[3] = {1, 1, 1};
};

enum class Space { Device, Pinned };

/// New memory between guards, full of NaN. Null if the device has no more, or, `pool` given, the pool cannot get it.
void* new_block(Space space, size_t bytes, int device, const std::shared_ptr<Pool>& pool);
/// Marks the block that begins there as given back in stream order: no later call may name it. False if there is none,
/// or it is already.
bool retire_block(const void* data);
/// Gives the block that begins there back at once. False if there is none of that kind.
bool release_block(const void* data, Space space);

/// Whether the range lies in one live block of device memory; with `retired`, one that was given back counts as long as
/// it has not been released.
bool on_device(Range range, int device, bool retired = false);
bool touches_device(Range range);
/// Whether the range lies in pinned memory.
bool pinned(Range range);

/// As submit(); the work is done only if all ranges still are live device memory then, or else the device fails. They
/// must be now.
cudaError_t submit_touching(cudaStream_t stream, const char* function, std::vector<Range> ranges, Work work);

/// Looks at all guards, and lets pools shrink to their thresholds: after every wait.
void memory_synchronized(int device);

/// Bytes that a device has left.
size_t free_memory(int device);

/// Writes garbage over either end of a workspace, as whoever uses it might.
void spoil(Range workspace);

/// All device memory is full of this at first, and again before it is released: NaN in every floating type.
constexpr unsigned char kGarbage = 0xFF;

}  // namespace stm::standin
