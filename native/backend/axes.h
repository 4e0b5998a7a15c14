#pragma once
#include <cstdint>

#include "backend/view.h"

namespace stm {

/// Axes of N views of equal extents, walked together, the outermost first. Those that lie densely behind each other in
/// all views are one.
template <int N>
struct MergedAxes {
  int32_t rank = 0;
  int64_t extent[kMaxRank] = {}, stride[N][kMaxRank] = {};

  /// Adds an axis inside the others. One of extent 1 is not worth adding.
  void add(int64_t n, const int64_t (&step)[N]) {
    bool merges = rank > 0;
    for (int i = 0; i < N && merges; ++i) merges = stride[i][rank - 1] == step[i] * n;
    if (merges) extent[rank - 1] *= n;
    else extent[rank++] = n;
    for (int i = 0; i < N; ++i) stride[i][rank - 1] = step[i];
  }
  int64_t size() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= extent[i];
    return n;
  }
};

}  // namespace stm
