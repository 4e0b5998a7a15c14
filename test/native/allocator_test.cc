// The caching allocator: reuse, limits, running out of memory, and blocks given back by many threads while one takes.
#include <condition_variable>
#include <cstring>
#include <deque>
#include <mutex>
#include <thread>
#include <vector>

#include "core/allocator.h"
#include "counting_backend.h"

namespace {

using stm::Allocator;
using stm::Status;
using stm::StatusKind;
using stm::testing::CountingBackend;
using stm::testing::require;
using stm::testing::require_equal;
using stm::testing::says;
using stm::testing::text_of;

Allocator::Block* taken(Allocator& allocator, size_t bytes) {
  Allocator::Block* block = nullptr;
  const Status status = allocator.take(bytes, &block);
  require(status.is_ok(), "take: " + text_of(status));
  return block;
}

void blocks_are_used_again() {
  CountingBackend backend;
  {
    Allocator allocator(stm::testing::borrowed(backend));
    Allocator::Block* first = taken(allocator, 1000);
    void* data = first->data;
    require(first->bytes >= 1000 && first->bytes < 2000, "a block is as large as asked for, not twice as large");
    require_equal(allocator.used_bytes(), first->bytes, "used bytes with one block");
    allocator.give_back(first);
    require_equal(allocator.used_bytes(), 0, "used bytes with none");
    Allocator::Block* second = taken(allocator, 1001);
    require(second->data == data, "a neighbouring size gets the same block");
    Allocator::Block* third = taken(allocator, 1000);
    require(third->data != data, "a block in use is not given twice");
    require_equal(backend.allocations.load(), 2, "allocations of the device");
    require_equal(allocator.peak_bytes(), second->bytes + third->bytes, "peak");
    Allocator::Block* empty = taken(allocator, 0);
    require(empty->data != nullptr, "no bytes at all have an address");
    for (Allocator::Block* block : {second, third, empty}) allocator.give_back(block);
  }
  require_equal(backend.live.load(), 0, "blocks of the device after the allocator has gone");
}

void waste_is_bounded() {
  CountingBackend backend;
  Allocator allocator(stm::testing::borrowed(backend));
  for (size_t bytes = 1; bytes < (size_t{1} << 34); bytes = bytes * 9 / 8 + 1) {
    Allocator::Block* block = taken(allocator, bytes);
    require(block->bytes >= bytes && block->bytes <= bytes + std::max<size_t>(bytes / 8, 512),
            "waste of a block of " + std::to_string(bytes) + " bytes: " + std::to_string(block->bytes - bytes));
    allocator.give_back(block);
  }
}

int64_t held(const Allocator& allocator) { return allocator.used_bytes() + allocator.cached_bytes(); }

void a_little_larger_block_serves() {
  CountingBackend backend;
  Allocator allocator(stm::testing::borrowed(backend));
  allocator.give_back(taken(allocator, 1'200'000));
  Allocator::Block* near = taken(allocator, 1'000'000);
  require_equal(backend.allocations.load(), 1, "allocations for a request and one a little smaller");
  require(allocator.used_bytes() < 1'060'000,
          "what is used does not depend on the block that serves: " + std::to_string(allocator.used_bytes()));
  allocator.give_back(near);
  Allocator::Block* far = taken(allocator, 600'000);
  require_equal(backend.allocations.load(), 2, "allocations for one half as large");
  allocator.set_limit(static_cast<int64_t>(far->bytes) + 1'060'000);
  Allocator::Block* exact = taken(allocator, 1'000'000);
  require(exact->bytes < 1'060'000, "a larger block is not taken where only the right one stays within the limit");
  allocator.give_back(far);
  allocator.give_back(exact);
}

/// Sizes that never come again: the blocks of old ones go, the oldest first.
void the_cache_follows_the_peak() {
  CountingBackend backend;
  Allocator allocator(stm::testing::borrowed(backend));
  constexpr int64_t kMegabyte = 1 << 20;
  for (int64_t i = 0; i < 2000; ++i) {
    allocator.give_back(taken(allocator, static_cast<size_t>((100 + i % 150) * kMegabyte + i * 8192)));
    require(held(allocator) <= 2 * 290 * kMegabyte + 64 * kMegabyte,
            "bytes held for tensors of at most 280 MB: " + std::to_string(held(allocator)));
  }
  require(backend.live.load() < 10, "blocks kept: " + std::to_string(backend.live.load()));
}

/// What one long period has not asked for goes, although there would be room.
void old_blocks_go() {
  CountingBackend backend;
  Allocator allocator(stm::testing::borrowed(backend));
  constexpr size_t kMegabyte = size_t{1} << 20;
  Allocator::Block* first = taken(allocator, 40 * kMegabyte);
  Allocator::Block* second = taken(allocator, 80 * kMegabyte);
  allocator.give_back(first);
  allocator.give_back(second);
  for (int i = 0; i < 100; ++i) allocator.give_back(taken(allocator, 90 * kMegabyte));
  require_equal(allocator.cached_bytes(), 90 * kMegabyte + 6 * kMegabyte,
                "kept once only one size was asked for in a long while");
  require_equal(backend.live.load(), 1, "blocks of the device then");
}

/// A step that asks for the same again, with phases of many sizes, finds everything: no thrashing at the bound, nor by
/// age.
void a_steady_loop_never_asks_the_device() {
  CountingBackend backend;
  Allocator allocator(stm::testing::borrowed(backend));
  const auto step = [&allocator] {
    std::vector<Allocator::Block*> kept;
    for (size_t i = 1; i <= 60; ++i) {
      kept.push_back(taken(allocator, i * 300'000));
      Allocator::Block* passing = taken(allocator, i * 70'001);
      allocator.give_back(passing);
    }
    for (size_t i = 60; i >= 1; --i) {
      Allocator::Block* gradient = taken(allocator, i * 310'007);
      allocator.give_back(kept.back());
      kept.pop_back();
      allocator.give_back(gradient);
    }
    for (int i = 0; i < 1000; ++i) allocator.give_back(taken(allocator, 4'000'000));
  };
  for (int i = 0; i < 5; ++i) step();
  const int64_t before = backend.allocations;
  for (int i = 0; i < 100; ++i) step();
  require_equal(backend.allocations.load(), before, "allocations of the device after 100 more steps");
}

void emptying() {
  CountingBackend backend;
  Allocator allocator(stm::testing::borrowed(backend));
  Allocator::Block* used = taken(allocator, 5000);
  for (size_t bytes = 1; bytes < 1'000'000; bytes *= 3) allocator.give_back(taken(allocator, bytes));
  allocator.give_back(taken(allocator, 123'456));
  require(allocator.cached_bytes() > 123'456, "what has come back counts as kept at once");
  allocator.empty_cache();
  require_equal(allocator.cached_bytes(), 0, "kept bytes once the cache is empty");
  require_equal(backend.live.load(), 1, "blocks of the device then");
  require_equal(allocator.used_bytes(), used->bytes, "used bytes then");
  allocator.give_back(used);
}

void sizes_that_no_device_has() {
  CountingBackend backend;
  Allocator allocator(stm::testing::borrowed(backend));
  for (const size_t bytes : {size_t{1} << 50, size_t{1} << 63, SIZE_MAX}) {
    Allocator::Block* none = nullptr;
    const Status status = allocator.take(bytes, &none);
    require(status.kind == StatusKind::OutOfMemory && none == nullptr,
            "so many bytes are refused: " + std::to_string(bytes));
  }
  require_equal(backend.allocations.load(), 0, "the device was not asked");
}

void out_of_memory() {
  CountingBackend backend;
  Allocator allocator(stm::testing::borrowed(backend));
  Allocator::Block* kept = taken(allocator, 4096);
  allocator.give_back(taken(allocator, 100'000));
  backend.refusals = 1;
  Allocator::Block* block = taken(allocator, 5'000'000);
  require_equal(allocator.cached_bytes(), 0, "a refusal empties the cache");
  require_equal(backend.live.load(), 2, "blocks of the device then");
  const int64_t used = allocator.used_bytes();
  backend.refusals = 2;
  Allocator::Block* none = nullptr;
  const Status status = allocator.take(7'000'000, &none);
  require(status.kind == StatusKind::OutOfMemory && says(status, "asked for 7340032 bytes") &&
              says(status, "held by tensors"),
          "the second refusal is an error: " + text_of(status));
  require(none == nullptr, "no block came with the error");
  require_equal(allocator.used_bytes(), used, "used bytes after an error");
  allocator.give_back(taken(allocator, 7'000'000));
  allocator.give_back(block);
  allocator.give_back(kept);
}

void limits_hold_for_kept_blocks() {
  CountingBackend backend;
  Allocator allocator(stm::testing::borrowed(backend));
  Allocator::Block* held = taken(allocator, 4096);
  allocator.give_back(taken(allocator, 8192));  // kept for later
  allocator.set_limit(10'000);
  Allocator::Block* none = nullptr;
  const Status status = allocator.take(8192, &none);
  require(status.kind == StatusKind::OutOfMemory && says(status, "of 10000 that setMaxMemory allows"),
          "a block that was kept is over a limit set since: " + text_of(status));
  require(none == nullptr, "no block came with the error");
  Allocator::Block* small = taken(allocator, 4096);
  require_equal(allocator.used_bytes(), 8192, "used bytes below the limit");
  allocator.set_limit(0);
  Allocator::Block* large = taken(allocator, 8192);
  for (Allocator::Block* block : {held, small, large}) allocator.give_back(block);
}

/// One thread takes blocks and marks them; four check the marks and give them back. A block with two owners would show
/// another's mark.
void many_threads_give_back() {
  CountingBackend backend;
  constexpr int kBlocks = 40'000, kThreads = 4;
  {
    Allocator allocator(stm::testing::borrowed(backend));
    std::mutex mutex;
    std::condition_variable filled;
    std::deque<std::pair<Allocator::Block*, int>> handed;
    bool finished = false;
    const auto give_back_all = [&] {
      for (;;) {
        std::unique_lock lock(mutex);
        filled.wait(lock, [&] { return finished || !handed.empty(); });
        if (handed.empty()) return;
        const auto [block, mark] = handed.front();
        handed.pop_front();
        lock.unlock();
        int found;
        std::memcpy(&found, block->data, sizeof found);
        if (found != mark) require_equal(found, mark, "mark of a block");
        allocator.give_back(block);
      }
    };
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; ++i) threads.emplace_back(give_back_all);
    for (int mark = 0; mark < kBlocks; ++mark) {
      Allocator::Block* block = taken(allocator, static_cast<size_t>(64 + mark % 7 * 1000));
      std::memcpy(block->data, &mark, sizeof mark);
      const std::lock_guard lock(mutex);
      handed.emplace_back(block, mark);
      filled.notify_one();
    }
    {
      const std::lock_guard lock(mutex);
      finished = true;
    }
    filled.notify_all();
    for (std::thread& thread : threads) thread.join();
    require_equal(allocator.used_bytes(), 0, "used bytes once all is given back");
    require(backend.allocations < kBlocks, "blocks were used again");
  }
  require_equal(backend.live.load(), 0, "blocks of the device after the allocator has gone");
}

}  // namespace

int main() {
  blocks_are_used_again();
  waste_is_bounded();
  a_little_larger_block_serves();
  the_cache_follows_the_peak();
  old_blocks_go();
  a_steady_loop_never_asks_the_device();
  emptying();
  sizes_that_no_device_has();
  out_of_memory();
  limits_hold_for_kept_blocks();
  many_threads_give_back();
  return stm::testing::finish("allocator_test");
}
