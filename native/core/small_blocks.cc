#include "core/small_blocks.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>

namespace stm {
namespace {
constexpr size_t kStep = 32, kLargest = 1024;  // of the sizes, with what stands before the data
constexpr int64_t kKeptBytes = 128 << 10;      // of each size, for later

class Pool;

/// What stands before the data, which is aligned as malloc's.
struct alignas(16) Block {
  Pool* owner;  ///< null: of no pool
  size_t size;  ///< in steps
};

/// Of a free block, in the place of its data.
Block*& next_of(Block* block) { return *reinterpret_cast<Block**>(block + 1); }

/// Free blocks of one thread.
class Pool {
 public:
  /// The owner's.
  Block* take(size_t size) noexcept {
    Shelf& shelf = shelves_[size];
    if (!shelf.own) {
      if (!shelf.returned.load(std::memory_order_relaxed)) return nullptr;
      shelf.own = shelf.returned.exchange(nullptr, std::memory_order_acquire);
      shelf.kept += shelf.on_their_way.exchange(0, std::memory_order_relaxed);
    }
    --shelf.kept;
    return std::exchange(shelf.own, next_of(shelf.own));
  }
  void keep(Block* block) noexcept {
    Shelf& shelf = shelves_[block->size];
    if (shelf.kept >= most(block->size)) return std::free(block);
    ++shelf.kept;
    next_of(block) = std::exchange(shelf.own, block);
  }
  /// Other threads'.
  void return_to(Block* block) noexcept {
    Shelf& shelf = shelves_[block->size];
    if (shelf.on_their_way.load(std::memory_order_relaxed) >= most(block->size)) return std::free(block);
    shelf.on_their_way.fetch_add(1, std::memory_order_relaxed);
    next_of(block) = shelf.returned.load(std::memory_order_relaxed);
    while (!shelf.returned.compare_exchange_weak(next_of(block), block, std::memory_order_release,
                                                 std::memory_order_relaxed)) {
    }
  }
  /// At the owner's end: frees what is here. Blocks that others still have come back to the next owner.
  void clear() noexcept {
    for (size_t size = 0; size < shelves_.size(); ++size)
      while (Block* const block = take(size)) std::free(block);
  }

  Pool* next = nullptr;  ///< of those that no thread has

 private:
  /// Of one size. The second half is what other threads write.
  struct alignas(64) Shelf {
    Block* own = nullptr;
    int64_t kept = 0;
    alignas(64) std::atomic<Block*> returned{nullptr};
    std::atomic<int64_t> on_their_way{0};
  };
  static int64_t most(size_t size) { return kKeptBytes / static_cast<int64_t>(size * kStep); }
  std::array<Shelf, kLargest / kStep + 1> shelves_;
};

std::mutex waiting_mutex;
Pool* waiting = nullptr;  // pools whose threads have ended: their blocks may still come back

constinit thread_local Pool* mine = nullptr;
constinit thread_local bool ended = false;

/// Of a thread, until its end.
struct Lease {
  Lease() noexcept {
    const std::lock_guard lock(waiting_mutex);
    if (waiting) mine = std::exchange(waiting, waiting->next);
    else if (void* const place = std::aligned_alloc(alignof(Pool), sizeof(Pool))) mine = new (place) Pool();
  }
  ~Lease() {
    ended = true;
    if (!mine) return;
    mine->clear();
    const std::lock_guard lock(waiting_mutex);
    mine->next = std::exchange(waiting, mine);
    mine = nullptr;
  }
};

/// Null where there is none.
Pool* pool() noexcept {
  if (!mine && !ended) thread_local const Lease lease;
  return mine;
}

void* data_of(Block* block, Pool* owner, size_t size) noexcept {
  return block ? new (block) Block{owner, size} + 1 : nullptr;
}

}  // namespace

void* take_block(size_t bytes) noexcept {
  const size_t whole = bytes + sizeof(Block);
  if (whole < bytes) return nullptr;
  Pool* const owner = whole <= kLargest ? pool() : nullptr;
  if (!owner) return data_of(static_cast<Block*>(std::malloc(whole)), nullptr, 0);
  const size_t size = (whole + kStep - 1) / kStep;
  if (Block* const kept = owner->take(size)) return kept + 1;
  return data_of(static_cast<Block*>(std::malloc(size * kStep)), owner, size);
}

void give_back_block(void* data) noexcept {
  if (!data) return;
  Block* const block = static_cast<Block*>(data) - 1;
  if (!block->owner) std::free(block);
  else if (block->owner == mine) block->owner->keep(block);
  else block->owner->return_to(block);
}

}  // namespace stm
