#pragma once
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <utility>

#include "backend/backend.h"

namespace stm {

/// Caching allocator of one device. `take` belongs to the executor; `give_back` may be called by any thread and only
/// pushes on a lock-free list, which the executor empties before it allocates. So bytes return in queue order without a
/// command and without a lock.
///
/// What comes back is kept for the next request of its size, or of one a little smaller. How much is kept follows what
/// tensors have needed: all blocks together stay below twice the recent peak of what was in use, and those that nobody
/// has asked for in a long while go back to the device. A steady loop finds the blocks of its last round and never asks
/// the device. Nothing here allocates host memory but the block that a new piece of device memory gets.
class Allocator {
 public:
  /// Lives on the host, beside the device memory that it describes.
  struct Block {
    void* data = nullptr;
    size_t bytes = 0;
    size_t asked = 0;  ///< rounded; a little less where a larger block serves. What counts as used
    Block *next = nullptr,
          *previous =
              /// kept ones of its size, the one that came back last first; `next` also among those on their way back
          nullptr;
    Block *older = nullptr, *newer = nullptr;  ///< kept ones of all sizes
    uint64_t period = 0;                       ///< when it came back
  };
  explicit Allocator(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  /// Executor only.
  Status take(size_t bytes, Block** block);
  /// Executor only: gives everything that is kept back to the system.
  void empty_cache();
  void give_back(Block* block);

  /// What tensors may hold at most; 0: as much as there is. Any thread.
  void set_limit(int64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }
  int64_t limit() const { return limit_.load(std::memory_order_relaxed); }

  int64_t used_bytes() const { return used_.load(std::memory_order_relaxed); }
  int64_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }
  int64_t cached_bytes() const { return cached_.load(std::memory_order_relaxed); }

 private:
  static constexpr size_t kSizes = 400;
  void collect_returned();
  void release_cached();
  void keep(Block* block);
  void unlink(Block* block);
  void release(Block* block);
  Block* kept(size_t size);
  Status allocate(size_t size, Block** block);
  void note_use(size_t bytes);
  void shrink();

  const std::shared_ptr<Backend> backend_;  ///< shared, because storages may outlive the device
  std::atomic<int64_t> limit_{0};
  std::atomic<Block*> returned_{nullptr};
  std::array<Block*, kSizes> of_size_{};
  Block *oldest_ = nullptr, *newest_ = nullptr;
  uint64_t period_ = 1;
  int64_t peak_of_period_ = 0, peak_of_last_ = 0, taken_in_period_ = 0;
  std::atomic<int64_t> used_{0}, peak_{0}, cached_{0};
};

}  // namespace stm
