#pragma once
#include <cstddef>
#include <cstdint>

namespace stm {

/// A tile of C, set to or added a panel of A times a panel of B. Panels are steps of depth, one after the other: as
/// many numbers as a panel of A or B has lines, of which each is one f32, or a pair of bf16 for two steps.
struct ProductTile {
  const float *a, *b;
  int64_t depth;
  float* c;
  ptrdiff_t ldc;
  int64_t columns;  ///< of C that are inside, from the first
  bool adds;
  const float* row;  ///< added to each row where C is set, or null
};

using ProductTileCall = void (*)(const ProductTile&);

}  // namespace stm
