// The register-blocked product at the heart of the recurrence: a tile of rows x vectors of accumulators, fed by packed
// panels.
//
//   panel: [depth][vecs][kLanes], so that one step of depth is `vecs` consecutive vectors (fastest on a 64-byte
//     boundary)
#if defined(STM_PANEL_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_PANEL_INL_H_
#undef STM_PANEL_INL_H_
#else
#define STM_PANEL_INL_H_
#endif

#include <algorithm>
#include <cstddef>

#include "backend/cpu/vector_rows-inl.h"
#include "hwy/highway.h"

// g++ only keeps an array of vectors in registers if every loop over it is unrolled before register allocation.
#define STM_UNROLL _Pragma("GCC unroll 16")

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

constexpr int kMaxVecs = 4;  // in a tile

// Rows of a tile by its vectors, as many as the register file allows: 32 registers hold 24 accumulators, 16 hold 12;
// SSE4 needs a temporary for each multiply, as it has no FMA. kPlainVecs: the width of a plain panel.
#if HWY_TARGET <= HWY_AVX3 || HWY_ARCH_ARM_A64
constexpr int kRowsFor[kMaxVecs + 1] = {0, 8, 8, 8, 6}, kPlainVecs = 3;
#elif HWY_TARGET == HWY_AVX2
constexpr int kRowsFor[kMaxVecs + 1] = {0, 8, 6, 4, 3}, kPlainVecs = 2;
#else
constexpr int kRowsFor[kMaxVecs + 1] = {0, 6, 4, 3, 2}, kPlainVecs = 2;
#endif
constexpr int kMaxRows = 8;

// With 16 registers a tile as wide as a panel of kMaxVecs has fewer rows than vectors, and needs more of the panel from
// the L2 cache than that delivers. So more rows go along one half of it, then along the other: 2 to 6 % less time for
// LSTM, a quarter less for 4 and 5 rows.
constexpr int kHalfVecs = kMaxVecs / 2;
constexpr bool kHalves = kRowsFor[kMaxVecs] < kMaxVecs;
constexpr int64_t kPlainWidth = kPlainVecs * kLanes;  // columns per plain panel

constexpr int64_t CeilDiv(int64_t a, int64_t b) { return (a + b - 1) / b; }

HWY_INLINE int VecsInPanel(int64_t columns, int64_t panel) {
  return static_cast<int>(std::min<int64_t>(kPlainVecs, CeilDiv(columns - panel * kPlainWidth, kLanes)));
}

// What a tile has fetched into the L2 cache while it multiplies: the panel that comes next, of which each of the row
// tiles before it fetches a part. A panel is longer than what the processor looks ahead by itself.
struct Ahead {
  const float* from = nullptr;
  ptrdiff_t step = 0;  // numbers for each column of the tile's rows: of one cache line, or of two
  // The part of tile `tile` of `tiles` in a panel of `depth` times `vecs` vectors. For halves the least is a line in
  // two columns.
  static HWY_INLINE Ahead Part(const float* panel, int vecs, int64_t depth, int64_t tile, int64_t tiles) {
    const int64_t width = vecs * kLanes, least = std::min(width, kHalves ? kLine / 2 : kLine);
    const int64_t step = std::min(2 * kLine, CeilDiv(CeilDiv(width, tiles), least) * least);
    return tile * step < width ? Ahead{panel + tile * step * depth, static_cast<ptrdiff_t>(step)} : Ahead{};
  }
  static constexpr int64_t kLine = 16;  // numbers in a cache line
};

// One product into a tile: `depth` columns of rows of `a`, `stride` apart, times a panel.
struct Factors {
  const float* a;
  ptrdiff_t stride;
  const float* panel;
  int64_t depth;
  Ahead ahead = {};
  // The same with one half of the panel's columns, and half of what is fetched.
  HWY_INLINE Factors Half(int half) const {
    const ptrdiff_t step = ahead.step / 2;
    return {a, stride, panel + half * kHalfVecs * kLanes, depth, {ahead.from + half * step * depth, step}};
  }
};

// acc[row][vec] += sum over k of a[row * stride + k] * panel[k][vec], of a panel that is kWide vectors wide.
template <int kRows, int kVecs, int kWide>
HWY_INLINE void MulAddPanel(V (&acc)[kRows][kVecs], const Factors& f) {
  const D d;
  const float* HWY_RESTRICT a = f.a;
  const float* HWY_RESTRICT panel = f.panel;
  const ptrdiff_t stride = f.stride, step = f.ahead.step, second = step > Ahead::kLine ? Ahead::kLine : 0;
  const float* ahead = f.ahead.from ? f.ahead.from : panel;
  // Twice: 3 % on AVX2, nothing on AVX3.
  _Pragma("GCC unroll 2") for (int64_t k = 0; k < f.depth; ++k, ++a, panel += kWide * kLanes, ahead += step) {
    __builtin_prefetch(ahead, 0, 2);
    __builtin_prefetch(ahead + second, 0, 2);
    if constexpr (kRows < kVecs) {  // keep the smaller side in registers, stream the other
      V rows[kRows];
      STM_UNROLL for (int r = 0; r < kRows; ++r) rows[r] = hn::Set(d, a[r * stride]);
      STM_UNROLL for (int v = 0; v < kVecs; ++v) {
        const V b = hn::LoadU(d, panel + v * kLanes);
        STM_UNROLL for (int r = 0; r < kRows; ++r) acc[r][v] = hn::MulAdd(rows[r], b, acc[r][v]);
      }
    } else {
      V b[kVecs];
      STM_UNROLL for (int v = 0; v < kVecs; ++v) b[v] = hn::LoadU(d, panel + v * kLanes);
      STM_UNROLL for (int r = 0; r < kRows; ++r) {
        const V row = hn::Set(d, a[r * stride]);
        STM_UNROLL for (int v = 0; v < kVecs; ++v) acc[r][v] = hn::MulAdd(row, b[v], acc[r][v]);
      }
    }
  }
}

// sums[row][vec] = initial[row][vec] + both products; rows are `sums_stride` and `initial_stride` floats apart (0: one
// row serves all).
template <int kRows, int kVecs, int kWide = kVecs>
void MulAddTile(float* sums, ptrdiff_t sums_stride, const float* initial, ptrdiff_t initial_stride,
                const Factors& first, const Factors& second) {
  V acc[kRows][kVecs];
  STM_UNROLL for (int r = 0; r < kRows; ++r) STM_UNROLL for (int v = 0; v < kVecs; ++v) acc[r][v] =
      hn::LoadU(D(), initial + r * initial_stride + v * kLanes);
  MulAddPanel<kRows, kVecs, kWide>(acc, first);
  MulAddPanel<kRows, kVecs, kWide>(acc, second);
  STM_UNROLL for (int r = 0; r < kRows; ++r) STM_UNROLL for (int v = 0; v < kVecs; ++v)
      hn::StoreU(acc[r][v], D(), sums + r * sums_stride + v * kLanes);
}

using TileFunction = void (*)(float*, ptrdiff_t, const float*, ptrdiff_t, const Factors&, const Factors&);

// Every size of tile that the target's register file holds; null elsewhere. half: of half of the widest panel, for as
// many rows as are too many for all of it.
struct TileTable {
  TileFunction at[kMaxVecs + 1][kMaxRows + 1] = {}, half[kMaxRows + 1] = {};
  template <int kVecs, int kRows>
  constexpr void Fill() {
    at[kVecs][kRows] = &MulAddTile<kRows, kVecs>;
    if constexpr (kRows < kRowsFor[kVecs]) Fill<kVecs, kRows + 1>();
  }
  constexpr TileTable() {
    Fill<1, 1>();
    Fill<2, 1>();
    Fill<3, 1>();
    Fill<4, 1>();
    if constexpr (kHalves) FillHalf<kRowsFor[kMaxVecs] + 1>();
  }
  template <int kRows>
  constexpr void FillHalf() {
    half[kRows] = &MulAddTile<kRows, kHalfVecs, kMaxVecs>;
    if constexpr (kRows < kRowsFor[kHalfVecs]) FillHalf<kRows + 1>();
  }
};
constexpr TileTable kTiles;

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
