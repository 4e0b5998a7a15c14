#include "core/allocator.h"

#include <algorithm>
#include <new>

#include "core/allocation_faults.h"

namespace stm {
namespace {

constexpr size_t kStep = 512, kFine = size_t{64} << 10, kMost = size_t{1} << 50;
constexpr size_t kFineSizes = kFine / kStep, kReach = 2;
constexpr int64_t kSlack = int64_t{64} << 20;

/// A period ends when this many times the recent peak has been asked for. What is given back because a whole period did
/// not ask for it costs little against that much work.
constexpr int64_t kPeriod = 16;

/// Sizes are rounded so that neighbouring requests share blocks: to 512 bytes, and above 64 KB to an eighth of the
/// power of two below.
struct SizeClass {
  size_t index, bytes;
  explicit SizeClass(size_t wanted) {
    size_t step = kStep, power = kFine, first = 0, below = 0;
    for (; power < wanted; power *= 2) {
      step = power / 8;
      below = power;
      first = first ? first + 8 : kFineSizes;
    }
    bytes = (std::max<size_t>(wanted, 1) + step - 1) / step * step;
    index = first + (bytes - below) / step - 1;
  }
};

long long number(int64_t bytes) { return static_cast<long long>(bytes); }
}  // namespace

Allocator::~Allocator() {
  collect_returned();
  release_cached();
}

Status Allocator::take(size_t bytes, Block** block) {
  collect_returned();
  const size_t size = SizeClass(std::min(bytes, kMost)).bytes;
  if (limit() > 0 && used_bytes() + static_cast<int64_t>(size) > limit()) {
    return Status::fail(StatusKind::OutOfMemory,
                        {"asked for %zu bytes, %lld are held by tensors, of %lld that setMaxMemory allows", size,
                         number(used_bytes()), number(limit())},
                        "use a smaller batch");
  }
  if (Block* found = kept(size)) {
    unlink(found);
    cached_ -= static_cast<int64_t>(found->bytes);
    *block = found;
  } else {
    const Status status = allocate(size, block);
    if (!status.is_ok()) return status;
  }
  (*block)->asked = size;
  note_use(size);
  shrink();
  return Status::ok();
}

/// A block of this size, or of one of the next sizes: at most a quarter larger. Null if there is none, or the limit
/// leaves no room for it.
Allocator::Block* Allocator::kept(size_t size) {
  const size_t first = SizeClass(size).index;
  for (size_t i = first; i < std::min(first + kReach + 1, kSizes); ++i) {
    Block* found = of_size_[i];
    if (found && (limit() == 0 || used_bytes() + static_cast<int64_t>(found->bytes) <= limit())) return found;
  }
  return nullptr;
}

/// From the backend, if need be after everything kept for later has been given back to it.
Status Allocator::allocate(size_t size, Block** block) {
  const auto fits = [&] {
    return limit() == 0 || used_bytes() + cached_bytes() + static_cast<int64_t>(size) <= limit();
  };
  while (!fits() && oldest_) release(oldest_);
  Block* const fresh = new (std::nothrow) Block;
  if (!fresh) return Status::without_memory();
  const bool hopeless = size >= kMost || allocation_fails();
  Status status = hopeless ? Status::fail(StatusKind::OutOfMemory, "refused") : backend_->allocate(size, &fresh->data);
  if (!status.is_ok() && !hopeless) {
    release_cached();
    backend_->trim();
    status = backend_->allocate(size, &fresh->data);
  }
  if (status.is_ok()) {
    fresh->bytes = size;
    *block = fresh;
    return status;
  }
  delete fresh;
  if (status.kind != StatusKind::OutOfMemory) return status;
  const DeviceMemory memory = backend_->memory();
  return Status::fail(status.kind,
                      {"asked for %zu bytes, %lld are free of %lld, %lld are held by tensors", size,
                       number(memory.free_bytes), number(memory.total_bytes), number(used_bytes())},
                      "use a smaller batch, or free tensors");
}

void Allocator::note_use(size_t bytes) {
  const int64_t used = used_ += static_cast<int64_t>(bytes);
  if (used > peak_) peak_ = used;
  peak_of_period_ = std::max(peak_of_period_, used);
  taken_in_period_ += static_cast<int64_t>(bytes);
  if (taken_in_period_ / kPeriod < std::max({peak_of_period_, peak_of_last_, kSlack})) return;
  peak_of_last_ = std::exchange(peak_of_period_, used);
  taken_in_period_ = 0;
  ++period_;
  while (oldest_ && oldest_->period + 1 < period_) release(oldest_);
}

void Allocator::shrink() {
  const int64_t most = 2 * std::max(peak_of_period_, peak_of_last_) + kSlack;
  while (oldest_ && used_bytes() + cached_bytes() > most) release(oldest_);
}

void Allocator::give_back(Block* block) {
  used_ -= static_cast<int64_t>(block->asked);
  cached_ += static_cast<int64_t>(block->bytes);
  block->next = returned_.load(std::memory_order_relaxed);
  while (!returned_.compare_exchange_weak(block->next, block, std::memory_order_release, std::memory_order_relaxed)) {
  }
}

void Allocator::collect_returned() {
  Block* block = returned_.exchange(nullptr, std::memory_order_acquire);
  while (block) {
    Block* const next = block->next;
    keep(block);
    block = next;
  }
}

void Allocator::keep(Block* block) {
  Block*& first = of_size_[SizeClass(block->bytes).index];
  block->period = period_;
  block->previous = nullptr;
  block->next = std::exchange(first, block);
  if (block->next) block->next->previous = block;
  block->newer = nullptr;
  block->older = std::exchange(newest_, block);
  (block->older ? block->older->newer : oldest_) = block;
}

void Allocator::unlink(Block* block) {
  (block->previous ? block->previous->next : of_size_[SizeClass(block->bytes).index]) = block->next;
  if (block->next) block->next->previous = block->previous;
  (block->older ? block->older->newer : oldest_) = block->newer;
  (block->newer ? block->newer->older : newest_) = block->older;
}

/// Of a kept block.
void Allocator::release(Block* block) {
  unlink(block);
  cached_ -= static_cast<int64_t>(block->bytes);
  backend_->release(block->data);
  delete block;
}

void Allocator::release_cached() {
  while (oldest_) release(oldest_);
}

void Allocator::empty_cache() {
  collect_returned();
  release_cached();
  backend_->trim();
}

}  // namespace stm
