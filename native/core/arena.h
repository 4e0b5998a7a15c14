#pragma once
#include <cstddef>
#include <vector>

namespace stm {

/// When bytes are needed in a list of commands: from the one that writes them first to the last that uses them.
struct Lifetime {
  size_t bytes, first, last;
};

struct ArenaPlan {
  std::vector<size_t> offsets;  ///< of each lifetime, in the order given
  size_t bytes = 0;             ///< of the whole
};

/// Places in one block such that bytes which are needed at the same time do not overlap. Aligned as the allocator's
/// blocks.
ArenaPlan plan_arena(const std::vector<Lifetime>& lifetimes);

}  // namespace stm
