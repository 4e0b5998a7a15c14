// Tiles of C that stay in registers over the depth of a block.
#if defined(STM_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_TILES_INL_H_
#undef STM_TILES_INL_H_
#else
#define STM_TILES_INL_H_
#endif

#include "backend/cpu/product/tile.h"
#include "backend/cpu/recurrent/panel-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

#if HWY_TARGET <= HWY_AVX3
constexpr int kTileRows = 12, kTileVecs = 2;
#elif HWY_ARCH_ARM_A64
constexpr int kTileRows = 8, kTileVecs = 3;
#elif HWY_TARGET == HWY_AVX2
constexpr int kTileRows = 6, kTileVecs = 2;
#else
constexpr int kTileRows = 4, kTileVecs = 2;
#endif
constexpr int64_t kTileWidth = kTileVecs * kLanes, kRowStep = (kTileRows + 3) / 4 * 4;

template <int kRows, int kVecs>
void MultiplyTile(const ProductTile& t) {
  const D d;
  const float* HWY_RESTRICT a = t.a;
  const float* HWY_RESTRICT b = t.b;
  V acc[kRows][kVecs];
  STM_UNROLL for (int r = 0; r < kRows; ++r) {
    __builtin_prefetch(t.c + r * t.ldc, 1);
    STM_UNROLL for (int v = 0; v < kVecs; ++v) acc[r][v] = hn::Zero(d);
  }
  _Pragma("GCC unroll 2") for (int64_t k = 0; k < t.depth; ++k, a += kRowStep, b += kTileWidth) {
    V columns[kVecs];
    STM_UNROLL for (int v = 0; v < kVecs; ++v) columns[v] = hn::LoadU(d, b + v * kLanes);
    STM_UNROLL for (int r = 0; r < kRows; ++r) {
      const V row = hn::Set(d, a[r]);
      STM_UNROLL for (int v = 0; v < kVecs; ++v) acc[r][v] = hn::MulAdd(row, columns[v], acc[r][v]);
    }
  }
  if (t.columns == kVecs * kLanes) {
    STM_UNROLL for (int r = 0; r < kRows; ++r) STM_UNROLL for (int v = 0; v < kVecs; ++v) {
      float* const c = t.c + r * t.ldc + v * kLanes;
      const float* const before = t.adds ? c : t.row ? t.row + v * kLanes : nullptr;
      hn::StoreU(before ? hn::Add(acc[r][v], hn::LoadU(d, before)) : acc[r][v], d, c);
    }
    return;
  }
  STM_UNROLL for (int r = 0; r < kRows; ++r) STM_UNROLL for (int v = 0; v < kVecs; ++v) {
    const int64_t left = t.columns - v * kLanes;
    float* const c = t.c + r * t.ldc + v * kLanes;
    const float* const before = t.adds ? c : t.row ? t.row + v * kLanes : nullptr;
    if (left > 0) StoreFirst(before ? hn::Add(acc[r][v], LoadFirst(before, left)) : acc[r][v], c, left);
  }
}

struct ProductTiles {
  ProductTileCall at[kTileVecs + 1][kTileRows + 1] = {};
  template <int kVecs, int kRows>
  constexpr void Fill() {
    at[kVecs][kRows] = &MultiplyTile<kRows, kVecs>;
    if constexpr (kRows < kTileRows) Fill<kVecs, kRows + 1>();
    else if constexpr (kVecs < kTileVecs) Fill<kVecs + 1, 1>();
  }
  constexpr ProductTiles() { Fill<1, 1>(); }
};
constexpr ProductTiles kProductTiles;

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
