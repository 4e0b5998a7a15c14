// Products of rows and weights of 8 bits: a tile of rows x vectors of sums of 32 bits, fed by packed panels.
//
//   panel: [depth / 2][vecs][kLanes][2], so that a step is two columns of `vecs` vectors; pairs are widened to 16 bits
//     and multiplied and added by one instruction, whose sums of 2 · 127² are far from what 32 bits hold
#if defined(STM_QUANTIZED_TILES_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_QUANTIZED_TILES_INL_H_
#undef STM_QUANTIZED_TILES_INL_H_
#else
#define STM_QUANTIZED_TILES_INL_H_
#endif

#include <cstring>

#include "backend/cpu/quantized/layout.h"
#include "backend/cpu/recurrent/panel-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

// Rows of a tile by its vectors: those of f32, but on ARM, whose instructions give the sums of a vector in two.
constexpr int Int8Rows(int vecs) {
#if HWY_ARCH_ARM_A64
  return 24 / (2 * vecs);
#else
  return kRowsFor[vecs];
#endif
}
constexpr int kInt8Vecs = 4;  // of a plain panel
constexpr int64_t kInt8Width = kInt8Vecs * kLanes;
static_assert(kInt8Width <= kWidestInt8Panel, "plain_panel_bytes() is enough");

// The weight's rows that `row_at(column)` gives, null for none, as a panel of `width` columns.
template <class RowAt>
void PackInt8Panel(int64_t width, int64_t depth, const RowAt& row_at, int8_t* to) {
  for (int64_t column = 0; column < width; ++column) {
    const int8_t* const row = row_at(column);
    for (int64_t k = 0; k < panel_depth(depth); ++k)
      to[(k / 2 * width + column) * 2 + k % 2] = row && k < depth ? row[k] : int8_t{0};
  }
}

// sums[row][vec] = the products of kRows rows with a panel, in whole numbers.
template <int kRows, int kVecs>
void MulInt8Tile(const QuantizedRows& rows, const int8_t* HWY_RESTRICT panel, int64_t depth, int32_t* sums) {
  const hn::RebindToSigned<D> d32;
  const hn::Repartition<int16_t, decltype(d32)> d16;
  const hn::Rebind<int8_t, decltype(d16)> d8;
  using Sum = hn::Vec<decltype(d32)>;
  using Pairs = hn::Vec<decltype(d16)>;
  Sum acc[kRows][kVecs], upper[kRows][kVecs];  // upper: used where an instruction gives the sums in two vectors
  STM_UNROLL for (int r = 0; r < kRows; ++r) STM_UNROLL for (int v = 0; v < kVecs; ++v) acc[r][v] = upper[r][v] =
      hn::Zero(d32);
  const int16_t* HWY_RESTRICT a = rows.values;
  const ptrdiff_t stride = rows.stride;
  const auto pair_at = [&](int r) {
    int32_t pair;
    std::memcpy(&pair, a + r * stride, sizeof pair);
    return hn::BitCast(d16, hn::Set(d32, pair));
  };
  for (int64_t k = 0; k < depth; k += 2, a += 2, panel += 2 * kVecs * kLanes) {
    if constexpr (kRows < kVecs) {  // keep the smaller side in registers, stream the other
      Pairs row[kRows];
      STM_UNROLL for (int r = 0; r < kRows; ++r) row[r] = pair_at(r);
      STM_UNROLL for (int v = 0; v < kVecs; ++v) {
        const Pairs b = hn::PromoteTo(d16, hn::LoadU(d8, panel + v * 2 * kLanes));
        STM_UNROLL for (int r = 0; r < kRows; ++r) acc[r][v] =
            hn::ReorderWidenMulAccumulate(d32, row[r], b, acc[r][v], upper[r][v]);
      }
    } else {
      Pairs b[kVecs];
      STM_UNROLL for (int v = 0; v < kVecs; ++v) b[v] = hn::PromoteTo(d16, hn::LoadU(d8, panel + v * 2 * kLanes));
      STM_UNROLL for (int r = 0; r < kRows; ++r) {
        const Pairs row = pair_at(r);
        STM_UNROLL for (int v = 0; v < kVecs; ++v) acc[r][v] =
            hn::ReorderWidenMulAccumulate(d32, row, b[v], acc[r][v], upper[r][v]);
      }
    }
  }
  STM_UNROLL for (int r = 0; r < kRows; ++r) STM_UNROLL for (int v = 0; v < kVecs; ++v)
      hn::StoreU(hn::RearrangeToOddPlusEven(acc[r][v], upper[r][v]), d32, sums + (r * kVecs + v) * kLanes);
}

using Int8TileFunction = void (*)(const QuantizedRows&, const int8_t*, int64_t, int32_t*);

// Every size of tile that the target's register file holds; null elsewhere.
struct Int8TileTable {
  Int8TileFunction at[kMaxVecs + 1][kMaxRows + 1] = {};
  template <int kVecs, int kRows>
  constexpr void Fill() {
    at[kVecs][kRows] = &MulInt8Tile<kRows, kVecs>;
    if constexpr (kRows < Int8Rows(kVecs)) Fill<kVecs, kRows + 1>();
  }
  constexpr Int8TileTable() {
    Fill<2, 1>();
    Fill<3, 1>();
    Fill<4, 1>();
  }
};
constexpr Int8TileTable kInt8Tiles;

// `initial` and the numbers that whole sums stand for: in one instruction where there is one, which a compiler would
// else make of the two in one place and not in another.
HWY_INLINE V AddScaled(const int32_t* sums, V scales, V initial) {
  return hn::MulAdd(hn::ConvertTo(D(), hn::LoadU(hn::RebindToSigned<D>(), sums)), scales, initial);
}

// One plain panel of a weight [rows][columns].
inline void PackPlainInt8(const int8_t* weight, int64_t rows, int64_t columns, int64_t panel, int8_t* panels) {
  const auto row_at = [&](int64_t column) {
    const int64_t row = panel * kInt8Width + column;
    return row < rows ? weight + row * columns : nullptr;
  };
  PackInt8Panel(kInt8Width, columns, row_at, panels + panel * kInt8Width * panel_depth(columns));
}

// out[row][column] = the product of `count` rows with one plain panel, and the bias if there is one.
inline HWY_NOINLINE void MulPlainInt8(const QuantizedRows& rows, int64_t count, int64_t depth, const int8_t* panels,
                                      int64_t panel, const float* scales, const float* bias, int64_t columns,
                                      float* out, ptrdiff_t ld) {
  HWY_ALIGN int32_t sums[kMaxRows * kInt8Width];
  const int8_t* const at = panels + panel * kInt8Width * panel_depth(depth);
  const int64_t first = panel * kInt8Width;
  for (int64_t row = 0; row < count;) {
    const int height = static_cast<int>(std::min<int64_t>(Int8Rows(kInt8Vecs), count - row));
    kInt8Tiles.at[kInt8Vecs][height](rows.from(row), at, panel_depth(depth), sums);
    for (int v = 0; v < kInt8Vecs; ++v) {
      const int64_t column = first + v * kLanes, left = columns - column;
      if (left <= 0) break;
      const V scale = LoadFirst(scales + column, left), initial = bias ? LoadFirst(bias + column, left) : hn::Zero(D());
      for (int m = 0; m < height; ++m) {
        const V scales_of_row = hn::Mul(Const(rows.scales[row + m]), scale);
        StoreFirst(AddScaled(sums + (m * kInt8Vecs + v) * kLanes, scales_of_row, initial),
                   out + (row + m) * ld + column, left);
      }
    }
    row += height;
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
