#pragma once
#include <cstdint>

#include "core/error.h"

namespace stm {

/// The place in the stream of a counter-based generator (backend/philox.h): same seed and offset, same numbers on every
/// device. Each op takes its part of the stream on the JS thread.
struct Generator {
  static constexpr uint64_t kLargest =
      (uint64_t{1} << 53) - 1;  ///< that JavaScript's numbers hold exactly, of seed and offset

  uint64_t seed;
  uint64_t offset = 0;  ///< in blocks of four 32-bit numbers

  struct Ticket {
    uint64_t seed, offset;
  };
  /// Reserves enough of the stream for `numbers` 32-bit numbers.
  Ticket take(int64_t numbers) {
    const uint64_t blocks = static_cast<uint64_t>(numbers + 3) / 4;
    STM_CHECK(blocks <= kLargest - offset, Kind::Option, "random",
              fmt::format("offset {} and {} blocks to draw", offset, blocks), "no more than 2^53 - 1 in all",
              "begin another stream with manualSeed()");
    const Ticket ticket{seed, offset};
    offset += blocks;
    return ticket;
  }
};

}  // namespace stm
