#pragma once
// Philox 4x32-10 (Salmon et al., 2011): block `i` of a stream is a function of the key and of i alone, so any thread of
// any device can make any part of it.
#include <cstdint>

#ifdef __CUDACC__
#define STM_PHILOX_DEVICE __host__ __device__ inline
#else
#define STM_PHILOX_DEVICE inline
#endif

namespace stm {

/// Where the numbers of one op lie in the stream: plain data, as it crosses to the device.
struct PhiloxStream {
  uint64_t seed;
  uint64_t offset;  ///< of its first block
  const uint64_t* base =
      nullptr;  ///< device memory, for a recorded op: the seed to take instead, and what to add to the offset
};

/// The stream itself, where `base` says so. Kernels call it first.
STM_PHILOX_DEVICE PhiloxStream resolved(const PhiloxStream& stream) {
  return stream.base ? PhiloxStream{stream.base[0], stream.offset + stream.base[1], nullptr} : stream;
}

struct PhiloxBlock {
  uint32_t word[4];
};

/// One round: two 32x32-bit products, their halves crossed over and mixed with the key.
STM_PHILOX_DEVICE PhiloxBlock philox_round(const PhiloxBlock& x, uint32_t key0, uint32_t key1) {
  const uint64_t a = uint64_t{0xD2511F53u} * x.word[0], b = uint64_t{0xCD9E8D57u} * x.word[2];
  return {{static_cast<uint32_t>(b >> 32) ^ x.word[1] ^ key0, static_cast<uint32_t>(b),
           static_cast<uint32_t>(a >> 32) ^ x.word[3] ^ key1, static_cast<uint32_t>(a)}};
}

/// Four random words for a counter of 128 bits.
STM_PHILOX_DEVICE PhiloxBlock philox(PhiloxBlock counter, uint64_t key) {
  uint32_t key0 = static_cast<uint32_t>(key), key1 = static_cast<uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    counter = philox_round(counter, key0, key1);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return counter;
}

/// Block `index` of a stream.
STM_PHILOX_DEVICE PhiloxBlock philox_block(const PhiloxStream& stream, uint64_t index) {
  const uint64_t at = stream.offset + index;
  return philox({{static_cast<uint32_t>(at), static_cast<uint32_t>(at >> 32), 0, 0}}, stream.seed);
}

/// A uniform number in [0, 1) from the upper 24 bits of a word: every value is exact in float.
STM_PHILOX_DEVICE float uniform_float(uint32_t word) { return static_cast<float>(word >> 8) * 0x1p-24f; }

/// A uniform number in [0, 1) from 53 bits of two words.
STM_PHILOX_DEVICE double uniform_double(uint32_t high, uint32_t low) {
  return static_cast<double>(((uint64_t{high} << 32) | low) >> 11) * 0x1p-53;
}

/// A whole number in 0..range-1 from 64 random bits: the upper half of their product with the range, uneven by less
/// than 2^-32.
STM_PHILOX_DEVICE uint32_t below(uint32_t range, uint32_t high, uint32_t low) {
  return static_cast<uint32_t>((uint64_t{high} * range + ((uint64_t{low} * range) >> 32)) >> 32);
}

}  // namespace stm
