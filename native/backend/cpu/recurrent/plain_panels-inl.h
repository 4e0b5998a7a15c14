// Matrices in plain panels, for products whose columns are all alike.
#if defined(STM_PLAIN_PANELS_INL_H_) == defined(HWY_TARGET_TOGGLE)
#ifdef STM_PLAIN_PANELS_INL_H_
#undef STM_PLAIN_PANELS_INL_H_
#else
#define STM_PLAIN_PANELS_INL_H_
#endif

#include <algorithm>
#include <cstdint>

#include "backend/cpu/recurrent/panel-inl.h"
#include "backend/cpu/stopping.h"
#include "backend/cpu/team.h"
#include "backend/cpu/transpose-inl.h"
#include "hwy/highway.h"

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

// [depth][columns] -> panels of up to kPlainVecs vectors: [depth][vecs][kLanes]; row k of a panel is row (k + first) %
// depth of the matrix.
inline void PackPlainPanels(const float* weight, int64_t depth, int64_t columns, int64_t first, float* panels, int rank,
                            int members) {
  const Share share(CeilDiv(columns, kPlainWidth), rank, members);
  for (int64_t panel = share.begin; panel < share.end; ++panel) {
    stop_point();
    const int64_t column = panel * kPlainWidth;
    const int vecs = VecsInPanel(columns, panel);
    float* to = panels + panel * kPlainWidth * depth;
    for (int64_t k = 0; k < depth; ++k) {
      const int64_t row = k + first < depth ? k + first : k + first - depth;
      for (int v = 0; v < vecs; ++v, to += kLanes) {
        hn::StoreU(LoadFirst(weight + row * columns + column + v * kLanes, columns - column - v * kLanes), D(), to);
      }
    }
  }
}

// [columns][depth] -> the same panels.
inline void PackTransposedPanels(const float* weight, int64_t depth, int64_t columns, float* panels, int rank,
                                 int members) {
  const Share share(CeilDiv(columns, kPlainWidth), rank, members);
  for (int64_t panel = share.begin; panel < share.end; ++panel) {
    stop_point();
    const int64_t column = panel * kPlainWidth, width = VecsInPanel(columns, panel) * kLanes,
                  left = std::min(width, columns - column);
    TransposeRows(weight + column * depth, depth, left, width, depth, panels + panel * kPlainWidth * depth, width);
  }
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#endif
