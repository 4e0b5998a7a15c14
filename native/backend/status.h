#pragma once
#include <cstdint>
#include <cstdio>

namespace stm {

/// What a device call reports. Plain data: it crosses the plug-in boundary.
enum class StatusKind : int32_t { Ok, OutOfMemory, OutOfRange, Unsupported, DeviceLost, Internal };

struct [[nodiscard]] Status {
  StatusKind kind = StatusKind::Ok;
  char message[252];  ///< set unless kind is Ok

  bool is_ok() const { return kind == StatusKind::Ok; }
  static Status ok() {
    Status status;
    status.message[0] = 0;
    return status;
  }
  /// printf-style message.
  template <class... Args>
  static Status fail(StatusKind kind, const char* format, Args... args) {
    Status status;
    status.kind = kind;
    std::snprintf(status.message, sizeof status.message, format, args...);
    return status;
  }
};

}  // namespace stm
