#pragma once
#include <algorithm>
#include <memory>
#include <optional>

#include "backend/padding.h"
#include "ops/ops.h"

namespace stm {

/// `Padding` that keeps its lengths alive, for commands to capture.
struct RealItems {
  std::shared_ptr<const std::vector<int32_t>> lengths;
  int64_t stride = 1, width = 1;
  int64_t count = 0;  ///< real items in all
  Padding view() const { return {lengths ? lengths->data() : nullptr, stride, width}; }
};

/// The real items among those of shape [N, T, …]: all without lengths, else the first lengths[n] steps of each
/// sequence.
inline RealItems real_items(const char* op, const Shape& items, const std::optional<std::vector<int64_t>>& lengths) {
  RealItems real;
  real.count = items.size();
  if (!lengths) return real;
  STM_CHECK(items.rank() >= 2 && static_cast<int64_t>(lengths->size()) == items[0], Kind::Shape, op,
            fmt::format("{} lengths for steps {}", lengths->size(), items), "one a row of [N, T, …]",
            "give each row a length");
  auto kept = std::make_shared<std::vector<int32_t>>();
  const int64_t most = std::min<int64_t>(items[1], INT32_MAX);
  int64_t steps = 0;
  for (const int64_t length : *lengths) {
    STM_CHECK(length >= 0 && length <= most, Kind::Shape, op, fmt::format("length {}", length),
              fmt::format("0..{}, the steps of {}", most, items), "count the real steps of each row");
    kept->push_back(static_cast<int32_t>(length));
    steps += length;
  }
  real.width = 1;
  for (size_t axis = 2; axis < items.rank(); ++axis) real.width *= items[axis];
  real.stride = items[1] * real.width;
  real.count = steps * real.width;
  real.lengths = std::move(kept);
  return real;
}

namespace ops {

/// Labels and indices as i32: a tensor of f32 or f64 that holds whole numbers, as plain numbers make it, checked by the
/// kernel; i32 as it is. Items that are not real become 0 unseen.
Tensor whole_numbers(const char* op, const char* name, const Tensor& x, const RealItems& items = {});

}  // namespace ops
}  // namespace stm
