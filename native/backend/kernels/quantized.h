#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

/// A product sums up to 127² for each column: with so many the sum fits 32 bits.
constexpr int64_t kMostQuantizedColumns = 131'072;

/// Products with weights of 8 bits, of which each row has a scale: w = q · scale, q in -127..127. The rows that are
/// multiplied are rounded in the same way while it runs, and products are summed in whole numbers. Weights, scales and
/// scratch are dense; weights and scratch are bytes.
class QuantizedKernels {
 public:
  /// Rounds each row of `weight` [rows, columns]: scale = max |w| / 127, NaN of a row that holds no number.
  virtual Status quantize(const View& weight, const View& quantized, const View& scales) noexcept = 0;
  /// Bytes of a weight [rows, columns] as linear() wants it. Any thread.
  virtual size_t packed_bytes(int64_t rows, int64_t columns) const noexcept = 0;
  virtual Status pack(const View& weight, void* packed) noexcept = 0;
  /// Bytes of scratch of linear() for x [rows, in]. Any thread.
  virtual size_t scratch_bytes(int64_t rows, int64_t in) const noexcept = 0;
  /// out = x · weightᵀ + bias: x [rows, in], out [rows, columns], bias [columns] or absent, all f32.
  virtual Status linear(const View& x, const void* packed, const View& scales, const View& bias, void* scratch,
                        const View& out) noexcept = 0;

 protected:
  ~QuantizedKernels() = default;
};

}  // namespace stm
