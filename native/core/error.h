#pragma once
#include <fmt/format.h>

#include <stdexcept>
#include <string>

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

/// A user mistake, found on the JS thread before anything was enqueued.
class Error : public std::runtime_error {
 public:
  Error(Kind kind, std::string message) : std::runtime_error(std::move(message)), kind(kind) {}
  Kind kind;
};

}  // namespace stm

/// Throws unless `condition` holds. The message says what was given, what was expected and how to fix it; `{}`
/// formatting by {fmt}.
#define STM_CHECK(condition, kind, ...)                                     \
  do {                                                                      \
    if (!(condition)) throw ::stm::Error(kind, ::fmt::format(__VA_ARGS__)); \
  } while (false)
