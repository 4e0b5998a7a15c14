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
#include "backend/cpu/recurrent/plain_panels-inl.h"
#include "backend/cpu/stopping.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

// a [m, depth] · M -> out [m, columns], rows lda and ldo apart, ldo as padded_columns says and none of `out` beyond
// a row's columns kept. M is the matrix w [columns, depth] transposed, or w [depth, columns].
template <class F>
struct CellMatrix;

template <>
struct CellMatrix<double> {
  const double* w;
  int64_t depth, columns;
  bool transposed;
  double* panels;  // none: it is multiplied as it lies

  void pack(int, int) const {}
  void multiply(const double* a, int64_t lda, int64_t m, double* out, int64_t ldo) const {
    gemm_serial(Product<double>{false, transposed, m, columns, depth, a, lda, w, transposed ? depth : columns, false,
                                out, ldo});
  }
};

template <>
struct CellMatrix<float> {
  const float* w;
  int64_t depth, columns;
  bool transposed;
  float* panels;

  // The share of `rank`.
  void pack(int rank, int members) const {
    if (transposed) PackTransposedPanels(w, depth, columns, panels, rank, members);
    else PackPlainPanels(w, depth, columns, 0, panels, rank, members);
  }
  void multiply(const float* a, int64_t lda, int64_t m, float* out, int64_t ldo) const {
    static const float zeros[kPlainWidth] = {};
    const Factors none{nullptr, 0, nullptr, 0};
    const int64_t tiles = CeilDiv(m, kRowsFor[kPlainVecs]);
    for (int64_t panel = 0; panel * kPlainWidth < columns; ++panel) {
      stop_point();
      const int vecs = VecsInPanel(columns, panel);
      int64_t row = 0;
      for (int64_t i = 0; i < tiles; ++i) {
        const int rows = static_cast<int>(m / tiles + (i < m % tiles));
        kTiles.at[vecs][rows](out + row * ldo + panel * kPlainWidth, ldo, zeros, 0,
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
