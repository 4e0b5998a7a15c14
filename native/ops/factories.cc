#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

/// A private copy of host values, as large as the command that carries it says. Bools become 0 and 1.
std::shared_ptr<char[]> copy_of(const HostValues& values, size_t bytes) {
  std::shared_ptr<char[]> copy(new char[bytes]);
  if (values.dtype == DType::Bool) {
    const auto* truths = static_cast<const uint8_t*>(values.data);
    std::transform(truths, truths + bytes, copy.get(), [](uint8_t truth) { return static_cast<char>(truth != 0); });
  } else {
    std::memcpy(copy.get(), values.data, bytes);
  }
  return copy;
}

/// Of i32; of f32 where all numbers are whole, as labels in plain arrays are, which other data seldom hold for long.
void note_host_range(const Tensor& x, const HostValues& values) {
  if (values.size == 0) return;
  if (values.dtype == DType::I32) {
    const auto* numbers = static_cast<const int32_t*>(values.data);
    const auto [least, greatest] = std::minmax_element(numbers, numbers + values.size);
    x->storage->set_host_range({*least, *greatest});
  } else if (values.dtype == DType::F32) {
    const auto* numbers = static_cast<const float*>(values.data);
    HostRange range{INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < static_cast<size_t>(values.size); ++i) {
      if (!(numbers[i] >= -16'777'216.0f && numbers[i] <= 16'777'216.0f) || numbers[i] != std::trunc(numbers[i])) return;
      const auto number = static_cast<int64_t>(numbers[i]);
      range = {std::min(range.least, number), std::max(range.greatest, number)};
    }
    x->storage->set_host_range(range);
  }
}

Tensor from_array(const HostValues& values, const Shape& shape, const std::string& device) {
  STM_CHECK(values.size == shape.size(), Kind::Shape, "tensor: got {} values, expected {} for shape {}.\n  Fix: correct the shape or the data.", values.size,
            shape.size(), shape);
  Tensor x = empty(shape, values.dtype, Session::current().device(device));
  const size_t bytes = x->storage->bytes();
  enqueue(
      "tensor", {}, {x}, [host = copy_of(values, bytes), bytes](Backend& b, Views v) { return b.upload(v.out(0).data, host.get(), bytes); }, bytes);
  note_host_range(x, values);
  return x;
}

Tensor full_on(const Shape& shape, double value, DType dtype, const std::string& device) {
  STM_CHECK(holds(dtype, value), Kind::DType, "full: got {} for dtype {}, expected {}.\n  Fix: correct the value, or choose another dtype.", value, dtype,
            dtype == DType::Bool ? "0 or 1, false or true" : "a whole number of 32 bits");
  return full(shape, value, dtype, Session::current().device(device));
}

}  // namespace

Tensor full(const Shape& shape, double value, DType dtype, Device& device) {
  Tensor x = empty(shape, dtype, device);
  enqueue("full", {}, {x}, [value](Backend& b, Views v) { return b.elementwise().fill(value, v.out(0)); });
  return x;
}

void declare_factories(OpTable& table) {
  table.add("fromArray", &from_array, {"values", "shape", "device"},
            "A tensor holding a copy of `values`, taken before the call returns; Uint8Array gives bool.");
  table.add("full", &full_on, {"shape", "value", "dtype", "device"}, "A tensor of one repeated value.");
}

}  // namespace stm::ops
