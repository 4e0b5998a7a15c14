#pragma once
#include <cstdint>

namespace stm {

/// Nanoseconds that the system lets a thread run before another one's turn: of this thread for 0, of the process's
/// first for its id. 0 where the system does not say: Linux does since 6.12.
uint64_t time_slice(int thread) noexcept;

/// Makes this thread give its core at once to a thread that wakes up on it, such as the JavaScript thread when a timer
/// is due. There may be as many threads that compute as cores; whoever wakes up would wait for the end of a slice,
/// which comes with the system's tick, 4 ms apart and more. Linux lets a thread with shorter slices go first, so this
/// one's are made a little longer. Its share of a core stays the same.
void give_way_to_waking_threads() noexcept;

}  // namespace stm
