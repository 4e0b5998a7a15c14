#pragma once
#include "backend/functors.h"
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

#define STM_ENUMERATOR(name, ...) name,
enum class Unary : int32_t { STM_UNARY_FUNCTORS(STM_ENUMERATOR) STM_PARAMETRIC_FUNCTORS(STM_ENUMERATOR) };
enum class Binary : int32_t { STM_BINARY_FUNCTORS(STM_ENUMERATOR) };
enum class Compare : int32_t { STM_COMPARE_FUNCTORS(STM_ENUMERATOR) };
#undef STM_ENUMERATOR

/// All views of one call have the same extents (broadcast axes have stride 0) and any strides.
class ElementwiseKernels {
 public:
  virtual Status unary(Unary op, double parameter, const View& x, const View& y) noexcept = 0;
  /// dx = dy · f'(x, y). `x` or `y` is absent (null) where the functor does not save it.
  virtual Status unary_backward(Unary op, double parameter, const View& x, const View& y, const View& dy,
                                const View& dx) noexcept = 0;
  virtual Status binary(Binary op, const View& a, const View& b, const View& out) noexcept = 0;
  /// op(a, scalar), or op(scalar, a) if reversed.
  virtual Status binary_scalar(Binary op, const View& a, double scalar, bool reversed, const View& out) noexcept = 0;
  /// `out` is bool.
  virtual Status compare(Compare op, const View& a, const View& b, const View& out) noexcept = 0;
  virtual Status compare_scalar(Compare op, const View& a, double scalar, const View& out) noexcept = 0;
  /// condition (bool) ? a : b.
  virtual Status where(const View& condition, const View& a, const View& b, const View& out) noexcept = 0;
  /// Copies between any strides and any two dtypes; a float becomes an integer by truncation, a bool by x != 0.
  virtual Status copy(const View& from, const View& to) noexcept = 0;
  virtual Status fill(double value, const View& to) noexcept = 0;
  /// start + i · step, computed in double, for element i of a dense view.
  virtual Status arange(double start, double step, const View& to) noexcept = 0;

 protected:
  ~ElementwiseKernels() = default;
};

}  // namespace stm
