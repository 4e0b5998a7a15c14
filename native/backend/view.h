#pragma once
#include <cstddef>
#include <cstdint>

namespace stm {

/// I8 is how quantised weights are kept: no kernel sees it, as those that only move bytes are given them as Bool.
enum class DType : int32_t { F32, F64, I32, Bool, I8 };

constexpr size_t size_of(DType dtype) {
  return dtype == DType::F64 ? 8 : dtype == DType::Bool || dtype == DType::I8 ? 1 : 4;
}

constexpr int kMaxRank = 6;

/// A tensor as a kernel sees it: plain data, at home on either side of the plug-in boundary. Strides count elements; a
/// broadcast axis has stride 0.
struct View {
  void* data = nullptr;
  DType dtype = DType::F32;
  int32_t rank = 0;
  int64_t extent[kMaxRank] = {};
  int64_t stride[kMaxRank] = {};

  template <class T>
  T* as() const {
    return static_cast<T*>(data);
  }
  int64_t size() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= extent[i];
    return n;
  }
  /// The extent of the last axis, 1 for a scalar.
  int64_t last() const { return rank ? extent[rank - 1] : 1; }
  bool contiguous() const {
    int64_t expected = 1;
    for (int i = rank - 1; i >= 0; --i) {
      if (extent[i] != 1 && stride[i] != expected) return false;
      expected *= extent[i];
    }
    return true;
  }
};

}  // namespace stm
