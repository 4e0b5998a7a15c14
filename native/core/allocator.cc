#include "core/allocator.h"

#include <algorithm>

namespace stm {
namespace {
constexpr int64_t kMaxCachedBytes = int64_t{1} << 30;

/// Sizes are rounded so that neighbouring requests share blocks: to 512 bytes, and above 64 KB to an eighth of the next power of two.
size_t rounded(size_t bytes) {
  size_t step = 512;
  if (bytes > (size_t{64} << 10)) {
    size_t power = size_t{64} << 10;
    while (power < bytes) power *= 2;
    step = power / 16;
  }
  return (std::max<size_t>(bytes, 1) + step - 1) / step * step;
}

long long number(int64_t bytes) { return static_cast<long long>(bytes); }
}  // namespace

Allocator::~Allocator() {
  collect_returned();
  release_cached();
}

Status Allocator::take(size_t bytes, Block** block) {
  collect_returned();
  const size_t size = rounded(bytes);
  if (limit() > 0 && used_bytes() + static_cast<int64_t>(size) > limit()) {
    return Status::fail(StatusKind::OutOfMemory, "asked for %zu bytes, %lld are held by tensors, of %lld that setMaxMemory allows. Fix: use a smaller batch.",
                        size, number(used_bytes()), number(limit()));
  }
  std::vector<Block*>& candidates = free_[size];
  if (candidates.empty()) {
    void* data = nullptr;
    const Status status = allocate(size, &data);
    if (!status.is_ok()) return status;
    *block = new Block{nullptr, data, size};
  } else {
    *block = candidates.back();
    candidates.pop_back();
    cached_ -= static_cast<int64_t>(size);
  }
  const int64_t used = used_ += static_cast<int64_t>(size);
  if (used > peak_) peak_ = used;
  return Status::ok();
}

/// From the backend, if need be after everything kept for later has been given back to it.
Status Allocator::allocate(size_t size, void** data) {
  if (limit() > 0 && used_bytes() + cached_bytes() + static_cast<int64_t>(size) > limit()) release_cached();
  Status status = backend_->allocate(size, data);
  if (status.is_ok()) return status;
  release_cached();
  backend_->trim();
  status = backend_->allocate(size, data);
  if (status.is_ok() || status.kind != StatusKind::OutOfMemory) return status;
  const DeviceMemory memory = backend_->memory();
  return Status::fail(status.kind, "asked for %zu bytes, %lld are free of %lld, %lld are held by tensors. Fix: use a smaller batch, or free tensors.", size,
                      number(memory.free_bytes), number(memory.total_bytes), number(used_bytes()));
}

void Allocator::give_back(Block* block) {
  used_ -= static_cast<int64_t>(block->bytes);
  block->next = returned_.load(std::memory_order_relaxed);
  while (!returned_.compare_exchange_weak(block->next, block, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

void Allocator::collect_returned() {
  Block* block = returned_.exchange(nullptr, std::memory_order_acquire);
  while (block) {
    Block* next = block->next;
    if (cached_ + static_cast<int64_t>(block->bytes) > kMaxCachedBytes) {
      backend_->release(block->data);
      delete block;
    } else {
      free_[block->bytes].push_back(block);
      cached_ += static_cast<int64_t>(block->bytes);
    }
    block = next;
  }
}

void Allocator::release_cached() {
  for (auto& [bytes, blocks] : free_) {
    for (Block* block : blocks) {
      backend_->release(block->data);
      delete block;
    }
    blocks.clear();
  }
  cached_ = 0;
}

}  // namespace stm
