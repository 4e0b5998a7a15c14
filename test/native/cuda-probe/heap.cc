#include "heap.h"

#include <algorithm>
#include <memory>
#include <vector>

namespace stm::probe {
namespace {

constexpr size_t kBytes = size_t{64} << 20, kLargest = 4096, kStep = 16, kStack = size_t{256} << 10;

/// Not inlined, so that the stretch is below the caller's frame, where the frames of calls were.
[[gnu::noinline]] void dirty_stack(unsigned word) {
  volatile unsigned words[kStack / sizeof(unsigned)];
  for (volatile unsigned& one : words) one = word;
}

}  // namespace

void dirty_heap(unsigned word) {
  dirty_stack(word);
  std::vector<std::unique_ptr<unsigned[]>> blocks;
  for (size_t sum = 0, bytes = kStep; sum < kBytes; sum += bytes, bytes = bytes < kLargest ? bytes + kStep : kStep) {
    blocks.emplace_back(new unsigned[bytes / sizeof(unsigned)]);
    std::fill_n(blocks.back().get(), bytes / sizeof(unsigned), word);
  }
}

}  // namespace stm::probe
