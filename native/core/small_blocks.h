#pragma once
#include <cstddef>

namespace stm {

// Small pieces of memory for operator new. A command is made by the thread of JavaScript and ended by that of its
// device: what one thread takes and another gives back returns to the first in batches and without a lock, where malloc
// takes one for each.

/// At least `bytes`, aligned for any object; null if there is no memory. Any thread.
void* take_block(size_t bytes) noexcept;

/// What take_block gave, or null. Any thread.
void give_back_block(void* data) noexcept;

}  // namespace stm
