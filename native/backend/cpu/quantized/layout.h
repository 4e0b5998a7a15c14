#pragma once
#include <cstddef>
#include <cstdint>

namespace stm {

/// Rows of numbers rounded to 8 bits, kept in 16, as the products of pairs take them: x = values · scale.
struct QuantizedRows {
  int16_t* values;  ///< [rows][stride]
  float* scales;    ///< [rows]
  int64_t stride;   ///< of quantized_stride()

  QuantizedRows from(int64_t row) const { return {values + row * stride, scales + row, stride}; }
};

/// Numbers from one quantised row to the next: whole cache lines, of which what is behind the numbers is 0.
constexpr int64_t quantized_stride(int64_t columns) { return (columns + 31) / 32 * 32; }

/// Of the largest number of a row: from here on 127 divided by it is a number.
constexpr float kLeastScaled = 1e-30f;

/// Columns of a panel, which is multiplied in pairs.
constexpr int64_t panel_depth(int64_t columns) { return (columns + 1) / 2 * 2; }

constexpr int64_t kWidestInt8Panel = 64;  ///< columns of linear()'s panels, of the widest instruction set

/// Bytes of the panels of a weight [rows, columns], enough for every instruction set.
constexpr int64_t plain_panel_bytes(int64_t rows, int64_t columns) {
  return (rows + kWidestInt8Panel - 1) / kWidestInt8Panel * kWidestInt8Panel * panel_depth(columns);
}

}  // namespace stm
