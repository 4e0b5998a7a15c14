// Element-wise ops of f32 on every instruction set of this processor, against the same ops in f64: numbers of all
// sizes, with what is special among them; the bits of a number wherever it lies. usage: elementwise_rows_test [seed]
#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <string>
#include <vector>

#include "backend/cpu/backend.h"
#include "backend/cpu/elementwise_rows.h"
#include "backend/cpu/simd_dispatch.h"
#include "check.h"

namespace {

using namespace stm;
using namespace stm::testing;

using Floats = std::vector<float>;

constexpr const char* kUnary[] = {
#define STM_NAME(name, ...) #name,
    STM_UNARY_FUNCTORS(STM_NAME) STM_PARAMETRIC_FUNCTORS(STM_NAME)};
constexpr const char* kBinary[] = {STM_BINARY_FUNCTORS(STM_NAME)};
#undef STM_NAME
constexpr int kUnaryCount = static_cast<int>(sizeof kUnary / sizeof *kUnary),
              kBinaryCount = static_cast<int>(sizeof kBinary / sizeof *kBinary);
constexpr double kParameter = 0.5;

template <class T>
View view_of(const std::vector<T>& values, int64_t step = 1) {
  View view;
  view.dtype = sizeof(T) == 8 ? DType::F64 : DType::F32;
  view.rank = 1;
  view.extent[0] = static_cast<int64_t>(values.size()) / step;
  view.stride[0] = step;
  view.data = const_cast<T*>(values.data());
  return view;
}

std::vector<double> wide(const Floats& values) { return {values.begin(), values.end()}; }

/// What is special, every binade with both signs, and the ranges in which functions bend.
Floats all_sizes() {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  Floats values = {
      0,      -0.0f,     1,          -1,       kInfinity, -kInfinity, std::numeric_limits<float>::quiet_NaN(),
      88.7f,  88.72284f, -87.33655f, 88.73f,   -103.97f,  -103.98f,   -104.1f,
      1e-40f, -1e-40f,   1.4e-45f,   -1.4e-45f};
  for (const float value : {std::numeric_limits<float>::max(), std::numeric_limits<float>::min()})
    values.insert(values.end(), {value, -value});
  for (uint32_t exponent = 0; exponent < 255; ++exponent)
    for (int i = 0; i < 8; ++i)
      values.push_back(std::bit_cast<float>(exponent << 23 | static_cast<uint32_t>(draw(0, (1 << 23) - 1)) |
                                            (i % 2 ? 0x80000000u : 0u)));
  for (const double scale : {0.01, 0.5, 1.0, 3.0, 10.0, 20.0, 110.0})
    for (int i = 0; i < 3'000; ++i) values.push_back(static_cast<float>(draw_real(-scale, scale)));
  return values;
}

/// Units in the last place of an f32 near `expected`.
double unit(double expected) {
  const double size = std::max(std::abs(expected), 0x1p-126);
  return std::exp2(std::floor(std::log2(size)) - 23);
}

/// Whether `got` is what an f32 may be of `expected`, to within some units, or to `absolute`.
bool close(float got, double expected, double units, double absolute) {
  if (std::isnan(expected)) return std::isnan(got);
  const float rounded = static_cast<float>(expected);
  if (got == rounded) return true;
  if (std::isinf(got)) return std::abs(expected) >= std::numeric_limits<float>::max() - units * 0x1p104;
  if (std::isinf(rounded))
    return !std::isinf(expected) && std::abs(got) >= std::numeric_limits<float>::max() - units * 0x1p104;
  return std::abs(static_cast<double>(got) - expected) <= units * unit(expected) + absolute;
}

struct Worst {
  double units = 0;
  float at = 0;
};

void compare(const std::string& name, const Floats& x, const Floats& got, const std::vector<double>& expected,
             double units, double absolute = 0) {
  int wrong = 0;
  Worst worst;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = std::abs(static_cast<double>(got[i]) - expected[i]) / unit(expected[i]);
    if (std::isfinite(error) && error > worst.units) worst = {error, x[i]};
    if (!close(got[i], expected[i], units, absolute) && ++wrong <= 3)
      fail(name + " of " + std::to_string(x[i]) + ": got " + std::to_string(got[i]) + ", expected " +
           std::to_string(expected[i]) + ", units " + std::to_string(error));
  }
  if (std::getenv("STM_SHOW_ERRORS")) std::printf("%s: %.2f units at %g\n", name.c_str(), worst.units, worst.at);
}

/// Exact by rounding once, or not at all.
bool is_exact(Unary op) {
  switch (op) {
    case Unary::neg:
    case Unary::abs:
    case Unary::sign:
    case Unary::sqrt:
    case Unary::square:
    case Unary::reciprocal:
    case Unary::floor:
    case Unary::ceil:
    case Unary::round:
    case Unary::relu:
    case Unary::leakyRelu: return true;
    default: return false;
  }
}

void check_values(const std::string& target, const Floats& x) {
  ElementwiseKernels& kernels = cpu_elementwise();
  for (int i = 0; i < kUnaryCount; ++i) {
    const Unary op = static_cast<Unary>(i);
    Floats y(x.size());
    std::vector<double> expected(x.size()), input = wide(x);
    require(kernels.unary(op, kParameter, view_of(x), view_of(y)), "unary");
    require(kernels.unary(op, kParameter, view_of(input), view_of(expected)), "unary, f64");
    // x times what is denormal.
    const double absolute = op == Unary::silu || op == Unary::gelu ? 110 * 0x1p-149 : 0;
    compare(target + " " + kUnary[i], x, y, expected, is_exact(op) ? 0.5 : op == Unary::gelu ? 6 : 4, absolute);
  }
}

/// dx of dy = 1, beside that in f64 of the same x and y. What cancels in it is good to some roundings of 1.
void check_derivatives(const std::string& target, const Floats& x) {
  ElementwiseKernels& kernels = cpu_elementwise();
  for (int i = 0; i < kUnaryCount; ++i) {
    const Unary op = static_cast<Unary>(i);
    Floats y(x.size()), dx(x.size());
    const Floats dy(x.size(), 1.0f);
    require(kernels.unary(op, kParameter, view_of(x), view_of(y)), "unary");
    require(kernels.unary_backward(op, kParameter, view_of(x), view_of(y), view_of(dy), view_of(dx)), "backward");
    const std::vector<double> input = wide(x), output = wide(y), upstream = wide(dy);
    std::vector<double> expected(x.size());
    require(
        kernels.unary_backward(op, kParameter, view_of(input), view_of(output), view_of(upstream), view_of(expected)),
        "backward, f64");
    compare(target + " derivative of " + kUnary[i], x, dx, expected, 4, 5e-7);
  }
}

void check_binary(const std::string& target, const Floats& x) {
  ElementwiseKernels& kernels = cpu_elementwise();
  Floats other = x;
  std::rotate(other.begin(), other.begin() + static_cast<int64_t>(x.size()) / 3, other.end());
  const std::vector<double> a = wide(x), b = wide(other);
  for (int i = 0; i < kBinaryCount; ++i) {
    const Binary op = static_cast<Binary>(i);
    if (!has_rows(op)) continue;
    const std::string name = target + " " + kBinary[i];
    Floats got(x.size());
    std::vector<double> expected(x.size());
    require(kernels.binary(op, view_of(x), view_of(other), view_of(got)), name);
    require(kernels.binary(op, view_of(a), view_of(b), view_of(expected)), name + ", f64");
    compare(name, x, got, expected, 0.5);
    for (const bool reversed : {false, true}) {
      require(kernels.binary_scalar(op, view_of(x), 0.75, reversed, view_of(got)), name + " with a number");
      require(kernels.binary_scalar(op, view_of(a), 0.75, reversed, view_of(expected)), name + " with a number, f64");
      compare(name + " with a number", x, got, expected, 0.5);
    }
  }
}

bool same_bits(const Floats& a, const Floats& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](float x, float y) { return std::bit_cast<uint32_t>(x) == std::bit_cast<uint32_t>(y); });
}

/// Slices of every length, steps and calls in place have the bits of the whole, and write nothing else.
void check_places(const std::string& target) {
  constexpr int64_t kLength = 40, kGuard = 20;
  ElementwiseKernels& kernels = cpu_elementwise();
  Floats x(kLength);
  for (float& value : x) value = static_cast<float>(draw_real(-3, 3));
  for (int i = 0; i < kUnaryCount; ++i) {
    const Unary op = static_cast<Unary>(i);
    const std::string name = target + " " + kUnary[i];
    Floats whole(kLength), in_place = x, apart(3 * kLength, 7.0f), spread(3 * kLength, 7.0f);
    require(kernels.unary(op, kParameter, view_of(x), view_of(whole)), name);
    require(kernels.unary(op, kParameter, view_of(in_place), view_of(in_place)), name + " in place");
    require(same_bits(in_place, whole), name + ": other bits in place");
    for (int64_t k = 0; k < kLength; ++k) spread[static_cast<size_t>(3 * k)] = x[static_cast<size_t>(k)];
    require(kernels.unary(op, kParameter, view_of(spread, 3), view_of(apart, 3)), name + " by steps");
    for (int64_t k = 0; k < 3 * kLength; ++k)
      require(same_bits({apart[static_cast<size_t>(k)]}, {k % 3 ? 7.0f : whole[static_cast<size_t>(k / 3)]}),
              name + ": other bits by steps");
    for (int64_t count = 1; count <= kGuard; ++count) {
      Floats part(kLength, 7.0f);
      View from = view_of(x), to = view_of(part);
      from.extent[0] = to.extent[0] = count;
      from.data = x.data() + kGuard;
      require(kernels.unary(op, kParameter, from, to), name + " of a slice");
      Floats expected(whole.begin() + kGuard, whole.begin() + kGuard + count);
      expected.resize(kLength, 7.0f);
      require(same_bits(part, expected), name + ": other bits in a slice of " + std::to_string(count));
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  const Floats x = all_sizes();
  for (const char* const* target = supported_simd_targets(); *target; ++target) {
    require(force_simd_target(*target), *target);
    check_values(*target, x);
    check_derivatives(*target, x);
    check_binary(*target, x);
    check_places(*target);
  }
  force_simd_target(nullptr);
  return finish("elementwise_rows_test");
}
