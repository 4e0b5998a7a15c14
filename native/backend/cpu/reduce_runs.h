#pragma once
#include <cstdint>

namespace stm {

// Sums and extremes of f32 in vectors of the best instruction set, in an order that depends on the count alone: a run's
// number i goes to lane i % kSumLanes, of extremes i % kExtremeLanes, and the lanes are joined one after the other.

constexpr int64_t kRunsTogether = 4, kSumLanes = 16, kExtremeLanes = 32;

/// out[k] = Σ x[k][i] for up to kRunsTogether dense runs of `count` elements; they are taken together, because a single
/// one waits for its own additions.
void sum_runs(const float* const* x, int64_t runs, int64_t count, double* out);

/// out[k] = the largest element of x[k], or the smallest; NaN if one is, ∓infinity if there are none.
void extreme_runs(bool largest, const float* const* x, int64_t runs, int64_t count, float* out);

/// sums[j] += x[i · step + j], row after row, for up to 64 columns.
void add_rows(const float* x, int64_t step, int64_t rows, int64_t columns, double* sums);

}  // namespace stm
