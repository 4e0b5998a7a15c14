#pragma once
// How every C++ test checks: what does not hold is counted and printed, the test goes on, and finish() gives the exit
// code. What is drawn comes from a seed that the command line can name.
//
//   int main(int argc, char** argv) {
//     begin(argc, argv);
//     const int64_t a = draw(0, 9);
//     require(a - a == 0, "a difference");
//     return finish("difference_test");
//   }
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "backend/status.h"

namespace stm::testing {

// ---- checks, on any thread

inline std::atomic<int> failures{0};

inline void fail(const std::string& what) {
  if (++failures <= 20) std::printf("FAILED %s\n", what.c_str());
}
inline void require(bool condition, const std::string& what) {
  if (!condition) fail(what);
}
/// What a device call says of its failure, as a user would read it after the op.
inline std::string text_of(const Status& status) { return status.message().sentence(); }
inline bool says(const Status& status, const std::string& words) {
  return text_of(status).find(words) != std::string::npos;
}
inline void require(const Status& status, const std::string& what) {
  if (!status.is_ok()) fail(what + ": " + text_of(status));
}
inline void require_text(const std::string& got, const std::string& expected, const std::string& what) {
  if (got != expected) fail(what + ": got '" + got + "', expected '" + expected + "'");
}
template <class A, class B>
void require_equal(const A& got, const B& expected, const std::string& what) {
  if (got != static_cast<A>(expected))
    fail(what + ": got " + std::to_string(got) + ", expected " + std::to_string(expected));
}

/// Whether two numbers differ by no more than is allowed; NaN is near NaN alone.
inline bool near(double got, double expected, double relative, double absolute) {
  if (std::isnan(expected) || std::isnan(got)) return std::isnan(expected) && std::isnan(got);
  if (expected == got) return true;
  return std::abs(expected - got) <= absolute + relative * std::max(std::abs(expected), std::abs(got));
}

// ---- chance

inline uint64_t seed = 1;
inline std::mt19937_64 generator{seed};

inline int64_t draw(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(generator); }
inline double draw_real(double low, double high) {
  return std::uniform_real_distribution<double>(low, high)(generator);
}
inline bool chance(double probability) { return draw_real(0, 1) < probability; }
template <class T>
T one_of(const std::vector<T>& values) {
  return values[static_cast<size_t>(draw(0, static_cast<int64_t>(values.size()) - 1))];
}
/// Numbers from -scale to scale that f32 can hold too.
inline std::vector<double> numbers(int64_t count, double scale) {
  std::vector<double> values(static_cast<size_t>(count));
  for (double& value : values) value = static_cast<float>(draw_real(-scale, scale));
  return values;
}

// ---- the program

/// Reads the seed from the command line.
inline void begin(int argc, char** argv) {
  if (argc > 1) seed = std::strtoull(argv[1], nullptr, 10);
  generator.seed(seed);
}

/// Prints the outcome; returns the exit code.
inline int finish(const std::string& test) {
  const int count = failures;
  if (count == 0) std::printf("%s: passed\n", test.c_str());
  else std::printf("%s: %d failures with seed %llu\n", test.c_str(), count, static_cast<unsigned long long>(seed));
  return count == 0 ? 0 : 1;
}

/// For what nothing can be learnt without.
[[noreturn]] inline void give_up(const std::string& what) {
  fail(what);
  std::exit(finish("given up"));
}

}  // namespace stm::testing
