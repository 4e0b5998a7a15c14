#pragma once
#include <atomic>
#include <cstdint>
#include <unordered_map>
#include <vector>

#include "backend/backend.h"

namespace stm {

/// Caching allocator of one device. `take` belongs to the executor; `give_back` may be called by any thread and only pushes on a lock-free
/// list, which the executor empties before it allocates. So bytes return in queue order without a command and without a lock.
class Allocator {
 public:
  /// Lives on the host, beside the device memory that it describes.
  struct Block {
    Block* next;
    void* data;
    size_t bytes;
  };
  explicit Allocator(Backend& backend) : backend_(backend) {}
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  /// Executor only.
  Status take(size_t bytes, Block** block);
  void give_back(Block* block);

  int64_t used_bytes() const { return used_.load(std::memory_order_relaxed); }
  int64_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }
  int64_t cached_bytes() const { return cached_.load(std::memory_order_relaxed); }

 private:
  void collect_returned();
  void release_cached();
  Backend& backend_;
  std::atomic<Block*> returned_{nullptr};
  std::unordered_map<size_t, std::vector<Block*>> free_;
  std::atomic<int64_t> used_{0}, peak_{0}, cached_{0};
};

}  // namespace stm
