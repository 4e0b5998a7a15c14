// The blocks behind operator new: sizes and places, blocks that other threads give back, threads that end, and blocks
// that many threads pass on at once. usage: small_blocks_test [seed]
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <cstring>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "check.h"
#include "core/small_blocks.h"

namespace {

using stm::give_back_block;
using stm::take_block;
using stm::testing::require;

const std::vector<size_t> kSizes = {0, 1, 15, 16, 17, 48, 49, 200, 512, 1007, 1008, 1009, 4096, 1 << 20};

void blocks_are_apart_and_aligned() {
  std::vector<unsigned char*> blocks;
  for (size_t i = 0; i < kSizes.size(); ++i) {
    blocks.push_back(static_cast<unsigned char*>(take_block(kSizes[i])));
    require(reinterpret_cast<uintptr_t>(blocks[i]) % 16 == 0, "a block is not aligned");
    std::memset(blocks[i], static_cast<int>(i + 1), kSizes[i]);
  }
  for (size_t i = 0; i < kSizes.size(); ++i) {
    require(std::all_of(blocks[i], blocks[i] + kSizes[i], [i](unsigned char byte) { return byte == i + 1; }),
            "blocks overlap");
    give_back_block(blocks[i]);
  }
  give_back_block(nullptr);
  require(take_block(SIZE_MAX) == nullptr, "more memory than there is");
}

void what_others_give_back_is_used_again() {
  std::vector<void*> taken;
  for (int i = 0; i < 3; ++i) taken.push_back(take_block(100));
  std::thread([&] {
    for (void* const block : taken) give_back_block(block);
    void* const own = take_block(100);
    require(std::find(taken.begin(), taken.end(), own) == taken.end(), "a block went to the thread that gave it back");
    give_back_block(own);
  }).join();
  for (size_t i = 0; i < taken.size(); ++i) {
    void* const again = take_block(100);
    require(std::find(taken.begin(), taken.end(), again) != taken.end(), "a block that came back is not used again");
  }
  for (void* const block : taken) give_back_block(block);
}

/// Blocks outlive their thread, and what comes back afterwards serves the thread that follows.
void threads_end() {
  void* left = nullptr;
  std::thread([&] { left = take_block(300); }).join();
  std::memset(left, 1, 300);
  give_back_block(left);
  void* next = nullptr;
  std::thread([&] { next = take_block(300); }).join();
  require(next == left, "a block of a thread that has ended is not used again");
  give_back_block(next);
}

/// Bytes of malloc in use; 0 under a sanitizer, and of a glibc that does not count them in 64 bits.
size_t bytes_in_use() {
#if defined(__GLIBC__) && __GLIBC_MINOR__ >= 33
  return mallinfo2().uordblks;
#else
  return 0;
#endif
}

/// Threads that end together leave nothing of what they kept, be it given back by themselves or by another thread.
void threads_leave_nothing() {
  constexpr int kThreads = 8, kBlocks = 100;
  constexpr size_t kBytes = 1000;
  const size_t before = bytes_in_use();
  std::atomic<int> ready{0};
  std::vector<std::thread> threads;
  for (int thread = 0; thread < kThreads; ++thread)
    threads.emplace_back([&ready, elsewhere = thread % 2 != 0] {
      std::vector<void*> taken(kBlocks);
      for (void*& block : taken) block = take_block(kBytes);
      const auto give_back = [&taken] {
        for (void* const block : taken) give_back_block(block);
      };
      if (elsewhere) std::thread(give_back).join();
      else give_back();
      for (++ready; ready < kThreads;) std::this_thread::yield();
    });
  for (std::thread& thread : threads) thread.join();
  require(bytes_in_use() < before + kThreads * kBlocks * kBytes / 4, "threads that have ended keep memory");
}

/// More at once than are kept: those are freed, by whoever gives them back.
void many_at_once() {
  for (const bool elsewhere : {false, true}) {
    const size_t before = bytes_in_use();
    std::vector<void*> taken(10'000);
    for (void*& block : taken) block = take_block(64);
    const auto give_back = [&taken] {
      for (void* const block : taken) give_back_block(block);
    };
    if (elsewhere) std::thread(give_back).join();
    else give_back();
    require(bytes_in_use() < before + (256 << 10) + taken.capacity() * sizeof(void*), "blocks are kept without limit");
  }
}

/// Each thread takes blocks, writes its name over them and passes them on to any other, which gives them back.
void threads_pass_blocks_on(unsigned count) {
  struct Held {
    size_t bytes;
    uint32_t name;
  };
  constexpr int kRounds = 3000;
  std::vector<std::atomic<unsigned char*>> places(64);
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < count; ++thread)
    threads.emplace_back([&, thread] {
      std::mt19937 random(static_cast<uint32_t>(stm::testing::seed) + thread);
      for (int round = 0; round < kRounds; ++round) {
        const Held held{sizeof(Held) + random() % 1200, static_cast<uint32_t>(thread * kRounds + round)};
        auto* const block = static_cast<unsigned char*>(take_block(held.bytes));
        std::memset(block, static_cast<int>(held.name % 251), held.bytes);
        std::memcpy(block, &held, sizeof held);
        unsigned char* const found = places[random() % places.size()].exchange(block);
        if (!found) continue;
        Held wanted;
        std::memcpy(&wanted, found, sizeof wanted);
        require(std::all_of(found + sizeof wanted, found + wanted.bytes,
                            [&](unsigned char byte) { return byte == wanted.name % 251; }),
                "a block was handed out twice, " + std::to_string(count) + " threads");
        give_back_block(found);
      }
    });
  for (std::thread& thread : threads) thread.join();
  for (std::atomic<unsigned char*>& place : places) give_back_block(place.load());
}

}  // namespace

int main(int argc, char** argv) {
  stm::testing::begin(argc, argv);
  blocks_are_apart_and_aligned();
  what_others_give_back_is_used_again();
  threads_end();
  threads_leave_nothing();
  many_at_once();
  for (const unsigned count : {1u, 2u, 3u, 4u, 8u}) threads_pass_blocks_on(count);
  return stm::testing::finish("small_blocks_test");
}
