#pragma once
#include <cstdint>

namespace stm {

/// The place in the stream of a counter-based generator (backend/philox.h): same seed and offset, same numbers on every device.
/// Each op takes its part of the stream on the JS thread.
struct Generator {
  uint64_t seed = 0x5eed;
  uint64_t offset = 0;  ///< in blocks of four 32-bit numbers

  struct Ticket {
    uint64_t seed, offset;
  };
  /// Reserves enough of the stream for `numbers` 32-bit numbers.
  Ticket take(int64_t numbers) {
    const Ticket ticket{seed, offset};
    offset += static_cast<uint64_t>(numbers + 3) / 4;
    return ticket;
  }
};

}  // namespace stm
