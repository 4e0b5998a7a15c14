#pragma once
#include <fmt/format.h>

#include <string>

#include "backend/view.h"

namespace stm {

inline const char* name_of(DType dtype) {
  constexpr const char* names[] = {"f32", "f64", "i32", "bool", "i8"};
  return names[static_cast<size_t>(dtype)];
}
inline bool is_floating(DType dtype) { return dtype == DType::F32 || dtype == DType::F64; }

}  // namespace stm

template <>
struct fmt::formatter<stm::DType> : fmt::formatter<std::string_view> {
  template <class Context>
  auto format(stm::DType dtype, Context& context) const {
    return fmt::formatter<std::string_view>::format(stm::name_of(dtype), context);
  }
};
