#pragma once
#include <atomic>
#include <cstdint>
#include <memory>
#include <unordered_map>
#include <utility>
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
  explicit Allocator(std::shared_ptr<Backend> backend) : backend_(std::move(backend)) {}
  ~Allocator();
  Allocator(const Allocator&) = delete;
  Allocator& operator=(const Allocator&) = delete;

  /// Executor only.
  Status take(size_t bytes, Block** block);
  void give_back(Block* block);

  /// What tensors may hold at most; 0: as much as there is. Any thread.
  void set_limit(int64_t bytes) { limit_.store(bytes, std::memory_order_relaxed); }
  int64_t limit() const { return limit_.load(std::memory_order_relaxed); }

  int64_t used_bytes() const { return used_.load(std::memory_order_relaxed); }
  int64_t peak_bytes() const { return peak_.load(std::memory_order_relaxed); }
  int64_t cached_bytes() const { return cached_.load(std::memory_order_relaxed); }

 private:
  void collect_returned();
  void release_cached();
  Status allocate(size_t size, void** data);
  const std::shared_ptr<Backend> backend_;  ///< shared, because storages may outlive the device
  std::atomic<int64_t> limit_{0};
  std::atomic<Block*> returned_{nullptr};
  std::unordered_map<size_t, std::vector<Block*>> free_;
  std::atomic<int64_t> used_{0}, peak_{0}, cached_{0};
};

}  // namespace stm
