#pragma once
#include "backend/cuda/device/context.h"
#include "backend/padding.h"

namespace stm::cuda {

/// a / b for numbers that are not negative: 64-bit division is slow on GPUs, and seldom needed.
STM_DEVICE int64_t quotient(int64_t a, int64_t b) {
  if (((a | b) >> 32) == 0) return static_cast<uint32_t>(a) / static_cast<uint32_t>(b);
  return a / b;
}

/// Padding as a kernel sees it: the lengths are in device memory.
struct DevicePadding {
  const int32_t* lengths;
  int64_t stride, width;
  STM_DEVICE bool is_real(int64_t item) const {
    if (!lengths) return true;
    const int64_t sequence = quotient(item, stride);
    return item - sequence * stride < lengths[sequence] * width;
  }
};

/// Sends the lengths of the sequences that hold `items` items, for the launches that follow.
inline Status send_padding(Context& context, const Padding& padding, int64_t items, DevicePadding* out) {
  *out = {nullptr, padding.stride, padding.width};
  if (!padding.lengths || items == 0) return Status::ok();
  return context.constants(Context::kLengths, padding.lengths, items / padding.stride, &out->lengths);
}

}  // namespace stm::cuda
