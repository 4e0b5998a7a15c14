#pragma once
#include <exception>
#include <new>

#include "backend/status.h"
#include "backend/view.h"

namespace stm {

/// Calls `function()`; memory that it cannot get for its own bookkeeping is a Status, because no exception leaves a kernel.
template <class F>
Status guarded(F function) noexcept {
  try {
    return function();
  } catch (const std::bad_alloc&) {
    return Status::fail(StatusKind::OutOfMemory, "the host is out of memory. Fix: use a smaller batch, or free tensors.");
  } catch (const std::exception& error) {
    return Status::fail(StatusKind::Internal, "%s", error.what());
  }
}

/// Calls `f(T{})` with T = float or double; another dtype is Unsupported.
template <class F>
Status dispatch_floating(DType dtype, F f) {
  switch (dtype) {
    case DType::F32: return f(float{});
    case DType::F64: return f(double{});
    default: return Status::fail(StatusKind::Unsupported, "the kernel takes f32 and f64 only");
  }
}

/// Calls `f(T{})` with T = float, double, int32_t or uint8_t (bool).
template <class F>
Status dispatch_any(DType dtype, F f) {
  switch (dtype) {
    case DType::F32: return f(float{});
    case DType::F64: return f(double{});
    case DType::I32: return f(int32_t{});
    case DType::Bool: return f(uint8_t{});
  }
  return Status::fail(StatusKind::Internal, "unknown dtype");
}

}  // namespace stm
