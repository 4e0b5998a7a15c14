#pragma once
// How the tests of the stand-in for CUDA check.
#include <cudnn.h>

#include <cstdio>

namespace stm::standin {

inline int failures = 0;

inline void check_code(int got, int expected, const char* call, const char* file, int line) {
  if (got == expected) return;
  char why[300];
  cudnnGetLastErrorString(why, sizeof why);
  ++failures;
  std::printf("FAILED %s:%d %s: got %d, expected %d. %s\n", file, line, call, got, expected, why);
}

}  // namespace stm::standin

#define CHECK(condition)                                                \
  do {                                                                  \
    if (!(condition)) {                                                 \
      ++stm::standin::failures;                                         \
      std::printf("FAILED %s:%d %s\n", __FILE__, __LINE__, #condition); \
    }                                                                   \
  } while (false)
#define CHECK_CODE(call, code) \
  stm::standin::check_code(static_cast<int>(call), static_cast<int>(code), #call, __FILE__, __LINE__)
#define OK(call) CHECK_CODE(call, 0)
