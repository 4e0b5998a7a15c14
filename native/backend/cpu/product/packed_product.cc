#include "backend/cpu/product/packed_product.h"

#include <algorithm>
#include <cstdlib>
#include <memory>

#include "backend/cpu/product/bf16_tiles.h"
#include "backend/cpu/stopping.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/product/packed_product.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/product/bf16_pairs-inl.h"
#include "backend/cpu/product/tiles-inl.h"
#include "backend/cpu/transpose-inl.h"
#include "hwy/highway.h"

// The same for all instruction sets.
#ifndef STM_PACKED_PRODUCT_ONCE
#define STM_PACKED_PRODUCT_ONCE
namespace stm {
namespace {

// A block of A stays in the L2 cache while it meets all panels of a block of B, and a panel of B, which is as deep, in
// the L1 cache while it meets all panels of A.
constexpr int64_t kDepth = 256, kBlockRows = 240, kBlockColumns = 2016;

struct Blocks {
  float *a, *b;
};

}  // namespace
}  // namespace stm
#endif

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

static_assert(kBlockColumns % kTileWidth == 0 && kBlockRows % kTileRows == 0 && kRowStep <= 2 * kTileRows,
              "panels fill their blocks, and no more");

// Whether panels of bf16 hold pairs.
bool HasPairs() {
#if HWY_TARGET <= HWY_AVX3
  return bf16_tile(1, 1) != nullptr;
#else
  return false;
#endif
}

ProductTileCall TileOf(bool pairs, int64_t rows, int64_t vecs) {
#if HWY_TARGET <= HWY_AVX3
  static_assert(kTileRows == 12 && kTileVecs == 2, "the sizes that bf16_tiles.h says");
  if (pairs) return bf16_tile(rows, vecs);
#endif
  static_cast<void>(pairs);
  return kProductTiles.at[vecs][rows];
}

// `count` numbers, and zeros up to `width`.
template <int64_t kWidth>
HWY_INLINE void CopyPadded(const float* HWY_RESTRICT from, int64_t count, float* HWY_RESTRICT to) {
  if (HWY_LIKELY(count >= kWidth)) {
    int64_t j = 0;
    STM_UNROLL for (; j + kLanes <= kWidth; j += kLanes) hn::StoreU(hn::LoadU(D(), from + j), D(), to + j);
    const hn::FixedTag<float, 4> four;
    STM_UNROLL for (; j + 4 <= kWidth; j += 4) hn::StoreU(hn::LoadU(four, from + j), four, to + j);
    STM_UNROLL for (; j < kWidth; ++j) to[j] = from[j];
    return;
  }
  for (int64_t j = 0; j < kWidth; ++j) to[j] = j < count ? from[j] : 0.0f;
}

// Panels of kWidth lines, the rows of op(A) or the columns of op(B): [panel][depth][kStep]. `dense`: lines are side by
// side in memory, and the steps of depth `ld` apart; else the other way about.
template <int64_t kWidth, int64_t kStep>
void PackPanels(const float* from, ptrdiff_t ld, bool dense, int64_t lines, int64_t depth, float* to) {
  if (dense) {
    constexpr int64_t kTogether = 8;  // rows that are read at a time, from one end to the other
    for (int64_t k = 0; k < depth; k += kTogether) {
      const int64_t end = std::min(depth, k + kTogether);
      float* panel = to;
      for (int64_t line = 0; line < lines; line += kWidth, panel += depth * kStep) {
        for (int64_t row = k; row < end; ++row)
          CopyPadded<kWidth>(from + row * ld + line, lines - line, panel + row * kStep);
      }
    }
    return;
  }
  for (int64_t line = 0; line < lines; line += kWidth, to += depth * kStep)
    TransposeRows(from + line * ld, ld, std::min(kWidth, lines - line), kWidth, depth, to, kStep);
}

#if HWY_TARGET <= HWY_AVX3
// The same with two steps of depth in one, as pairs of bf16.
template <int64_t kWidth, int64_t kStep>
void PackPairs(const float* from, ptrdiff_t ld, bool dense, int64_t lines, int64_t depth, float* to) {
  const int64_t pairs = CeilDiv(depth, 2);
  if (dense) {
    static const float zeros[kWidth] = {};
    constexpr int64_t kTogether = 4;
    for (int64_t k = 0; k < pairs; k += kTogether) {
      const int64_t end = std::min(pairs, k + kTogether);
      float* panel = to;
      for (int64_t line = 0; line < lines; line += kWidth, panel += pairs * kStep) {
        const int64_t count = std::min(kWidth, lines - line);
        for (int64_t pair = k; pair < end; ++pair) {
          const float* const first = from + 2 * pair * ld + line;
          float* const numbers = panel + pair * kStep;
          PairRows(first, 2 * pair + 1 < depth ? first + ld : zeros, count, numbers);
          for (int64_t j = count; j < kWidth; ++j) numbers[j] = 0.0f;
        }
      }
    }
    return;
  }
  HWY_ALIGN float rows[kWidth * kDepth];
  for (int64_t line = 0; line < lines; line += kWidth, to += pairs * kStep) {
    const int64_t count = std::min(kWidth, lines - line);
    for (int64_t r = 0; r < count; ++r) PairNeighbours(from + (line + r) * ld, depth, rows + r * pairs);
    TransposeRows(rows, pairs, count, kWidth, pairs, to, kStep);
  }
}

#endif

// How the numbers of a product are packed.
enum class Panels { Numbers, Rounded, Pairs };

template <int64_t kWidth, int64_t kStep>
void Pack(Panels kind, const float* from, ptrdiff_t ld, bool dense, int64_t lines, int64_t depth, float* to) {
#if HWY_TARGET <= HWY_AVX3
  if (kind == Panels::Pairs) return PackPairs<kWidth, kStep>(from, ld, dense, lines, depth, to);
#endif
  PackPanels<kWidth, kStep>(from, ld, dense, lines, depth, to);
  if (kind == Panels::Rounded) RoundInPlace(to, CeilDiv(lines, kWidth) * kStep * depth);
}

void MultiplyBlocks(const Product<float>& p, const Blocks& blocks) {
  const bool pairs = p.bf16 && HasPairs();
  const Panels kind = pairs ? Panels::Pairs : p.bf16 ? Panels::Rounded : Panels::Numbers;
  for (int64_t column = 0; column < p.n; column += kBlockColumns) {
    const int64_t columns = std::min(kBlockColumns, p.n - column);
    for (int64_t k = 0; k < p.k;) {
      const int64_t left = p.k - k, depth = CeilDiv(left, CeilDiv(left, pairs ? 2 * kDepth : kDepth)),
                    steps = pairs ? CeilDiv(depth, 2) : depth;
      stop_point();
      Pack<kTileWidth, kTileWidth>(kind, p.trans_b ? p.b + column * p.ldb + k : p.b + k * p.ldb + column, p.ldb,
                                   !p.trans_b, columns, depth, blocks.b);
      for (int64_t row = 0; row < p.m; row += kBlockRows) {
        const int64_t rows = std::min(kBlockRows, p.m - row);
        stop_point();
        Pack<kTileRows, kRowStep>(kind, p.trans_a ? p.a + k * p.lda + row : p.a + row * p.lda + k, p.lda, p.trans_a,
                                  rows, depth, blocks.a);
        for (int64_t j = 0; j < columns; j += kTileWidth) {
          if (j % (16 * kTileWidth) == 0) stop_point();
          ProductTile tile{nullptr,         blocks.b + j * steps,
                           steps,           nullptr,
                           p.ldc,           std::min(kTileWidth, columns - j),
                           k > 0 || p.adds, p.row ? p.row + column + j : nullptr};
          const int64_t vecs = CeilDiv(tile.columns, kLanes);
          for (int64_t i = 0; i < rows; i += kTileRows) {
            tile.a = blocks.a + i / kTileRows * kRowStep * steps;
            tile.c = p.c + (row + i) * p.ldc + column + j;
            TileOf(pairs, std::min<int64_t>(kTileRows, rows - i), vecs)(tile);
          }
        }
      }
      k += depth;
    }
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {
HWY_EXPORT(MultiplyBlocks);

namespace {

constexpr size_t kNumbersA = kBlockRows * 2 * kDepth, kNumbersB = kBlockColumns * kDepth;  // 2: panels are padded

struct Free {
  void operator()(float* memory) const { std::free(memory); }
};

Blocks blocks_of_thread() {
  thread_local std::unique_ptr<float, Free> memory;
  if (!memory) memory.reset(static_cast<float*>(std::aligned_alloc(64, (kNumbersA + kNumbersB) * sizeof(float))));
  return {memory.get(), memory ? memory.get() + kNumbersA : nullptr};
}

}  // namespace

bool packed_product_pays(int64_t m, int64_t n, int64_t k) {
  constexpr int64_t kShallow = 32, kSmall = 16'384;
  return k >= kShallow || m * n <= kSmall;  // shallow and large: little but writing C
}

bool packed_product(const Product<float>& p) {
  const Blocks blocks = blocks_of_thread();
  if (!blocks.a) return false;
  HWY_DYNAMIC_DISPATCH(MultiplyBlocks)(p, blocks);
  return true;
}

}  // namespace stm
#endif
