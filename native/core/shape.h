#pragma once
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <vector>

#include "backend/view.h"
#include "core/sizes.h"

namespace stm {

/// Extents (or strides) of a tensor, at most six axes; no heap memory, because every op call makes some.
class Shape {
 public:
  static constexpr size_t kMaxRank = stm::kMaxRank;
  Shape() = default;
  Shape(std::initializer_list<int64_t> axes) : Shape(axes.begin(), axes.size()) {}
  explicit Shape(const std::vector<int64_t>& axes) : Shape(axes.data(), axes.size()) {}

  size_t rank() const { return rank_; }
  int64_t operator[](size_t axis) const { return axes_[axis]; }
  int64_t& operator[](size_t axis) { return axes_[axis]; }
  const int64_t* begin() const { return axes_.data(); }
  const int64_t* end() const { return axes_.data() + rank_; }
  /// Extent of the last axis; 1 for a scalar.
  int64_t back() const { return from_back(0); }
  int64_t from_back(size_t i) const { return i < rank_ ? axes_[rank_ - 1 - i] : 1; }
  int64_t size() const {
    int64_t n = 1;
    for (size_t i = 0; i < rank_; ++i) n = times(n, axes_[i]);
    return n;
  }
  /// Whether there are at most 2^40 elements, also where an extent of 0 leaves none: strides and loops over the other
  /// axes would be as long.
  bool reasonable() const {
    int64_t elements = 1;
    for (const int64_t extent : *this) elements = times(elements, std::max<int64_t>(extent, 1));
    return elements <= kMostElements;
  }
  bool operator==(const Shape& other) const {
    return rank_ == other.rank_ && std::equal(begin(), end(), other.begin());
  }
  bool operator!=(const Shape& other) const { return !(*this == other); }
  std::vector<int64_t> axes() const { return {begin(), end()}; }

  void push_back(int64_t extent) { axes_[rank_++] = extent; }
  void insert(size_t axis, int64_t extent) {
    std::copy_backward(axes_.begin() + axis, axes_.begin() + rank_, axes_.begin() + rank_ + 1);
    axes_[axis] = extent;
    ++rank_;
  }
  void erase(size_t axis) {
    std::copy(axes_.begin() + axis + 1, axes_.begin() + rank_, axes_.begin() + axis);
    --rank_;
  }
  /// This shape with one axis replaced.
  Shape with(size_t axis, int64_t extent) const {
    Shape result = *this;
    result.axes_[axis] = extent;
    return result;
  }

  /// The shape both broadcast to (NumPy's rule), or false if two extents differ and neither is 1.
  static bool broadcast(const Shape& a, const Shape& b, Shape& out) {
    out.rank_ = std::max(a.rank_, b.rank_);
    for (size_t i = 0; i < out.rank_; ++i) {
      const int64_t x = a.from_back(i), y = b.from_back(i);
      if (x != y && x != 1 && y != 1) return false;
      out.axes_[out.rank_ - 1 - i] = x == 1 ? y : x;
    }
    return true;
  }

 private:
  Shape(const int64_t* axes, size_t rank) : rank_(std::min(rank, kMaxRank)) { std::copy_n(axes, rank_, axes_.begin()); }
  std::array<int64_t, kMaxRank> axes_{};
  size_t rank_ = 0;
};

/// Row-major strides of a dense tensor.
inline Shape dense_strides(const Shape& shape) {
  Shape strides = shape;
  int64_t step = 1;
  for (size_t i = shape.rank(); i-- > 0;) {
    strides[i] = step;
    step = times(step, shape[i]);
  }
  return strides;
}

}  // namespace stm

template <>
struct fmt::formatter<stm::Shape> {
  constexpr auto parse(fmt::format_parse_context& context) { return context.begin(); }
  template <class Context>
  auto format(const stm::Shape& shape, Context& context) const {
    auto out = fmt::format_to(context.out(), "[");
    for (size_t i = 0; i < shape.rank(); ++i) out = fmt::format_to(out, "{}{}", i ? ", " : "", shape[i]);
    return fmt::format_to(out, "]");
  }
};
