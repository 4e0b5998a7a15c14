#pragma once
#include <algorithm>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstring>

#include "backend/message.h"

namespace stm {

/// What a device call reports. Plain data: it crosses the plug-in boundary.
enum class StatusKind : int32_t { Ok, OutOfMemory, OutOfRange, Unsupported, DeviceLost, Internal };

/// One part of a message, written as for printf; the compiler compares the format with the values. It takes no memory,
/// of which there may be none.
class Words {
 public:
  Words() { text_[0] = 0; }
  [[gnu::format(printf, 2, 3)]] Words(const char* format, ...) {
    va_list values;
    va_start(values, format);
    std::vsnprintf(text_, sizeof text_, format, values);
    va_end(values);
  }
  const char* text() const { return text_; }

 private:
  char text_[252];
};

/// How a device call went. It says what went wrong in the parts of a Message, as in
///
///   Status::refuse(StatusKind::OutOfRange, {"index %d", index}, {"0..%d", last}, "correct the index")
///   Status::fail(StatusKind::OutOfMemory, "the host is out of memory", "use a smaller batch, or free tensors")
struct [[nodiscard]] Status {
  StatusKind kind = StatusKind::Ok;
  char parts[252];  ///< unless kind is Ok: given, expected and fix one after the other, a 0 behind each

  bool is_ok() const { return kind == StatusKind::Ok; }
  static Status ok() {
    Status status;
    std::memset(status.parts, 0, 3);
    return status;
  }
  /// For what was given and cannot be taken.
  static Status refuse(StatusKind kind, const Words& given, const Words& expected, const Words& fix) {
    Status status;
    status.kind = kind;
    char* const end = status.parts + sizeof status.parts;
    char* at = put(status.parts, end - 2, given);
    at = put(at, end - 1, expected);
    put(at, end, fix);
    return status;
  }
  /// For what went wrong although nobody gave anything wrong: `what` is a sentence of its own.
  static Status fail(StatusKind kind, const Words& what, const Words& fix = Words()) {
    return refuse(kind, what, Words(), fix);
  }

  /// Where the host has no more.
  static Status without_memory() {
    return fail(StatusKind::OutOfMemory, "the host is out of memory", "use a smaller batch, or free tensors");
  }

  const char* given() const { return parts; }
  const char* expected() const { return after(given()); }
  const char* fix() const { return after(expected()); }
  Message message() const { return {given(), expected(), fix()}; }

 private:
  static const char* after(const char* part) { return part + std::strlen(part) + 1; }
  /// Writes as much of `words` as ends before `end`; returns where the next part begins.
  static char* put(char* at, const char* end, const Words& words) {
    const size_t room = static_cast<size_t>(end - at) - 1, length = std::min(room, std::strlen(words.text()));
    std::memcpy(at, words.text(), length);
    at[length] = 0;
    return at + length + 1;
  }
};

}  // namespace stm
