#pragma once
#include "backend/status.h"
#include "backend/view.h"

namespace stm {

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
    case DType::I8: break;
  }
  return Status::fail(StatusKind::Internal, "a dtype that no kernel sees");
}

}  // namespace stm
