#pragma once
#include <cstdint>

namespace stm {

// Sums and extremes of f32 in vectors of the best instruction set, in an order that depends on the count alone: a run's
// number i goes to lane i % kSumLanes, of extremes i % kExtremeLanes.
//
// Of each kSumGroup numbers of a sum a lane has four, which are added in f32, (a + b) + (c + d), and then to it in
// f64: to turn each into f64 takes as long as to fetch it from a cache. Those of a last, smaller group are added in f64
// one by one, as all are where numbers are so large that a sum of four is infinite. Lanes are joined in halves: each of
// the first half with its counterpart in the second, until one is left; of extremes one after the other.

constexpr int64_t kRunsTogether = 4, kSumLanes = 16, kSumGroup = 64, kExtremeLanes = 32;

/// out[k] = Σ x[k][i] for up to kRunsTogether dense runs of `count` elements.
void sum_runs(const float* const* x, int64_t runs, int64_t count, double* out);

/// The same sum, to the last bit, of a run whose elements lie `stride` apart.
double sum_strided(const float* x, int64_t stride, int64_t count);

/// out[k] = the largest element of x[k], or the smallest; NaN if one is, ∓infinity if there are none.
void extreme_runs(bool largest, const float* const* x, int64_t runs, int64_t count, float* out);

/// sums[j] += x[i · step + j], row after row, for up to 64 columns.
void add_rows(const float* x, int64_t step, int64_t rows, int64_t columns, double* sums);

}  // namespace stm
