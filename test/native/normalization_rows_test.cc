// Rows of softmax and its gradients in f32 on every instruction set of this processor, against the same in f64: of
// every length around a vector, and long ones. usage: normalization_rows_test [seed]
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "backend/cpu/normalization_rows.h"
#include "backend/cpu/simd_dispatch.h"
#include "check.h"

namespace {

using namespace stm;
using namespace stm::testing;

using Floats = std::vector<float>;
using Doubles = std::vector<double>;
constexpr float kInfinity = std::numeric_limits<float>::infinity(), kGuard = 7;

Doubles wide(const Floats& values) { return {values.begin(), values.end()}; }
/// Such that differences are exact.
Floats some_numbers(int64_t count, double scale) {
  Floats values;
  for (const double number : numbers(count, scale))
    values.push_back(static_cast<float>(std::round(number * 512) / 512));
  return values;
}

void require_near(const std::string& what, const Floats& got, const Doubles& expected, double relative,
                  double absolute) {
  for (size_t i = 0; i < expected.size(); ++i)
    require(near(got[i], expected[i], relative, absolute), what + ": number " + std::to_string(i));
  require(got[expected.size()] == kGuard, what + ": wrote past its end");
}

/// A row with room for a number that nobody may write.
Floats guarded(int64_t n) {
  Floats row(static_cast<size_t>(n));
  row.push_back(kGuard);
  return row;
}

void check_row(const std::string& target, int64_t n) {
  const std::string name = target + ", " + std::to_string(n) + " numbers";
  const Floats x = some_numbers(n, 20), dy = some_numbers(n, 1);
  const Doubles x64 = wide(x), dy64 = wide(dy);
  const float largest = row_max(x.data(), n);
  require(largest == row_max(x64.data(), n), name + ": largest");

  Floats y = guarded(n), dx = guarded(n);
  Doubles y64(x.size()), dx64(x.size());
  const double sum = exp_row(x.data(), largest, y.data(), n), sum64 = exp_row(x64.data(), largest, y64.data(), n);
  require(near(sum, sum64, 1e-6, 0), name + ": sum of exponentials");
  require(sum == exp_row(x.data(), largest, static_cast<float*>(nullptr), n), name + ": sum alone");
  require_near(name + ": exponentials", y, y64, 3e-7, 0);

  scale_row(y.data(), static_cast<float>(1 / sum), n);
  scale_row(y64.data(), 1 / sum64, n);
  require_near(name + ": softmax", y, y64, 1e-6, 0);
  softmax_gradient_row(y.data(), dy.data(), dx.data(), n);
  softmax_gradient_row(y64.data(), dy64.data(), dx64.data(), n);
  require_near(name + ": gradient of softmax", dx, dx64, 1e-5, 1e-6);

  subtract_row(x.data(), largest, static_cast<float>(std::log(sum)), y.data(), n);
  subtract_row(x64.data(), largest, std::log(sum64), y64.data(), n);
  require_near(name + ": log softmax", y, y64, 1e-6, 1e-6);
  log_softmax_gradient_row(y.data(), dy.data(), dx.data(), n);
  log_softmax_gradient_row(y64.data(), dy64.data(), dx64.data(), n);
  require_near(name + ": gradient of log softmax", dx, dx64, 1e-5, 1e-5);
}

void check_special(const std::string& target) {
  Floats row(37, -1.0f), y(37);
  row[36] = std::nanf(""), row[3] = 2;
  require(row_max(row.data(), 37) == 2, target + ": passes over NaN");
  require(std::isnan(exp_row(row.data(), 2, y.data(), 37)), target + ": NaN in the sum");
  require(std::isnan(y[36]) && y[3] == 1, target + ": NaN where it stood");
  row[36] = -kInfinity, row[35] = -86.5f, row[34] = -90;
  exp_row(row.data(), 0, y.data(), 37);
  require(y[36] == 0 && y[35] > 0 && y[34] == 0, target + ": what vanishes");
  require(row_max(row.data(), 0) == -kInfinity && exp_row(row.data(), 0, y.data(), 0) == 0, target + ": no numbers");
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  for (const char* const* target = supported_simd_targets(); *target; ++target) {
    require(force_simd_target(*target), *target);
    for (int64_t n = 1; n <= 70; ++n) check_row(*target, n);
    for (const int64_t n : {511, 512, 513, 1'000, 10'000, 300'000}) check_row(*target, n);
    check_special(*target);
  }
  force_simd_target(nullptr);
  return finish("normalization_rows_test");
}
