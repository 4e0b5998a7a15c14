// Sums and extremes of f32 on every instruction set of this processor: the bits of their order, written out plainly.
// usage: reduce_runs_test [seed]
#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "backend/cpu/backend.h"
#include "backend/cpu/reduce_runs.h"
#include "backend/cpu/simd_dispatch.h"
#include "check.h"

namespace {

using namespace stm;
using namespace stm::testing;

using Floats = std::vector<float>;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

template <int64_t kLanes, class T, class Step>
T in_lanes(const float* x, int64_t count, T start, const Step& step) {
  std::vector<T> lanes(kLanes, start);
  for (int64_t i = 0; i < count; ++i) {
    T& lane = lanes[static_cast<size_t>(i % kLanes)];
    lane = step(lane, x[i]);
  }
  T all = lanes[0];
  for (size_t lane = 1; lane < lanes.size(); ++lane) all = step(all, lanes[lane]);
  return all;
}

double sum_of(const float* x, int64_t count) {
  return in_lanes<kSumLanes>(x, count, 0.0, [](double sum, auto value) { return sum + static_cast<double>(value); });
}
float extreme_of(bool largest, const float* x, int64_t count) {
  return in_lanes<kExtremeLanes>(x, count, largest ? -kInfinity : kInfinity, [=](float kept, float value) {
    return std::isnan(value) || (largest ? value > kept : value < kept) ? value : kept;
  });
}

template <class T>
bool same(T a, T b) {
  return std::isnan(a) ? std::isnan(b) : a == b && std::signbit(a) == std::signbit(b);
}

/// Numbers of which few repeat, with zeros of both signs, infinities and NaN now and then.
Floats some_numbers(int64_t count, bool special) {
  Floats values(static_cast<size_t>(count));
  for (float& value : values) {
    value = static_cast<float>(draw_real(-1, 1) * std::exp2(static_cast<double>(draw(-20, 20))));
    if (special && chance(0.02)) value = one_of<float>({0.0f, -0.0f, kInfinity, -kInfinity, std::nanf("")});
  }
  return values;
}

void check_runs(const std::string& target) {
  for (const int64_t count : {0, 1, 2, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65, 100, 1'000, 300'001}) {
    for (const bool special : {false, true}) {
      std::vector<Floats> numbers;
      std::vector<const float*> x;
      for (int64_t k = 0; k < kRunsTogether; ++k) numbers.push_back(some_numbers(count + 1, special));
      for (const Floats& run : numbers) x.push_back(run.data() + 1);
      if (special && count == 2) numbers[0][1] = 0.0f, numbers[0][2] = -0.0f;
      for (int64_t runs = 1; runs <= kRunsTogether; ++runs) {
        const std::string name = target + ", " + std::to_string(runs) + " runs of " + std::to_string(count);
        double sums[kRunsTogether];
        float largest[kRunsTogether], smallest[kRunsTogether];
        sum_runs(x.data(), runs, count, sums);
        extreme_runs(true, x.data(), runs, count, largest);
        extreme_runs(false, x.data(), runs, count, smallest);
        for (int64_t k = 0; k < runs; ++k) {
          const float* const run = x[static_cast<size_t>(k)];
          require(same(sums[k], sum_of(run, count)), name + ": sum");
          require(same(largest[k], extreme_of(true, run, count)), name + ": largest");
          require(same(smallest[k], extreme_of(false, run, count)), name + ": smallest");
        }
      }
    }
  }
}

void check_columns(const std::string& target) {
  for (const int64_t columns : {1, 2, 3, 7, 8, 9, 16, 31, 32, 33, 63, 64}) {
    constexpr int64_t kRows = 37, kStep = 70;
    const Floats x = some_numbers(kRows * kStep, false);
    std::vector<double> sums(64, 0.25), expected = sums;
    add_rows(x.data(), kStep, kRows, columns, sums.data());
    for (int64_t i = 0; i < kRows; ++i)
      for (int64_t j = 0; j < columns; ++j)
        expected[static_cast<size_t>(j)] += static_cast<double>(x[static_cast<size_t>(i * kStep + j)]);
    require(sums == expected, target + ": sums of " + std::to_string(columns) + " columns");
  }
}

View view_of(const Floats& values, std::vector<int64_t> extents) {
  View view;
  view.dtype = DType::F32;
  view.rank = static_cast<int32_t>(extents.size());
  int64_t stride = 1;
  for (int axis = view.rank - 1; axis >= 0; --axis) {
    view.extent[axis] = extents[static_cast<size_t>(axis)];
    view.stride[axis] = stride;
    stride *= view.extent[axis];
  }
  view.data = const_cast<float*>(values.data());
  return view;
}

/// Whole reductions have the same bits on every instruction set; `expected` is what the first one gave.
void check_reductions(const std::string& target, std::vector<Floats>& expected) {
  const bool is_first = expected.empty();
  size_t next = 0;
  generator.seed(seed);
  for (const std::vector<int64_t>& extents : std::vector<std::vector<int64_t>>{
           {1, 1}, {3, 5}, {7, 100}, {100, 7}, {300, 77}, {2, 40'000}, {40'000, 2}, {600, 1'100}}) {
    const Floats x = some_numbers(extents[0] * extents[1], false);
    View rows = view_of(x, extents), columns = rows;
    std::swap(columns.extent[0], columns.extent[1]);
    std::swap(columns.stride[0], columns.stride[1]);
    for (const Fold fold : {Fold::Sum, Fold::Mean, Fold::Max, Fold::Min}) {
      Floats all(1), by_row(static_cast<size_t>(extents[0])), by_column(static_cast<size_t>(extents[1]));
      require(cpu_reduce().reduce(fold, rows, 2, view_of(all, {})), "reduce, all");
      require(cpu_reduce().reduce(fold, rows, 1, view_of(by_row, {extents[0]})), "reduce, rows");
      require(cpu_reduce().reduce(fold, columns, 1, view_of(by_column, {extents[1]})), "reduce, columns");
      for (const Floats& got : {all, by_row, by_column}) {
        if (is_first) expected.push_back(got);
        else require(got == expected[next], target + ": other bits than another instruction set");
        ++next;
      }
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  std::vector<Floats> expected;
  for (const char* const* target = supported_simd_targets(); *target; ++target) {
    require(force_simd_target(*target), *target);
    check_runs(*target);
    check_columns(*target);
    check_reductions(*target, expected);
  }
  force_simd_target(nullptr);
  return finish("reduce_runs_test");
}
