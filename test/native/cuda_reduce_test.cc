// The reducing CUDA kernels against the CPU's: every fold and dtype, rows and columns, few and many, cut into slices or
// not. usage: cuda_reduce_test [seed]
#include <limits>

#include "backend/cpu/backend.h"
#include "backend/cuda/reduce.h"
#include "cuda_kernels.h"

namespace {

using namespace stm;
using namespace stm::cuda;
using namespace stm::cuda::test;

using Kernels = ReduceKernels;

/// Both go through `count` elements of up to 3 in double, in orders of their own; a result in f32 is then rounded once.
Tolerance sums_of(int64_t count) {
  const double rounding = 1e-15 * static_cast<double>(std::max<int64_t>(count, 10));
  return {1e-6, std::max(1e-12, rounding), 10 * rounding, 10 * rounding};
}

const std::vector<DType> kAll{DType::F32, DType::F64, DType::I32, DType::Bool},
    kNumbers{DType::F32, DType::F64, DType::I32};
const char* const kFolds[] = {"sum", "prod", "max", "min", "mean"};

struct Case {
  std::vector<int64_t> kept, reduced;
  std::vector<int64_t> all() const {
    std::vector<int64_t> extents = kept;
    extents.insert(extents.end(), reduced.begin(), reduced.end());
    return extents;
  }
};

Case some_case() {
  if (chance(0.1)) return {{}, {draw(5'000, 40'000)}};                   // everything: slices of a single result
  if (chance(0.1)) return {{draw(2, 5)}, {draw(1'200, 2'500) * 4}};      // few long rows, in packs
  if (chance(0.1)) return {{draw(1, 60), draw(1, 20)}, {draw(20, 80)}};  // more or fewer than one thread's elements
  if (chance(0.1)) return {{draw(100, 900)}, {draw(1, 40), draw(1, 4)}};
  const int kept = static_cast<int>(draw(0, 3)),
            reduced = static_cast<int>(draw(0, kMaxRank - kept > 3 ? 3 : kMaxRank - kept));
  return {random_extents(kept, 6), random_extents(reduced, 7)};
}

double special_number() {
  static const double numbers[] = {0, -0.0, std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(), std::numeric_limits<double>::quiet_NaN()};
  return chance(0.02) ? numbers[draw(0, 4)] : draw_real(-3, 3);
}

void folds(Device& device, Kernels& cpu, Kernels& cuda) {
  for (int round = 0; round < 160; ++round) {
    const Case c = some_case();
    const DType dtype = one_of(kAll);
    Operand x(dtype, c.all(), Lies::Stretched), out(dtype, c.kept);
    for (int fold = 0; fold < 5; ++fold) {
      const bool extreme = fold == 2 || fold == 3, floating = dtype == DType::F32 || dtype == DType::F64;
      if ((dtype == DType::Bool && !extreme) || (fold == 4 && !floating)) continue;  // the ops refuse it
      if (dtype == DType::I32)
        x.fill([fold] {
          return static_cast<double>(fold == 1 ? (chance(0.001) ? 2 : chance(0.5) ? 1 : -1) : draw(-100, 100));
        });
      else if (fold == 1) x.fill([] { return draw_real(0.9, 1.1) * (chance(0.5) ? 1 : -1); });
      else if (dtype != DType::Bool) x.fill(extreme && chance(0.5) ? special_number : [] { return draw_real(-1, 2); });
      else x.fill([fold] { return static_cast<double>(chance(0.01) == (fold == 2)); });
      const int64_t count = out.size() > 0 ? x.size() / out.size() : 0;
      agree(device, cpu, cuda, kFolds[fold], {&x, &out}, extreme ? kExact : sums_of(count),
            [&](Kernels& kernels, const Side& at) {
              return kernels.reduce(static_cast<Fold>(fold), at(x), static_cast<int32_t>(c.reduced.size()), at(out));
            });
    }
  }
}

/// Rows of all lengths about a pack's, one behind the other or apart.
void packs(Device& device, Kernels& cpu, Kernels& cuda) {
  for (const DType dtype : kAll) {
    for (const int64_t count : {127, 128, 129, 130, 1'024, 1'025}) {
      for (const int64_t gap : {0, 1, 4}) {
        Operand x(dtype, {5, count + gap}, Lies::Dense), out(dtype, {5}, Lies::Dense);
        const auto rows = [&](const Side& at) {
          View view = at(x);
          view.extent[1] = count;
          return view;
        };
        for (const Fold fold : {Fold::Sum, Fold::Min}) {
          if (dtype == DType::Bool && fold == Fold::Sum) continue;
          agree(device, cpu, cuda, "rows of " + std::to_string(count), {&x, &out}, sums_of(count),
                [&](Kernels& kernels, const Side& at) { return kernels.reduce(fold, rows(at), 1, at(out)); });
        }
      }
    }
  }
}

/// Columns that are too large for caches are reduced by threads that take turns at the rows.
void large_columns(Device& device, Kernels& cpu, Kernels& cuda) {
  for (int round = 0; round < 4; ++round) {
    const int64_t rows = draw(600, 1'500), columns = draw(400, 700);
    const DType dtype = one_of(kNumbers);
    Operand x(dtype, {rows, columns}, Lies::Dense), out(dtype, {columns});
    if (dtype == DType::I32) x.fill([] { return static_cast<double>(draw(-100, 100)); });
    const auto transposed = [&](const Side& at) {
      View view = at(x);
      std::swap(view.extent[0], view.extent[1]);
      std::swap(view.stride[0], view.stride[1]);
      return view;
    };
    for (const Fold fold : {Fold::Sum, Fold::Max}) {
      agree(device, cpu, cuda, "columns", {&x, &out}, sums_of(rows),
            [&](Kernels& kernels, const Side& at) { return kernels.reduce(fold, transposed(at), 1, at(out)); });
    }
    Operand places(DType::I32, {columns});
    agree(device, cpu, cuda, "places in columns", {&x, &places}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.arg_extreme(true, transposed(at), at(places)); });
  }
}

void places_of_extremes(Device& device, Kernels& cpu, Kernels& cuda) {
  for (int round = 0; round < 120; ++round) {
    Case c = some_case();
    c.reduced = {chance(0.1) ? draw(5'000, 30'000) : draw(1, 200)};
    if (c.reduced[0] > 1'000) c.kept = {draw(1, 5)};
    const DType dtype = one_of(kAll);
    Operand x(dtype, c.all(), Lies::Stretched), out(DType::I32, c.kept);
    if (dtype != DType::I32 && chance(0.5)) x.fill(special_number);
    if (dtype != DType::Bool && chance(0.3)) x.fill([] { return static_cast<double>(draw(-2, 2)); });  // ties
    const bool largest = chance(0.5);
    agree(device, cpu, cuda, largest ? "argmax" : "argmin", {&x, &out}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.arg_extreme(largest, at(x), at(out)); });
  }
}

void running_sums(Device& device, Kernels& cpu, Kernels& cuda) {
  for (int round = 0; round < 120; ++round) {
    Case c = some_case();
    c.reduced = {chance(0.1) ? draw(3'000, 80'000) : chance(0.05) ? 0 : draw(1, 300)};
    if (c.reduced[0] > 1'000) c.kept = {draw(1, 5)};
    const DType dtype = one_of(kNumbers);
    Operand x(dtype, c.all(), Lies::Stretched), out(dtype, c.all());
    const bool reversed = chance(0.5);
    agree(device, cpu, cuda, reversed ? "cumsum from the end" : "cumsum", {&x, &out}, sums_of(c.reduced[0]),
          [&](Kernels& kernels, const Side& at) { return kernels.cumsum(at(x), reversed, at(out)); });
  }
}

/// Whole numbers that i32 does not hold: reported, and the nearest one written.
void overflows(Device& device, Kernels& cpu, Kernels& cuda) {
  constexpr int64_t kMost = std::numeric_limits<int32_t>::max(), kLeast = std::numeric_limits<int32_t>::min();
  for (const int64_t count : {3, 100, 20'000}) {
    for (const double sign : {1.0, -1.0}) {
      Operand x(DType::I32, {2, count}, Lies::Dense), out(DType::I32, {2}, Lies::Dense),
          sums(DType::I32, {2, count}, Lies::Dense);
      x.fill([] { return 0.0; });
      x.set(0, sign * 2e9);
      x.set(count - 1, sign * 1e9);
      x.set(count, 7);
      const auto check = [&](const std::string& what, const DeviceFault& fault, const Operand& result, int64_t at,
                             int64_t value) {
        require(fault.code == DeviceFault::kOverflow && fault.value == value,
                what + " reports " + std::to_string(fault.value));
        const std::vector<char> bytes = result.from_device(device);
        std::vector<int32_t> got(bytes.size() / 4);
        std::memcpy(got.data(), bytes.data(), got.size() * 4);
        require(got[static_cast<size_t>(at)] == (value > 0 ? kMost : kLeast),
                what + " writes " + std::to_string(got[static_cast<size_t>(at)]));
        require(got[static_cast<size_t>(result.size() - 1)] == 7, what + " beside an overflow");
      };
      check("sum",
            agree(device, cpu, cuda, "sum", {&x, &out}, kExact,
                  [&](Kernels& kernels, const Side& at) { return kernels.reduce(Fold::Sum, at(x), 1, at(out)); }),
            out, 0, static_cast<int64_t>(sign * 3e9));
      check("cumsum",
            agree(device, cpu, cuda, "cumsum", {&x, &sums}, kExact,
                  [&](Kernels& kernels, const Side& at) { return kernels.cumsum(at(x), false, at(sums)); }),
            sums, count - 1, static_cast<int64_t>(sign * 3e9));
      x.fill([] { return 1.0; });
      for (int64_t i = 0; i < count; ++i) x.set(i, i % 2 ? 65'536 : sign * 65'536);  // far beyond 64 bits, for many
      x.set(count, 7);
      if (count == 3)
        check("prod",
              agree(device, cpu, cuda, "prod", {&x, &out}, kExact,
                    [&](Kernels& kernels, const Side& at) { return kernels.reduce(Fold::Prod, at(x), 1, at(out)); }),
              out, 0, (kMost + 2));
      else
        agree(device, cpu, cuda, "prod", {&x, &out}, kExact,
              [&](Kernels& kernels, const Side& at) { return kernels.reduce(Fold::Prod, at(x), 1, at(out)); });
      x.set(count / 2, 0);
      agree(device, cpu, cuda, "prod with a 0", {&x, &out}, kExact,
            [&](Kernels& kernels, const Side& at) { return kernels.reduce(Fold::Prod, at(x), 1, at(out)); });
    }
  }
  Operand edge(DType::I32, {3, 2}, Lies::Dense), out(DType::I32, {3}, Lies::Dense);
  const double values[] = {2'147'483'646, 1, -2'147'483'647, -1, -2'147'483'648.0, 0};
  for (int i = 0; i < 6; ++i) edge.set(i, values[i]);
  agree(device, cpu, cuda, "sums at the edge of i32", {&edge, &out}, kExact,
        [&](Kernels& kernels, const Side& at) { return kernels.reduce(Fold::Sum, at(edge), 1, at(out)); });
  require(out.at(0) == kMost && out.at(1) == kLeast && out.at(2) == kLeast, "sums at the edge of i32");
}

/// Sums are taken in double: a number that f32 would lose among a million others comes out.
void precision(Device& device, Kernels& cpu, Kernels& cuda) {
  Operand x(DType::F32, {1'000'000}, Lies::Dense), out(DType::F32, {}, Lies::Dense);
  x.fill([] { return 0.1; });
  x.set(0, 3e9);
  x.set(999'999, -3e9);
  agree(device, cpu, cuda, "sum of a million", {&x, &out}, sums_of(1),
        [&](Kernels& kernels, const Side& at) { return kernels.reduce(Fold::Sum, at(x), 1, at(out)); });
  require(std::abs(out.at(0) - 99'999.8) < 0.1, "the CPU's sum of a million: " + std::to_string(out.at(0)));
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  Device device;
  CudaReduce cuda(device.context);
  Kernels& cpu = cpu_reduce();
  folds(device, cpu, cuda);
  packs(device, cpu, cuda);
  large_columns(device, cpu, cuda);
  places_of_extremes(device, cpu, cuda);
  running_sums(device, cpu, cuda);
  overflows(device, cpu, cuda);
  precision(device, cpu, cuda);
  return finish("cuda_reduce_test");
}
