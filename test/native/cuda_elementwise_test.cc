// The element-wise CUDA kernels against the CPU's: every op and dtype, on dense, strided, flipped, broadcast and empty
// views. usage: cuda_elementwise_test [seed]
#include <limits>

#include "backend/cpu/backend.h"
#include "backend/cuda/elementwise.h"
#include "backend/cuda/kernel/axes.h"
#include "cuda_kernels.h"

namespace {

using namespace stm;
using namespace stm::cuda;
using namespace stm::cuda::test;

using Kernels = ElementwiseKernels;

// Of values near 1: what cancels in a derivative is rounded differently where the device fuses products and sums.
constexpr Tolerance kRounding{1e-5, 1e-12, 1e-6, 1e-14};

const std::vector<DType> kFloating{DType::F32, DType::F64}, kAll{DType::F32, DType::F64, DType::I32, DType::Bool},
    kNumbers{DType::F32, DType::F64, DType::I32};

enum Saves { Nothing = 0, OfX = 1, OfY = 2, OfBoth = 3 };
struct UnaryInfo {
  const char* name;
  int saves;
};
constexpr UnaryInfo kUnary[] = {
#define STM_INFO(name, doc, saves, value, derivative) {#name, saves},
    STM_UNARY_FUNCTORS(STM_INFO) STM_PARAMETRIC_FUNCTORS(STM_INFO)
#undef STM_INFO
};
constexpr int kUnaryCount = static_cast<int>(sizeof kUnary / sizeof *kUnary);
#define STM_COUNT(...) +1
constexpr int kBinaryCount = 0 STM_BINARY_FUNCTORS(STM_COUNT), kCompareCount = 0 STM_COMPARE_FUNCTORS(STM_COUNT);
#undef STM_COUNT

/// Extents for views of one call: mostly small, now and then a long axis, so that packs, blocks and grids are met.
std::vector<int64_t> some_extents() {
  if (chance(0.1)) return {draw(1, 3), draw(1'000, 3'000)};
  if (chance(0.3)) return {draw(1, 9), draw(1, 8) * 4};
  return random_extents(static_cast<int>(draw(0, kMaxRank)), 5);
}

double special_number() {
  static const double numbers[] = {0,
                                   -0.0,
                                   1,
                                   -1,
                                   std::numeric_limits<double>::infinity(),
                                   -std::numeric_limits<double>::infinity(),
                                   std::numeric_limits<double>::quiet_NaN()};
  return chance(0.5) ? numbers[draw(0, 6)] : draw_real(-3, 3);
}

void unary_ops(Device& device, Kernels& cpu, Kernels& cuda) {
  for (int i = 0; i < kUnaryCount; ++i) {
    for (const DType dtype : kFloating) {
      for (int round = 0; round < 4; ++round) {
        const std::vector<int64_t> extents = some_extents();
        Operand x(dtype, extents, Lies::Stretched), y(dtype, extents, Lies::Stretched),
            dy(dtype, extents, Lies::Stretched), out(dtype, extents);
        const Unary op = static_cast<Unary>(i);
        const int saves = kUnary[i].saves;
        if (round == 3) x.fill(special_number);
        agree(device, cpu, cuda, kUnary[i].name, {&x, &out}, kRounding,
              [&](Kernels& kernels, const Side& at) { return kernels.unary(op, 0.3, at(x), at(out)); });
        agree(device, cpu, cuda, std::string(kUnary[i].name) + " backward", {&x, &y, &dy, &out}, kRounding,
              [&](Kernels& kernels, const Side& at) {
                return kernels.unary_backward(op, 0.3, saves & OfX ? at(x) : View{}, saves & OfY ? at(y) : View{},
                                              at(dy), at(out));
              });
      }
    }
  }
}

void unary_in_place(Device& device, Kernels& cpu, Kernels& cuda) {
  for (int round = 0; round < 20; ++round) {
    Operand x(one_of(kFloating), some_extents());
    agree(device, cpu, cuda, "tanh in place", {&x}, kRounding,
          [&](Kernels& kernels, const Side& at) { return kernels.unary(Unary::tanh, 0, at(x), at(x)); });
  }
}

void binary_op(Device& device, Kernels& cpu, Kernels& cuda, int i, DType dtype) {
  static const char* const names[] = {
#define STM_NAME(name, ...) #name,
      STM_BINARY_FUNCTORS(STM_NAME)};
  const Binary op = static_cast<Binary>(i);
  const bool orders = op == Binary::maximum || op == Binary::minimum;
  if ((dtype == DType::Bool && !orders) || (dtype == DType::I32 && op == Binary::div)) return;  // the ops refuse these
  for (int round = 0; round < 6; ++round) {
    const std::vector<int64_t> extents = some_extents();
    Operand a(dtype, extents, Lies::Stretched), b(dtype, extents, Lies::Stretched), out(dtype, extents);
    const bool divides = op == Binary::floorDivide || op == Binary::remainder;
    const auto digit = [divides] {
      return static_cast<double>(divides ? draw(1, 5) * (chance(0.5) ? 1 : -1) : draw(0, 5));
    };
    if (dtype == DType::I32 && (divides || op == Binary::pow)) a.fill(digit), b.fill(digit);
    if (dtype != DType::I32 && orders) a.fill(special_number), b.fill(special_number);
    agree(device, cpu, cuda, names[i], {&a, &b, &out}, kRounding,
          [&](Kernels& kernels, const Side& at) { return kernels.binary(op, at(a), at(b), at(out)); });
    const double number = dtype == DType::F32 || dtype == DType::F64
                              ? draw_real(-2, 2)
                              : static_cast<double>(dtype == DType::Bool ? draw(0, 1) : draw(1, 3));
    for (const bool reversed : {false, true}) {
      agree(device, cpu, cuda, std::string(names[i]) + " with a number", {&a, &out}, kRounding,
            [&](Kernels& kernels, const Side& at) {
              return kernels.binary_scalar(op, at(a), number, reversed, at(out));
            });
    }
    Operand target(dtype, extents);
    if (dtype == DType::I32 && (divides || op == Binary::pow)) target.fill(digit);
    agree(device, cpu, cuda, std::string(names[i]) + " in place", {&b, &target}, kRounding,
          [&](Kernels& kernels, const Side& at) { return kernels.binary(op, at(target), at(b), at(target)); });
  }
}

/// Whole numbers that an i32 does not hold, and none at all: reported on both sides, and the nearest one written on the
/// device.
void beyond_i32(Device& device, Kernels& cpu, Kernels& cuda) {
  constexpr double kMost = std::numeric_limits<int32_t>::max(), kLeast = std::numeric_limits<int32_t>::min();
  struct Case {
    Binary op;
    double a, b;
    bool held;
  };
  for (const Case& c :
       {Case{Binary::add, kMost, 1, false}, Case{Binary::add, kMost, -1, true}, Case{Binary::sub, kLeast, 1, false},
        Case{Binary::sub, -1, kLeast, true}, Case{Binary::mul, 65'536, 32'768, false},
        Case{Binary::mul, -65'536, 32'768, true}, Case{Binary::pow, 10, 10, false}, Case{Binary::pow, -2, 31, true},
        Case{Binary::pow, 2, -1, false}, Case{Binary::pow, -1, -3, true}, Case{Binary::floorDivide, kLeast, -1, false},
        Case{Binary::floorDivide, 1, 0, false}, Case{Binary::floorDivide, -7, 2, true},
        Case{Binary::remainder, 1, 0, false}, Case{Binary::remainder, kLeast, -1, true}}) {
    for (const int64_t count : {1, 9, 40'000}) {
      Operand a(DType::I32, {count}), b(DType::I32, {count}), out(DType::I32, {count});
      a.fill([] { return 1.0; }), b.fill([] { return 1.0; });
      a.set(count - 1, c.a), b.set(count - 1, c.b);
      const DeviceFault fault =
          agree(device, cpu, cuda, "beyond i32", {&a, &b, &out}, kExact,
                [&](Kernels& kernels, const Side& at) { return kernels.binary(c.op, at(a), at(b), at(out)); });
      require((fault.code == DeviceFault::kNone) == c.held,
              "op " + std::to_string(static_cast<int>(c.op)) + " of " + std::to_string(c.a));
    }
  }
  for (const double value :
       {std::nan(""), HUGE_VAL, -HUGE_VAL, 2147483648.0, -2147483649.0, 2147483647.5, -2147483648.5, 1e300}) {
    Operand from(DType::F64, {9}), to(DType::I32, {9});
    from.set(8, value);
    const DeviceFault fault = agree(device, cpu, cuda, "cast to i32", {&from, &to}, kExact,
                                    [&](Kernels& kernels, const Side& at) { return kernels.copy(at(from), at(to)); });
    require((fault.code == DeviceFault::kNone) == (value > -2147483649.0 && value < 2147483648.0),
            "cast of " + std::to_string(value));
  }
}

void compare_op(Device& device, Kernels& cpu, Kernels& cuda, int i, DType dtype) {
  const Compare op = static_cast<Compare>(i);
  for (int round = 0; round < 6; ++round) {
    const std::vector<int64_t> extents = some_extents();
    Operand a(dtype, extents, Lies::Stretched), b(dtype, extents, Lies::Stretched), out(DType::Bool, extents);
    if (dtype != DType::I32) a.fill(special_number), b.fill(special_number);
    else
      a.fill([] { return static_cast<double>(draw(-2, 2)); }), b.fill([] { return static_cast<double>(draw(-2, 2)); });
    agree(device, cpu, cuda, "comparison " + std::to_string(i), {&a, &b, &out}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.compare(op, at(a), at(b), at(out)); });
    if (a.size() > 0) a.set(0, 0.1);
    const double number = one_of<double>({0, 1, -1, 0.1, 0.5, 1e300, std::numeric_limits<double>::quiet_NaN()});
    agree(device, cpu, cuda, "comparison " + std::to_string(i) + " with " + std::to_string(number), {&a, &out}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.compare_scalar(op, at(a), number, at(out)); });
  }
}

void moves(Device& device, Kernels& cpu, Kernels& cuda) {
  for (const DType dtype : kAll) {
    for (int round = 0; round < 12; ++round) {
      const std::vector<int64_t> extents = some_extents();
      Operand condition(DType::Bool, extents, Lies::Stretched), a(dtype, extents, Lies::Stretched),
          b(dtype, extents, Lies::Stretched), out(dtype, extents);
      agree(device, cpu, cuda, "where", {&condition, &a, &b, &out}, kExact,
            [&](Kernels& kernels, const Side& at) { return kernels.where(at(condition), at(a), at(b), at(out)); });
      for (const DType to : kAll) {
        Operand copied(to, extents);
        if (to != DType::I32 && dtype != DType::I32) a.fill(special_number);  // there is no integer for infinity
        agree(device, cpu, cuda, "copy", {&a, &copied}, kExact,
              [&](Kernels& kernels, const Side& at) { return kernels.copy(at(a), at(copied)); });
      }
      const double value = dtype == DType::Bool ? 1 : dtype == DType::I32 ? -7 : 0.1;
      agree(device, cpu, cuda, "fill", {&out}, kExact,
            [&](Kernels& kernels, const Side& at) { return kernels.fill(value, at(out)); });
    }
  }
}

/// Places of elements, also of views too large to have: against sums of digits times strides.
void places() {
  for (int round = 0; round < 2'000; ++round) {
    View x, y;
    x.data = y.data = &x;
    x.rank = y.rank = static_cast<int32_t>(draw(0, kMaxRank));
    const int64_t most = round % 2 ? 500 : 20;
    int64_t span = 1;
    for (int i = 0; i < x.rank; ++i) {
      x.extent[i] = y.extent[i] = draw(1, most);
      y.stride[i] = draw(-3, 3);
    }
    for (int i = x.rank; i-- > 0;) {  // of all different strides, so that the order of the walk is that of the axes
      x.stride[i] = span;
      span *= x.extent[i] * draw(1, 2);
    }
    const Axes<2> axes({&x, &y}, 0, x.rank);
    require(axes.size() == x.size(), "the size of axes");
    require(axes.narrow == (x.size() < (int64_t{1} << 31)), "axes know whether 32 bits suffice");
    for (int k = 0; k < 5; ++k) {
      const int64_t index = k == 0 ? x.size() - 1 : draw(0, x.size() - 1);
      int64_t got[2], expected[2] = {0, 0}, rest = index;
      axes.at(index, got);
      for (int i = x.rank; i-- > 0;) {
        expected[0] += rest % x.extent[i] * x.stride[i];
        expected[1] += rest % x.extent[i] * y.stride[i];
        rest /= x.extent[i];
      }
      require(got[0] == expected[0] && got[1] == expected[1], "the place of element " + std::to_string(index));
    }
  }
  for (int round = 0; round < 20'000; ++round) {
    const int64_t top = (int64_t{1} << 31) - 1, d = chance(0.3) ? top - draw(0, 3) : draw(1, int64_t{1} << draw(0, 30)),
                  n = chance(0.3) ? top - draw(0, 3) : draw(0, top);
    require(Divisor(d).quotient(static_cast<uint32_t>(n)) == n / d, std::to_string(n) + " / " + std::to_string(d));
  }
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  Device device;
  CudaElementwise cuda(device.context);
  Kernels& cpu = cpu_elementwise();
  places();
  unary_ops(device, cpu, cuda);
  unary_in_place(device, cpu, cuda);
  for (const DType dtype : kAll) {
    for (int i = 0; i < kBinaryCount; ++i) binary_op(device, cpu, cuda, i, dtype);
    for (int i = 0; i < kCompareCount; ++i) compare_op(device, cpu, cuda, i, dtype);
  }
  beyond_i32(device, cpu, cuda);
  moves(device, cpu, cuda);
  return finish("cuda_elementwise_test");
}
