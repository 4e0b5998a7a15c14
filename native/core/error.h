#pragma once
#include <fmt/format.h>

#include <exception>
#include <string>
#include <string_view>
#include <utility>

#include "backend/message.h"

namespace stm {

/// Which JavaScript class and code a user mistake becomes; `binding/errors.cc` maps each kind to one.
enum class Kind {
  Shape,
  DType,
  Device,
  Option,
  Index,
  Disposed,
  NoGraph,
  GraphReleased,
  GraphInUse,
  Stale,
  InPlace,
  Recording,
  OutOfMemory
};

/// A user mistake, found on the JS thread before anything was enqueued. `op` is the name that the user knows; empty:
/// the function that is being called.
class Error : public std::exception {
 public:
  Error(Kind kind, std::string_view op, Message message) : kind(kind), op(op), message(std::move(message)) {}
  const char* what() const noexcept override { return message.given.c_str(); }
  Kind kind;
  std::string op;
  Message message;
};

/// Throws an Error of three parts.
[[noreturn, gnu::cold, gnu::noinline]] inline void refuse(Kind kind, std::string_view op, std::string_view given,
                                                          std::string_view expected, std::string_view fix) {
  throw Error(kind, op, {std::string(given), std::string(expected), std::string(fix)});
}

}  // namespace stm

/// Throws unless `condition` holds. `op` is the name that users know; `given`, `expected` and `fix` are the parts of
/// a Message; those with values in them come from fmt::format, which the compiler checks:
///
///   STM_CHECK(x.rank() == 2, Kind::Shape, op, fmt::format("x {}", x), "[N, C]", "put the batch first")
///
/// Only where the condition fails is any of them computed.
#define STM_CHECK(condition, kind, op, given, expected, fix)         \
  do {                                                               \
    if (!(condition)) ::stm::refuse(kind, op, given, expected, fix); \
  } while (false)
