// The CUDA backend's indexing kernels against the CPU's. usage: cuda_indexing_test [seed]
#include "backend/cuda/indexing.h"

#include <limits>

#include "cuda_kernels.h"

using namespace stm;
using namespace stm::cuda::test;
using stm::cuda::CudaIndexing;
using stm::cuda::DeviceFault;

namespace {

constexpr DType kAll[] = {DType::F32, DType::F64, DType::I32, DType::Bool};
constexpr DType kFloating[] = {DType::F32, DType::F64};

struct Kernels {
  Device device;
  CudaIndexing kernels{device.context};
  IndexingKernels& cuda = kernels;
  IndexingKernels& cpu = cpu_backend().indexing();
  template <class Call>
  DeviceFault agree(const std::string& what, std::initializer_list<Operand*> operands, const Tolerance& tolerance,
                    const Call& call) {
    return stm::cuda::test::agree(device, cpu, cuda, what, operands, tolerance, call);
  }
};

Operand dense(DType dtype, const std::vector<int64_t>& extents) { return Operand(dtype, extents, Lies::Dense); }
/// Numbers whose sums are exact, so that no order of adding differs.
Operand whole_numbers(DType dtype, const std::vector<int64_t>& extents) {
  Operand x = dense(dtype, extents);
  if (dtype != DType::Bool) x.fill([] { return static_cast<double>(draw(-9, 9)); });
  return x;
}
Operand indices_below(int64_t bound, const std::vector<int64_t>& extents) {
  Operand index = dense(DType::I32, extents);
  index.fill([bound] { return static_cast<double>(draw(0, bound - 1)); });
  return index;
}

/// After a call with a wrong index: what was reported, and how many NaN there are in `out`.
void expect_fault(Kernels& on, const std::string& what, const DeviceFault& fault, int64_t value, int64_t greatest,
                  const Operand* out, int64_t poisoned) {
  require(fault.value == value && fault.greatest == greatest,
          what + ": reports " + std::to_string(fault.value) + " outside 0.." + std::to_string(fault.greatest));
  if (!out) return;
  const std::vector<char> bytes = out->from_device(on.device);
  int64_t found = 0;
  for (int64_t i = 0; i < out->size(); ++i) {
    if (out->host.dtype == DType::F32) found += std::isnan(reinterpret_cast<const float*>(bytes.data())[i]);
    else found += std::isnan(reinterpret_cast<const double*>(bytes.data())[i]);
  }
  require(found == poisoned,
          what + ": " + std::to_string(found) + " elements are NaN, expected " + std::to_string(poisoned));
}

void test_gather_rows(Kernels& on) {
  for (int round = 0; round < 60; ++round) {
    const DType dtype = kAll[round % 4];
    const int64_t rows = draw(1, 40), width = one_of<int64_t>({1, 2, 3, 4, 8, 17, 64, 129}), count = draw(0, 300);
    Operand table = dense(dtype, {rows, width}), index = indices_below(rows, {count}),
            out = dense(dtype, {count, width});
    const auto call = [&](IndexingKernels& kernels, const Side& at) {
      return kernels.gather_rows(at(table), at(index), at(out));
    };
    on.agree("gather_rows", {&table, &index, &out}, kExact, call);
    if (count == 0) continue;
    const int64_t wrong = chance(0.5) ? rows : -1;
    index.set(draw(0, count - 1), static_cast<double>(wrong));
    const DeviceFault fault = on.agree("gather_rows out of range", {&table, &index, &out}, kExact, call);
    expect_fault(on, "gather_rows", fault, wrong, rows - 1, round % 4 < 2 ? &out : nullptr, width);
  }
}

void test_one_hot(Kernels& on) {
  for (int round = 0; round < 20; ++round) {
    const int64_t classes = draw(1, 50), count = draw(0, 300);
    Operand index = indices_below(classes, {count}), out = dense(DType::F32, {count, classes});
    const auto call = [&](IndexingKernels& kernels, const Side& at) { return kernels.one_hot(at(index), at(out)); };
    on.agree("one_hot", {&index, &out}, kExact, call);
    if (count == 0) continue;
    index.set(draw(0, count - 1), static_cast<double>(classes));
    expect_fault(on, "one_hot", on.agree("one_hot out of range", {&index, &out}, kExact, call), classes, classes - 1,
                 &out, classes);
  }
}

void add_rows_case(Kernels& on, DType dtype, int64_t count, int64_t table, int64_t width, double crowded, bool exact) {
  Operand rows = whole_numbers(dtype, {count, width}), index = indices_below(table, {count}),
          out = dense(dtype, {table, width});
  if (!exact) rows.fill([] { return draw_real(0.5, 1.5); });
  for (int64_t i = 0; i < count; ++i)
    if (chance(crowded)) index.set(i, static_cast<double>(table / 2));
  const int64_t skipped = chance(0.5) ? -1 : chance(0.5) ? table / 2 : draw(0, table - 1);
  const std::string what = "add_rows [" + std::to_string(count) + ", " + std::to_string(width) + "] in " +
                           std::to_string(table) + " rows, skipped " + std::to_string(skipped) + ", crowded " +
                           std::to_string(crowded);
  const auto call = [&](IndexingKernels& kernels, const Side& at) {
    return kernels.add_rows(at(rows), at(index), skipped, at(out));
  };
  on.agree(what, {&rows, &index, &out}, exact ? kExact : kTight, call);
}

void test_add_rows(Kernels& on) {
  for (int round = 0; round < 80; ++round)
    add_rows_case(on, kFloating[round % 2], draw(0, 400), draw(1, one_of<int64_t>({1, 3, 50, 500})),
                  one_of<int64_t>({1, 2, 5, 33}), one_of<double>({0, 0.5, 1}), true);
  for (const int64_t count :
       {63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 4096, 4097, 5000, 9000})  // where pieces, tiles and runs end
    for (const double crowded : {0.0, 0.4, 1.0}) add_rows_case(on, DType::F32, count, 700, 3, crowded, true);
  for (const DType dtype : kFloating) {
    add_rows_case(on, dtype, 20'000, 3000, 8, 0.5, false);
    add_rows_case(on, dtype, 150'000, 200'000, 1, 0.2, true);
    add_rows_case(on, dtype, 0, 7, 5, 0, true);
    add_rows_case(on, dtype, 7, 7, 0, 0, true);
    Operand rows = dense(dtype, {200, 4}), index = indices_below(9, {200}), out = dense(dtype, {9, 4});
    index.set(150, 12);
    const auto call = [&](IndexingKernels& kernels, const Side& at) {
      return kernels.add_rows(at(rows), at(index), -1, at(out));
    };
    expect_fault(on, "add_rows", on.agree("add_rows out of range", {&rows, &index, &out}, kExact, call), 12, 8, &out,
                 4);
    Operand none = dense(dtype, {0, 4});
    const auto into_none = [&](IndexingKernels& kernels, const Side& at) {
      return kernels.add_rows(at(rows), at(index), -1, at(none));
    };
    on.agree("add_rows to no row", {&rows, &index, &none}, kExact, into_none);
  }
}

void test_gather(Kernels& on) {
  for (int round = 0; round < 60; ++round) {
    const DType dtype = kAll[round % 4];
    const int64_t a = draw(0, 6), steps = draw(1, 20), b = draw(1, 9), taken = draw(0, 30);
    Operand x = dense(dtype, {a, steps, b}), index = indices_below(steps, {a, taken, b}),
            out = dense(dtype, {a, taken, b});
    const auto call = [&](IndexingKernels& kernels, const Side& at) {
      return kernels.gather(at(x), at(index), at(out));
    };
    on.agree("gather", {&x, &index, &out}, kExact, call);
    if (index.size() == 0) continue;
    index.set(draw(0, index.size() - 1), -4);
    const DeviceFault fault = on.agree("gather out of range", {&x, &index, &out}, kExact, call);
    expect_fault(on, "gather", fault, -4, steps - 1, round % 4 < 2 ? &out : nullptr, 1);
  }
}

void scatter_add_case(Kernels& on, DType dtype, int64_t a, int64_t steps, int64_t b, int64_t given) {
  Operand index = indices_below(steps, {a, given, b}), source = whole_numbers(dtype, {a, given, b}),
          target = whole_numbers(dtype, {a, steps, b});
  const std::string what =
      "scatter_add [" + std::to_string(a) + ", " + std::to_string(given) + ", " + std::to_string(b) + "]";
  const auto call = [&](IndexingKernels& kernels, const Side& at) {
    return kernels.scatter_add(at(index), at(source), at(target));
  };
  on.agree(what, {&index, &source, &target}, kExact, call);
  if (index.size() == 0) return;
  index.set(draw(0, index.size() - 1), static_cast<double>(steps));
  expect_fault(on, what, on.agree(what + " out of range", {&index, &source, &target}, kExact, call), steps, steps - 1,
               nullptr, 0);
}

void test_scatter_add(Kernels& on) {
  for (const DType dtype : kAll) {
    for (int round = 0; round < 20; ++round)
      scatter_add_case(on, dtype, draw(0, 4), draw(1, 12), draw(1, 7), draw(0, 32));
    for (int round = 0; round < 20; ++round)
      scatter_add_case(on, dtype, draw(1, 4), draw(1, 300), draw(1, 7), draw(33, 400));
    scatter_add_case(on, dtype, 40, 9, 30, 50);  // many columns
    scatter_add_case(on, dtype, 1, 5, 1, 9000);
  }
  // After a fault the target stays as it is.
  for (const int64_t given : {20, 300}) {
    Operand index = indices_below(5, {2, given, 3}), source = whole_numbers(DType::F32, {2, given, 3}),
            target = whole_numbers(DType::F32, {2, 5, 3});
    for (Operand* operand : {&index, &source, &target}) operand->to_device(on.device);
    DeviceFault fault;
    fault.code = DeviceFault::kIndex;
    on.device.upload(on.device.context.fault, &fault, sizeof fault);
    require(on.cuda.scatter_add(index.device, source.device, target.device), "scatter_add after a fault");
    require(target.difference(target.from_device(on.device), 0, 0).empty(),
            "scatter_add after a fault has changed its target");
    (void)on.device.take_fault();
  }
}

void sort_case(Kernels& on, DType dtype, int64_t rows, int64_t n, int64_t k, double repeated) {
  Operand x = dense(dtype, {rows, n}), values = dense(dtype, {rows, k}), places = dense(DType::I32, {rows, k});
  const bool floating = dtype == DType::F32 || dtype == DType::F64;
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const std::vector<double> special = {0.0,        -0.0, std::nan(""), -std::nan(""), kInfinity,
                                       -kInfinity, 1,    -1,           1e-30,         -1e-30};
  x.fill([&] {
    if (chance(repeated)) return floating ? one_of(special) : static_cast<double>(draw(-1, 1));
    return floating
               ? draw_real(-1e3, 1e3)
               : static_cast<double>(draw(std::numeric_limits<int32_t>::min(), std::numeric_limits<int32_t>::max()));
  });
  for (const bool descending : {false, true}) {
    const std::string what = "sort [" + std::to_string(rows) + ", " + std::to_string(n) + "], the first " +
                             std::to_string(k) + (descending ? " down" : "");
    const auto call = [&](IndexingKernels& kernels, const Side& at) {
      return kernels.sort(at(x), descending, k, at(values), at(places));
    };
    on.agree(what, {&x, &values, &places}, kExact, call);
  }
}

void test_sort(Kernels& on) {
  for (const DType dtype : kAll) {
    for (int round = 0; round < 30; ++round) {
      const int64_t n = draw(1, one_of<int64_t>({3, 40, 1100}));
      sort_case(on, dtype, draw(0, 9), n, chance(0.5) ? n : draw(0, n), one_of<double>({0, 0.3, 1}));
    }
    for (const int64_t n : {1023, 1024, 1025, 2048, 4095, 4096, 4097, 9000}) sort_case(on, dtype, 2, n, n, 0.2);
    for (const int64_t k : {1, 5, 64, 128, 129, 1000}) sort_case(on, dtype, 3, 20'000, k, k % 2 ? 0.0 : 0.3);
    sort_case(on, dtype, 2, 20'000, 7, 1);
    sort_case(on, dtype, 1, 100'000, 50, 0);
    sort_case(on, dtype, 1, 100'000, 100'000, 0.1);
    sort_case(on, dtype, 0, 5, 5, 0);
    sort_case(on, dtype, 5, 0, 0, 0);
  }
  sort_case(on, DType::F64, 30, 40'000, 200, 0.01);  // more rows than are sorted at once
  // In order already: the worst that can come to a search for the first few.
  Operand x = dense(DType::F32, {1, 30'000}), values = dense(DType::F32, {1, 100}),
          places = dense(DType::I32, {1, 100});
  for (int64_t i = 0; i < x.size(); ++i) x.set(i, static_cast<double>(i));
  const auto call = [&](IndexingKernels& kernels, const Side& at) {
    return kernels.sort(at(x), true, 100, at(values), at(places));
  };
  on.agree("sort of what is in order", {&x, &values, &places}, kExact, call);
}

void test_windows(Kernels& on) {
  for (int round = 0; round < 80; ++round) {
    const DType dtype = kAll[round % 4];
    const int64_t a = draw(0, 4), width = draw(1, 5), size = draw(1, 6), stride = draw(1, 5), dilation = draw(1, 4);
    const int64_t steps = (size - 1) * dilation + draw(1, 20),
                  windows = (steps - (size - 1) * dilation - 1) / stride + 1;
    Operand x = dense(dtype, {a, steps, width}), out = dense(dtype, {a, windows, width, size});
    const auto unfold = [&](IndexingKernels& kernels, const Side& at) {
      return kernels.unfold(at(x), stride, dilation, at(out));
    };
    on.agree("unfold", {&x, &out}, kExact, unfold);
    if (round % 4 >= 2) continue;
    Operand grads = dense(dtype, {a, windows, width, size}), sums = dense(dtype, {a, steps, width});
    const auto fold = [&](IndexingKernels& kernels, const Side& at) {
      return kernels.fold(at(grads), stride, dilation, at(sums));
    };
    on.agree("fold", {&grads, &sums}, kExact, fold);
  }
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  {
    Kernels on;
    test_gather_rows(on);
    test_one_hot(on);
    test_add_rows(on);
    test_gather(on);
    test_scatter_add(on);
    test_sort(on);
    test_windows(on);
  }
  return finish("cuda_indexing_test");
}
