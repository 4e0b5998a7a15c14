#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

enum class Fold : int32_t { Sum, Prod, Max, Min, Mean };

class ReduceKernels {
 public:
  /// Reduces the last `reduced` axes of `x`; `out` has the extents of the others. Any strides. Sums of floats are taken
  /// in double, and so is the quotient that Mean makes of them (f32 and f64 only); Max and Min give NaN if an element
  /// is NaN; an empty Sum is 0, an empty Prod 1, an empty Max of bool false, an empty Min of bool true. An i32 that
  /// does not hold the result is OutOfRange, in `cumsum` too.
  virtual Status reduce(Fold op, const View& x, int32_t reduced, const View& out) noexcept = 0;
  /// Place (i32) of the largest or smallest element along the last axis, the first of several; a NaN counts as the
  /// extreme.
  virtual Status arg_extreme(bool largest, const View& x, const View& out) noexcept = 0;
  /// Running sums along the last axis, from its end if reversed.
  virtual Status cumsum(const View& x, bool reversed, const View& out) noexcept = 0;

 protected:
  ~ReduceKernels() = default;
};

}  // namespace stm
