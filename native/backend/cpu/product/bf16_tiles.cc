#include "backend/cpu/product/bf16_tiles.h"

#include "backend/cpu/processor.h"

#if defined(__x86_64__) && defined(__GNUC__)
#include <immintrin.h>

#include "hwy/base.h"

// Highway has no name for this instruction set: its own functions are compiled for it.
HWY_PUSH_ATTRIBUTES("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16")
namespace stm {
namespace {

constexpr int kRowsInPanel = 12, kVecsInPanel = 2, kLanes = 16;

template <int kRows, int kVecs>
void multiply_tile(const ProductTile& t) {
  const float *a = t.a, *b = t.b;
  __m512 acc[kRows][kVecs];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
    _mm_prefetch(reinterpret_cast<const char*>(t.c + r * t.ldc), _MM_HINT_T0);
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) acc[r][v] = _mm512_setzero_ps();
  }
#pragma GCC unroll 2
  for (int64_t k = 0; k < t.depth; ++k, a += kRowsInPanel, b += kVecsInPanel * kLanes) {
    __m512bh columns[kVecs];
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) columns[v] = (__m512bh)_mm512_loadu_ps(b + v * kLanes);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const __m512bh row = (__m512bh)_mm512_set1_ps(a[r]);
#pragma GCC unroll 16
      for (int v = 0; v < kVecs; ++v) acc[r][v] = _mm512_dpbf16_ps(acc[r][v], row, columns[v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 16
    for (int v = 0; v < kVecs; ++v) {
      const int64_t left = t.columns - v * kLanes;
      const __mmask16 inside = left >= kLanes ? 0xffff : left <= 0 ? 0 : static_cast<__mmask16>((1u << left) - 1);
      float* const c = t.c + r * t.ldc + v * kLanes;
      const float* const before = t.adds ? c : t.row ? t.row + v * kLanes : nullptr;
      const __m512 sum = before ? _mm512_add_ps(acc[r][v], _mm512_maskz_loadu_ps(inside, before)) : acc[r][v];
      _mm512_mask_storeu_ps(c, inside, sum);
    }
  }
}

struct Tiles {
  ProductTileCall at[kVecsInPanel + 1][kRowsInPanel + 1] = {};
  template <int kVecs, int kRows>
  constexpr void fill() {
    at[kVecs][kRows] = &multiply_tile<kRows, kVecs>;
    if constexpr (kRows < kRowsInPanel) fill<kVecs, kRows + 1>();
    else if constexpr (kVecs < kVecsInPanel) fill<kVecs + 1, 1>();
  }
  constexpr Tiles() { fill<1, 1>(); }
};
constexpr Tiles kTiles;

}  // namespace
}  // namespace stm
HWY_POP_ATTRIBUTES

namespace stm {
ProductTileCall bf16_tile(int64_t rows, int64_t vecs) noexcept {
  return processor().bf16 ? kTiles.at[vecs][rows] : nullptr;
}
}  // namespace stm
#else
namespace stm {
ProductTileCall bf16_tile(int64_t, int64_t) noexcept { return nullptr; }
}  // namespace stm
#endif
