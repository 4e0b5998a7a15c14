#pragma once
#include <cstdint>

namespace stm {

/// One number that stands for many: equal for the same ones in the same order, else another, but for rare chances.
/// FNV-1a, a whole number at a time.
class Hash {
 public:
  template <class... Numbers>
  void add(Numbers... numbers) {
    ((value_ = (value_ ^ static_cast<uint64_t>(numbers)) * 1099511628211u), ...);
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 14695981039346656037u;
};

}  // namespace stm
