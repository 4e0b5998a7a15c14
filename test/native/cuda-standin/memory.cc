#include "cuda-standin/memory.h"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>

#include "cuda-standin/calls.h"
#include "cuda-standin/control.h"
#include "cuda-standin/handles.h"
#include "cuda-standin/pools.h"
#include "cuda-standin/settings.h"

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace stm::standin {
namespace {

constexpr size_t kGuard = 256;  // on each side
constexpr unsigned char kGuardByte = 0xE5;
constexpr size_t kSpoiled = 4096;

struct Block {
  char *raw, *data;
  size_t bytes;
  Space space;
  int device;
  bool retired;
  std::shared_ptr<Pool> pool;
};

void poison([[maybe_unused]] const void* data, [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_poison_memory_region(data, bytes);
#endif
}
void unpoison([[maybe_unused]] const void* data, [[maybe_unused]] size_t bytes) {
#ifdef __SANITIZE_ADDRESS__
  __asan_unpoison_memory_region(data, bytes);
#endif
}

// A guard is looked at, and set up again, with the sanitizer's leave: in its builds it reports most of what would be
// found here, and sooner.
bool intact(char* guard) {
  unpoison(guard, kGuard);
  bool all = true;
  for (size_t i = 0; i < kGuard; ++i) all = all && static_cast<unsigned char>(guard[i]) == kGuardByte;
  if (!all) std::memset(guard, kGuardByte, kGuard);
  poison(guard, kGuard);
  return all;
}

void check(const Block& block) {
  const bool before = intact(block.data - kGuard), after = intact(block.data + block.bytes);
  if (before && after) return;
  fail_device(block.device, cudaErrorIllegalAddress, "something wrote %s an allocation of %zu bytes%s",
              !before ? "before" : "past the end of", block.bytes,
              block.space == Space::Pinned ? " of pinned host memory" : "");
}

// All memory that the stand-in has handed out.
class Registry {
 public:
  std::mutex mutex;
  std::map<uintptr_t, Block> blocks;
  uintptr_t checked = 0;            ///< whose guards were looked at last
  size_t plain[kMostDevices] = {};  ///< bytes of each device that no pool has
  size_t pinned = 0;

  Block* at(const void* data) {
    const auto found = blocks.find(reinterpret_cast<uintptr_t>(data));
    return found == blocks.end() ? nullptr : &found->second;
  }
  // The block that holds all of the range.
  Block* around(Range range) {
    const uintptr_t begin = reinterpret_cast<uintptr_t>(range.data);
    auto next = blocks.upper_bound(begin);
    if (next == blocks.begin()) return nullptr;
    Block& block = (--next)->second;
    const size_t offset = begin - next->first;
    return offset <= block.bytes && range.bytes <= block.bytes - offset ? &block : nullptr;
  }
  size_t left(int device) const {
    size_t taken = plain[device];
    for (const auto& pool : all_pools()) taken += pool->device == device ? pool->reserved : 0;
    return taken < settings().memory ? settings().memory - taken : 0;
  }
  bool take(size_t bytes, int device, Pool* pool) {
    if (!pool) {
      if (bytes > left(device)) return false;
      plain[device] += bytes;
      return true;
    }
    const size_t more = pool->used + bytes > pool->reserved ? pool->used + bytes - pool->reserved : 0;
    if (more > left(device)) return false;
    pool->reserved += more;
    pool->used += bytes;
    pool->used_high = std::max(pool->used_high, pool->used);
    pool->reserved_high = std::max(pool->reserved_high, pool->reserved);
    return true;
  }
};

Registry& registry() {
  static Registry& kept = *new Registry;
  return kept;
}

using Lock = std::lock_guard<std::mutex>;

class BlockCount final : public Counted {
 public:
  BlockCount(const char* what, Space space) : Counted(what), space_(space) {}
  size_t count() const override {
    const Lock lock(registry().mutex);
    size_t count = 0;
    for (const auto& entry : registry().blocks) count += entry.second.space == space_;
    return count;
  }

 private:
  Space space_;
};

void count_blocks() {
  static const BlockCount& device = *new BlockCount("device allocations", Space::Device);
  static const BlockCount& host = *new BlockCount("pinned host allocations", Space::Pinned);
  (void)device, (void)host;
}

void destroy(Block block) {
  check(block);
  std::memset(block.data, kGarbage, block.bytes);
  unpoison(block.data - kGuard, block.bytes + 2 * kGuard);
  std::free(block.raw);
}

}  // namespace

void* new_block(Space space, size_t bytes, int device, const std::shared_ptr<Pool>& pool) {
  count_blocks();
  Registry& r = registry();
  const Lock lock(r.mutex);
  if (space == Space::Device && !r.take(bytes, device, pool.get())) return nullptr;
  char* const raw = static_cast<char*>(std::malloc(bytes + 2 * kGuard + 512));
  if (!raw) return nullptr;
  // 256 bytes past a multiple of 512: as much alignment as is promised, and no more
  const uintptr_t base = (reinterpret_cast<uintptr_t>(raw) + kGuard + 255) / 512 * 512 + 256;
  char* const data = reinterpret_cast<char*>(base);
  std::memset(data - kGuard, kGuardByte, kGuard);
  std::memset(data, kGarbage, bytes);
  std::memset(data + bytes, kGuardByte, kGuard);
  poison(data - kGuard, kGuard);
  poison(data + bytes, kGuard);
  if (space == Space::Pinned) r.pinned += bytes;
  r.blocks[base] = Block{raw, data, bytes, space, device, false, pool};
  return data;
}

bool retire_block(const void* data) {
  Registry& r = registry();
  const Lock lock(r.mutex);
  Block* const block = r.at(data);
  if (!block || block->space != Space::Device || block->retired || !block->pool) return false;
  return block->retired = true;
}

bool release_block(const void* data, Space space) {
  Registry& r = registry();
  const Lock lock(r.mutex);
  Block* const block = r.at(data);
  if (!block || block->space != space) return false;
  if (space == Space::Pinned) r.pinned -= block->bytes;
  if (block->pool) {
    block->pool->used -= block->bytes;
  } else if (space == Space::Device) {
    r.plain[block->device] -= block->bytes;
  }
  destroy(*block);
  r.blocks.erase(reinterpret_cast<uintptr_t>(data));
  return true;
}

bool on_device(Range range, int device, bool retired) {
  const Lock lock(registry().mutex);
  const Block* const block = registry().around(range);
  return block && block->space == Space::Device && block->device == device && (retired || !block->retired);
}

bool touches_device(Range range) {
  const Lock lock(registry().mutex);
  const uintptr_t begin = reinterpret_cast<uintptr_t>(range.data), end = begin + range.bytes;
  auto at = registry().blocks.upper_bound(begin);
  if (at != registry().blocks.begin()) --at;
  for (; at != registry().blocks.end() && at->first < end; ++at) {
    if (at->second.space == Space::Device && begin < at->first + at->second.bytes) return true;
  }
  return false;
}

bool pinned(Range range) {
  const Lock lock(registry().mutex);
  const Block* const block = registry().around(range);
  return block && block->space == Space::Pinned;
}

cudaError_t submit_touching(cudaStream_t stream, const char* function, std::vector<Range> ranges, Work work) {
  const int device = current_device();
  for (const Range& range : ranges) {
    if (on_device(range, device)) continue;
    fail_device(device, cudaErrorIllegalAddress, "%s: %zu bytes at %p are not all in one live allocation of device %d",
                function, range.bytes, range.data, device);
    return cudaErrorIllegalAddress;
  }
  return submit(stream, [function, device, ranges = std::move(ranges), work = std::move(work)] {
    for (const Range& range : ranges) {
      if (on_device(range, device, true)) continue;
      fail_device(device, cudaErrorIllegalAddress,
                  "%s: %zu bytes at %p had been released before the stream came to them", function, range.bytes,
                  range.data);
      return;
    }
    work();
  });
}

void memory_synchronized(int device) {
  Registry& r = registry();
  const Lock lock(r.mutex);
  // A few at a time, in turn: a long test keeps thousands alive. Each is looked at again when it is freed.
  constexpr int kAtOnce = 64;
  auto at = r.blocks.upper_bound(r.checked);
  for (int i = 0; i < std::min<int>(kAtOnce, static_cast<int>(r.blocks.size())); ++i, ++at) {
    if (at == r.blocks.end()) at = r.blocks.begin();
    if (at->second.device == device) check(at->second);
    r.checked = at->first;
  }
  for (const auto& pool : all_pools()) {
    if (pool->device == device) pool->reserved = std::max(pool->used, std::min(pool->reserved, pool->threshold));
  }
}

size_t free_memory(int device) {
  const Lock lock(registry().mutex);
  return registry().left(device);
}

void spoil(Range workspace) {
  char* const data = static_cast<char*>(const_cast<void*>(workspace.data));
  const size_t edge = std::min(workspace.bytes, kSpoiled);
  std::memset(data, kGarbage, edge);
  std::memset(data + workspace.bytes - edge, kGarbage, edge);
}

bool with_pool(cudaMemPool_t handle, const std::function<void(Pool&)>& change) {
  const auto pool = find_pool(handle);
  if (!pool) return false;
  const Lock lock(registry().mutex);
  change(*pool);
  return true;
}

}  // namespace stm::standin

unsigned long long standin_pinned_bytes() {
  const stm::standin::Lock lock(stm::standin::registry().mutex);
  return stm::standin::registry().pinned;
}
