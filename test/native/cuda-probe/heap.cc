#include "heap.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace stm::probe {
namespace {

// Blocks of malloc have 16 i + 8 bytes: of another size some would stay as they are.
constexpr size_t kSmallest = 24, kStep = 16, kLargest = 4104;
constexpr size_t kBytes = size_t{64} << 20, kStack = size_t{256} << 10;

/// Not inlined, so that the stretch is below the caller's frame, where the frames of calls were.
[[gnu::noinline]] void dirty_stack(unsigned word) {
  volatile unsigned words[kStack / sizeof(unsigned)];
  for (volatile unsigned& one : words) one = word;
}

}  // namespace

void dirty_heap(unsigned word) {
  dirty_stack(word);
  std::vector<std::unique_ptr<unsigned[]>> blocks;
  for (size_t sum = 0, bytes = kSmallest; sum < kBytes;
       sum += bytes, bytes = bytes < kLargest ? bytes + kStep : kSmallest) {
    blocks.emplace_back(new unsigned[bytes / sizeof(unsigned)]);
    std::fill_n(blocks.back().get(), bytes / sizeof(unsigned), word);
  }
}

}  // namespace stm::probe
