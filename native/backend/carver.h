#pragma once
#include <cstddef>
#include <cstdint>

namespace stm {

/// Takes parts of a buffer one after the other, each on a boundary of so many bytes relative to the base. Without a
/// buffer (null) it only counts.
template <size_t kBoundary>
class Carver {
 public:
  explicit Carver(void* base) : base_(static_cast<char*>(base)) {}
  /// Null if there is no buffer, or no bytes are wanted.
  void* take(size_t bytes) {
    char* const at = next(bytes);
    return base_ && bytes ? at : nullptr;
  }
  /// So many floats; where they would begin if there are none.
  float* floats(int64_t count) { return reinterpret_cast<float*>(next(static_cast<size_t>(count) * sizeof(float))); }
  size_t bytes() const { return bytes_; }

 private:
  char* next(size_t bytes) {
    char* const at = base_ + bytes_;
    bytes_ += (bytes + kBoundary - 1) / kBoundary * kBoundary;
    return at;
  }
  char* base_;
  size_t bytes_ = 0;
};

}  // namespace stm
