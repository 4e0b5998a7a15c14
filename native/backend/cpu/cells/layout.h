#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "backend/cell_reserve.h"

namespace stm {

using CellCarver = Carver<64>;

/// A row of sums, so wide that whole panels of any instruction set fit.
constexpr int64_t padded_columns(int64_t count) { return (count + 63) / 64 * 64; }

template <class F>
struct CellForwardScratch {
  F *sums, *zeros, *panels, *more_panels;
  size_t bytes;

  CellForwardScratch(const CellProblem& p, void* base) {
    CellCarver carve(base);
    const auto take = [&](int64_t count) {
      return reinterpret_cast<F*>(carve.floats(count * static_cast<int64_t>(sizeof(F) / sizeof(float))));
    };
    // Where the reset comes before the product, n has a product of its own, behind the panels of the others.
    sums = take(p.N * (padded_columns(p.gates() * p.H) + (p.reset_before ? padded_columns(p.H) : 0)));
    zeros = take(p.H);
    panels = take(padded_columns(p.gates() * p.H) * p.H);
    more_panels = take(p.reset_before ? padded_columns(p.H) * p.H : 0);
    bytes = carve.bytes();
  }
};

template <class F>
struct CellBackwardScratch {
  F *dproduct, *dh, *dc, *dmasked, *dreset, *cell, *zeros, *panels, *more_panels;
  size_t bytes;

  CellBackwardScratch(const CellProblem& p, void* base) {
    CellCarver carve(base);
    const auto take = [&](int64_t count) {
      return reinterpret_cast<F*>(carve.floats(count * static_cast<int64_t>(sizeof(F) / sizeof(float))));
    };
    const int64_t G = p.gates();
    dproduct = take(p.T * p.N * G * p.H);
    dh = take(p.N * p.H);
    dc = take(p.N * p.H);
    dmasked = take(p.N * padded_columns(p.H));
    dreset = take(p.reset_before ? p.N * padded_columns(p.H) : 0);
    cell = take(p.N * 2 * p.H);
    zeros = take(p.H);
    panels = take(G * p.H * padded_columns(p.H));
    more_panels = take(p.reset_before ? p.H * padded_columns(p.H) : 0);
    bytes = carve.bytes();
  }
};

/// The rows by descending length, so that those that are live at a step stand first in each member's part.
struct CellRows {
  std::vector<int32_t> order, lengths;  ///< the caller's row of each, and its length
  std::vector<int64_t> bounds;          ///< member m has rows bounds[m] to bounds[m + 1], about as many steps as others

  CellRows(const CellProblem& p, int members) {
    order.resize(static_cast<size_t>(p.N));
    std::iota(order.begin(), order.end(), 0);
    const auto length = [&p](int32_t n) { return p.lengths ? p.lengths[n] : static_cast<int32_t>(p.T); };
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return length(a) > length(b); });
    int64_t steps = 0, sum = 0;
    for (const int32_t n : order) {
      lengths.push_back(length(n));
      steps += length(n);
    }
    bounds.assign(static_cast<size_t>(members) + 1, p.N);
    for (int64_t row = 0, member = 0; row < p.N; ++row) {
      while (member < members && sum * members >= steps * member) bounds[static_cast<size_t>(member++)] = row;
      sum += lengths[static_cast<size_t>(row)];
    }
  }
  /// How many of the rows from `begin` to `end` are longer than t.
  int64_t live(int64_t t, int64_t begin, int64_t end) const {
    int64_t count = 0;
    while (begin + count < end && lengths[static_cast<size_t>(begin + count)] > t) ++count;
    return count;
  }
};

}  // namespace stm
