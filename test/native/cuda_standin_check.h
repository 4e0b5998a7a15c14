#pragma once
// How the tests of the stand-in for CUDA check: a condition, or the code that a call gives, with their place in the
// test's source.
#include <cudnn.h>

#include <string>

#include "check.h"
#include "cuda-standin/control.h"

namespace stm::standin {

using namespace stm::testing;

inline void check_condition(bool holds, const char* condition, const char* file, int line) {
  if (!holds) fail(std::string(file) + ":" + std::to_string(line) + " " + condition);
}

inline void check_code(int got, int expected, const char* call, const char* file, int line) {
  if (got == expected) return;
  char why[300];
  cudnnGetLastErrorString(why, sizeof why);
  fail(std::string(file) + ":" + std::to_string(line) + " " + call + ": got " + std::to_string(got) + ", expected " +
       std::to_string(expected) + ". " + why);
}

/// All that the test has taken has been given back.
inline void check_leaks() {
  char text[300];
  if (standin_leaks(text, sizeof text) != 0) fail(std::string("left: ") + text);
}

}  // namespace stm::standin

#define CHECK(condition) stm::standin::check_condition(static_cast<bool>(condition), #condition, __FILE__, __LINE__)
#define CHECK_CODE(call, code) \
  stm::standin::check_code(static_cast<int>(call), static_cast<int>(code), #call, __FILE__, __LINE__)
#define OK(call) CHECK_CODE(call, 0)
