#pragma once
#include "backend/philox.h"
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

/// Element i of a dense f32 output takes word i % 4 of block i / 4 of its stream; of an f64 or i32 output, words 2 · (i
/// % 2) and the next of block i / 2. So the numbers depend on seed and offset alone, not on threads or device. All
/// views are dense.
class RandomKernels {
 public:
  /// `low` + (high - low) · [0, 1); f32 or f64.
  virtual Status uniform(PhiloxStream stream, double low, double high, const View& out) noexcept = 0;
  /// mean + std · N(0, 1), by Box and Muller's method from pairs of words (of doubles in f64); f32 or f64.
  virtual Status normal(PhiloxStream stream, double mean, double std, const View& out) noexcept = 0;
  /// Whole numbers low..low + range - 1; i32.
  virtual Status integers(PhiloxStream stream, int32_t low, uint32_t range, const View& out) noexcept = 0;
  /// 1 with the probability that stands in `p`, else 0; both f32 or f64. OutOfRange if an element of `p` is no
  /// probability.
  virtual Status bernoulli(PhiloxStream stream, const View& p, const View& out) noexcept = 0;
  /// out = weights [R, V] to draw from, f32 or f64. OutOfRange if one is below 0 or not finite, or a row has fewer
  /// above 0, `possible` i32 [R], than `least`.
  virtual Status check_weights(const View& weights, const View& possible, int64_t least, const View& out) noexcept = 0;
  /// out = x / (1 - p) where the element's uniform number is at least p, else x · 0. The backward pass calls it on dy
  /// with the same stream.
  virtual Status dropout(PhiloxStream stream, double p, const View& x, const View& out) noexcept = 0;
  /// A random matrix [rows, columns] with orthonormal rows (columns, if there are fewer of them), times gain; f32 or
  /// f64.
  virtual Status orthogonal(PhiloxStream stream, double gain, int64_t rows, int64_t columns,
                            const View& out) noexcept = 0;

 protected:
  ~RandomKernels() = default;
};

}  // namespace stm
