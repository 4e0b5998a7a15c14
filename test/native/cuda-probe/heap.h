#pragma once
#include <cstddef>

namespace stm::probe {

/// Fills 64 MB of the heap in small blocks of every usual size, and a stretch of the stack, with `word`, and gives them
/// back: what a library has freed or never set has that value then, and does not hold by luck what it held before.
void dirty_heap(unsigned word);

}  // namespace stm::probe
