// A weight matrix as the products of a recurrence want it: f32 in panels, packed once a pass; f64 as it is, by BLAS.
#if defined(STM_CELL_PRODUCTS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_CELL_PRODUCTS_INL_H_
#undef STM_CELL_PRODUCTS_INL_H_
#else
#define STM_CELL_PRODUCTS_INL_H_
#endif

#include <algorithm>

#include "backend/cpu/cells/layout.h"
#include "backend/cpu/gemm.h"
#include "backend/cpu/recurrent/panel-inl.h"
#include "backend/cpu/stopping.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

// a [m, depth] · M -> out [m, columns], rows lda and ldo apart, ldo a multiple of kCellStride and none of `out` beyond
// a row's columns kept. M is the matrix w [columns, depth] transposed, or w [depth, columns].
template <class F>
struct CellMatrix;

template <>
struct CellMatrix<double> {
  const double* w;
  int64_t depth, columns;
  bool transposed;

  static int64_t numbers(int64_t, int64_t) { return 0; }
  void pack(double*, int, int) {}
  void multiply(const double* a, int64_t lda, int64_t m, double* out, int64_t ldo) const {
    gemm_serial(
        Product<double>{false, transposed, m, columns, depth, a, lda, w, transposed ? depth : columns, 0.0, out, ldo});
  }
};

template <>
struct CellMatrix<float> {
  const float* w;
  int64_t depth, columns;
  bool transposed;
  float* panels = nullptr;  // [panel][depth][kPlainWidth], zeros past the columns

  static int64_t numbers(int64_t depth, int64_t columns) { return depth * padded_columns(columns); }
  // Member `rank`'s part.
  void pack(float* to, int rank, int members) {
    panels = to;
    const Share share(CeilDiv(columns, kPlainWidth), rank, members);
    for (int64_t panel = share.begin; panel < share.end; ++panel) {
      float* HWY_RESTRICT at = to + panel * kPlainWidth * depth;
      const int64_t column = panel * kPlainWidth, left = std::min<int64_t>(kPlainWidth, columns - column);
      for (int64_t k = 0; k < depth; ++k, at += kPlainWidth) {
        for (int64_t j = 0; j < left; ++j)
          at[j] = transposed ? w[(column + j) * depth + k] : w[k * columns + column + j];
        std::fill(at + left, at + kPlainWidth, 0.0f);
      }
    }
  }
  void multiply(const float* a, int64_t lda, int64_t m, float* out, int64_t ldo) const {
    static const float zeros[kPlainWidth] = {};
    const Factors none{nullptr, 0, nullptr, 0};
    const int64_t tiles = CeilDiv(m, kRowsFor[kPlainVecs]);
    for (int64_t panel = 0; panel * kPlainWidth < columns; ++panel) {
      stop_point();
      int64_t row = 0;
      for (int64_t i = 0; i < tiles; ++i) {
        const int rows = static_cast<int>(m / tiles + (i < m % tiles));
        kTiles.at[kPlainVecs][rows](out + row * ldo + panel * kPlainWidth, ldo, zeros, 0,
                                    {a + row * lda, lda, panels + panel * kPlainWidth * depth, depth}, none);
        row += rows;
      }
    }
  }
};

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
