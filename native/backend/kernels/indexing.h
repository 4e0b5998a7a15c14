#pragma once
#include "backend/padding.h"
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

/// Up to which absolute value f32 and f64 can stand for an index: f32 tells whole numbers apart up to 2^24, f64 all of
/// i32.
inline double exact_bound(DType dtype) { return dtype == DType::F32 ? 16'777'216.0 : 2'147'483'647.0; }

/// Indices are i32; one out of range is OutOfRange, with its value and the bound in the message. All views are dense
/// unless it says otherwise.
class IndexingKernels {
 public:
  /// out[i] = table[indices[i]]: table [V, E], indices [n], out [n, E].
  virtual Status gather_rows(const View& table, const View& indices, const View& out) noexcept = 0;
  /// out[i] = x[i] where item i is real, else 0: x f32 or f64, out i32. One that is no whole number, or not exact in
  /// x's type (`exact_bound`), is OutOfRange.
  virtual Status whole_numbers(const View& x, const Padding& items, const View& out) noexcept = 0;
  /// out[i, indices[i]] = 1, 0 elsewhere: indices [n], out f32 [n, C].
  virtual Status one_hot(const View& indices, const View& out) noexcept = 0;
  /// out = 0, then out[indices[i]] += rows[i] for i in order, `skipped` left out: rows [n, E], out [V, E]. -1 skips
  /// none.
  virtual Status add_rows(const View& rows, const View& indices, int64_t skipped, const View& out) noexcept = 0;
  /// out[a, j, b] = x[a, index[a, j, b], b]: x [A, T, B], index and out [A, J, B].
  virtual Status gather(const View& x, const View& index, const View& out) noexcept = 0;
  /// target[a, index[a, j, b], b] += source[a, j, b], j in order; in place.
  virtual Status scatter_add(const View& index, const View& source, const View& target) noexcept = 0;
  /// The first k of each row of x [rows, n] in order, and their places: values and indices [rows, k]. Stable; NaN
  /// counts as the largest.
  virtual Status sort(const View& x, bool descending, int64_t k, const View& values, const View& indices) noexcept = 0;
  /// Windows along T: out[a, w, b, i] = x[a, w · stride + i · dilation, b]; x [A, T, B], out [A, W, B, size].
  virtual Status unfold(const View& x, int64_t stride, int64_t dilation, const View& out) noexcept = 0;
  /// The gradient of unfold: adds windows [A, W, B, size] up in out [A, T, B].
  virtual Status fold(const View& windows, int64_t stride, int64_t dilation, const View& out) noexcept = 0;

 protected:
  ~IndexingKernels() = default;
};

}  // namespace stm
