#pragma once
#include "backend/cpu/product/tile.h"

namespace stm {

/// The tiles of pairs of bf16 on a processor that multiplies them by itself (AVX-512 BF16), in the sizes of those of
/// AVX-512: `rows` 1 to 12, `vecs` 1 or 2, of panels of 12 and of 32 lines. Null on any other processor.
ProductTileCall bf16_tile(int64_t rows, int64_t vecs) noexcept;

}  // namespace stm
