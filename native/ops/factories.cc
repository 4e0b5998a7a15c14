#include <algorithm>
#include <cmath>
#include <cstring>
#include <memory>

#include "backend/large_pages.h"
#include "core/op_table.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

/// A private copy of host values, as large as the command that carries it says. Bools become 0 and 1.
std::shared_ptr<char[]> copy_of(const HostValues& values, size_t bytes) {
  std::shared_ptr<char[]> copy(new char[bytes]);
  prefer_large_pages(copy.get(), bytes);
  if (values.dtype == DType::Bool) {
    const auto* truths = static_cast<const uint8_t*>(values.data);
    std::transform(truths, truths + bytes, copy.get(), [](uint8_t truth) { return static_cast<char>(truth != 0); });
  } else if (bytes) {
    std::memcpy(copy.get(), values.data, bytes);
  }
  return copy;
}

/// Of i32; of f32 where all numbers are whole, as labels in plain arrays are, which other data seldom hold for long.
/// From the copy: another thread may be writing to what was copied.
void note_host_range(const Tensor& x, const char* copy) {
  const int64_t count = x.size();
  if (count == 0) return;
  if (x.dtype() == DType::I32) {
    const auto* numbers = reinterpret_cast<const int32_t*>(copy);
    const auto [least, greatest] = std::minmax_element(numbers, numbers + count);
    x->storage->set_host_range({*least, *greatest});
  } else if (x.dtype() == DType::F32) {
    const auto* numbers = reinterpret_cast<const float*>(copy);
    HostRange range{INT32_MAX, INT32_MIN};
    for (int64_t i = 0; i < count; ++i) {
      if (!(numbers[i] >= -16'777'216.0f && numbers[i] <= 16'777'216.0f) || numbers[i] != std::trunc(numbers[i]))
        return;
      const auto number = static_cast<int64_t>(numbers[i]);
      range = {std::min(range.least, number), std::max(range.greatest, number)};
    }
    x->storage->set_host_range(range);
  }
}

Tensor from_array(const HostValues& values, const Shape& shape, const std::string& device) {
  STM_CHECK(values.size == shape.size(), Kind::Shape, "tensor", fmt::format("{} values", values.size),
            fmt::format("{} for shape {}", shape.size(), shape), "correct the shape or the data");
  Tensor x = empty(shape, values.dtype, Session::current().device(device));
  const size_t bytes = x->storage->bytes();
  const std::shared_ptr<char[]> host = copy_of(values, bytes);
  note_host_range(x, host.get());
  enqueue(
      "tensor", {}, {as_bytes(x)},
      [host, bytes](Backend& b, Views v) { return b.upload(v.out(0).data, host.get(), bytes); }, bytes);
  return x;
}

Tensor full_on(const Shape& shape, double value, DType dtype, const std::string& device) {
  STM_CHECK(dtype != DType::I8 || value == 0, Kind::DType, "full", fmt::format("{} for dtype i8", value), "0",
            "make it of its numbers: tensor(new Int8Array([…]), { dtype: 'i8' })");
  STM_CHECK(holds(dtype, value), Kind::DType, "full", fmt::format("{} for dtype {}", value, dtype),
            fmt::format("{}", dtype == DType::Bool ? "0 or 1, false or true" : "a whole number of 32 bits"),
            "correct the value, or choose another dtype");
  return full(shape, value, dtype, Session::current().device(device));
}

/// Throws unless the progression start, start + step, … consists of numbers of an integer dtype.
void check_progression(double start, double step, int64_t count, DType dtype) {
  if (count == 0 || is_floating(dtype)) return;
  const double last = start + static_cast<double>(count - 1) * step, low = dtype == DType::Bool ? 0 : INT32_MIN,
               high = dtype == DType::Bool ? 1 : INT32_MAX;
  const bool whole = std::trunc(start) == start && (count == 1 || std::trunc(step) == step);
  STM_CHECK(whole && std::min(start, last) >= low && std::max(start, last) <= high, Kind::DType, "arange",
            fmt::format("{} to {} in steps of {}", start, last, step),
            fmt::format("{} for dtype {}", dtype == DType::Bool ? "0 and 1" : "whole numbers of 32 bits", dtype),
            "correct the numbers, or choose another dtype");
}

Tensor arange(double start, double end, double step, DType dtype, const std::string& device) {
  const double count = std::ceil((end - start) / step);
  STM_CHECK(std::isfinite(start) && std::isfinite(end) && std::isfinite(step) && step != 0 && count >= 0, Kind::Option,
            "arange", fmt::format("start {}, end {}, step {}", start, end, step),
            "finite numbers and a step that leads from start to end", "correct the sign of step");
  STM_CHECK(count <= static_cast<double>(kMostElements), Kind::Shape, "arange",
            fmt::format("start {}, end {}, step {}, which are {} numbers", start, end, step, count), "at most 2^40",
            "use a larger step");
  const auto elements = static_cast<int64_t>(count);
  check_progression(start, step, elements, dtype);
  Tensor x = empty({elements}, dtype, Session::current().device(device));
  enqueue("arange", {}, {x}, [=](Backend& b, Views v) { return b.elementwise().arange(start, step, v.out(0)); });
  if (dtype == DType::I32 && elements > 0) {
    const auto first = static_cast<int64_t>(start),
               last = static_cast<int64_t>(start + static_cast<double>(elements - 1) * step);
    x->storage->set_host_range({std::min(first, last), std::max(first, last)});
  }
  return x;
}

Tensor eye(int64_t n, DType dtype, const std::string& device) {
  STM_CHECK(n >= 0 && times(n, n) <= kMostElements, Kind::Shape, "eye", fmt::format("n {}", n),
            "0 or more, and at most 2^40 elements", "correct n");
  Tensor x = full({n, n}, 0, dtype, Session::current().device(device));
  enqueue_update("eye", {}, {alias(x, {n}, {n + 1}, 0)},
                 [](Backend& b, Views v) { return b.elementwise().fill(1, v.out(0)); });
  return x;
}

}  // namespace

Tensor full(const Shape& shape, double value, DType dtype, Device& device) {
  Tensor x = empty(shape, dtype, device);
  enqueue("full", {}, {as_bytes(x)}, [value](Backend& b, Views v) { return b.elementwise().fill(value, v.out(0)); });
  return x;
}

void declare_factories(OpTable& table) {
  table.add("fromArray", &from_array, {"values", "shape", "device"},
            "A tensor holding a copy of `values`, taken before the call returns; Uint8Array gives bool.");
  table.add("arange", &arange, {"start", "end", "step", "dtype", "device"},
            "start, start + step, … below end, as one axis.");
  table.add("eye", &eye, {"n", "dtype", "device"}, "The identity matrix [n, n].");
  table.add("full", &full_on, {"shape", "value", "dtype", "device"}, "A tensor of one repeated value.");
}

}  // namespace stm::ops
