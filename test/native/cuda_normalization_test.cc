// The CUDA backend's normalization kernels against the CPU's. usage: cuda_normalization_test [seed]
#include "backend/cuda/normalization.h"

#include <limits>
#include <optional>

#include "cuda_kernels.h"

using namespace stm;
using namespace stm::cuda::test;
using stm::cuda::CudaNormalization;
using stm::cuda::DeviceFault;

namespace {

constexpr DType kFloating[] = {DType::F32, DType::F64};
constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr Tolerance kSums{1e-5, 1e-12, 2e-6, 1e-13};  // differences that may cancel, of numbers of about 1

struct Kernels {
  Device device;
  CudaNormalization kernels{device.context};
  NormalizationKernels& cuda = kernels;
  NormalizationKernels& cpu = cpu_backend().normalization();
  template <class Call>
  void agree(const std::string& what, std::initializer_list<Operand*> operands, const Tolerance& tolerance,
             const Call& call) {
    (void)stm::cuda::test::agree(device, cpu, cuda, what, operands, tolerance, call);
  }
};

/// An operand that may be absent.
struct Maybe {
  std::optional<Operand> operand;
  Maybe(bool present, DType dtype, const std::vector<int64_t>& extents) {
    if (present) operand.emplace(dtype, extents, Lies::Shifted);
  }
  View in(const Side& at) { return operand ? at(*operand) : View{}; }
  Operand* get(Operand& other) { return operand ? &*operand : &other; }  // agree() may see one twice
};

std::string shape_of(int64_t rows, int64_t width) {
  return " [" + std::to_string(rows) + ", " + std::to_string(width) + "]";
}
int64_t random_width() { return draw(1, one_of<int64_t>({4, 16, 40, 300, 2000})); }

// ---- softmax

void softmax_case(Kernels& on, DType dtype, const std::vector<int64_t>& extents, bool masked, double special) {
  Operand x(dtype, extents, Lies::Shifted), y(dtype, extents, Lies::Shifted),
      mask(DType::Bool, extents, Lies::Stretched);
  const double scale = one_of<double>({1, 30});
  x.fill([&] {
    return chance(special) ? one_of<double>({kInfinity, -kInfinity, std::nan(""), 0}) : draw_real(-3, 3) * scale;
  });
  if (chance(0.2)) mask.fill([] { return 0; });
  if (chance(0.2)) x.fill([] { return -kInfinity; });
  const bool logarithm = !masked && chance(0.5);
  const std::string what = std::string(masked ? "masked " : "") + (logarithm ? "log-softmax " : "softmax ") + x.shape();
  const auto call = [&](NormalizationKernels& kernels, const Side& at) {
    return kernels.softmax(at(x), masked ? at(mask) : View{}, logarithm, at(y));
  };
  on.agree(what, {&x, &mask, &y}, kSums, call);
  if (special > 0) return;
  Operand dy(dtype, extents, Lies::Shifted), dx(dtype, extents, Lies::Shifted);
  Operand value(dtype, extents, Lies::Shifted);
  value.fill([&] { return logarithm ? draw_real(-5, 0) : draw_real(0, 1); });
  const auto backward = [&](NormalizationKernels& kernels, const Side& at) {
    return kernels.softmax_backward(at(value), at(dy), logarithm, at(dx));
  };
  const double terms = 3.0 * static_cast<double>(extents.empty() ? 1 : extents.back());
  on.agree(what + " backward", {&value, &dy, &dx}, {1e-5, 1e-12, 3e-7 * terms, 1e-15 * terms}, backward);
}

void test_softmax(Kernels& on) {
  for (int round = 0; round < 120; ++round) {
    std::vector<int64_t> extents = random_extents(static_cast<int>(draw(0, 3)), 5);
    extents.push_back(random_width());
    softmax_case(on, kFloating[round % 2], extents, chance(0.6), one_of<double>({0, 0, 0.002, 0.3}));
  }
  for (const DType dtype : kFloating) {
    softmax_case(on, dtype, {3000, 5}, true, 0);
    softmax_case(on, dtype, {2, 100'000}, true, 0);
    softmax_case(on, dtype, {4, 0}, false, 0);
    // In place.
    Operand x(dtype, {7, 50}, Lies::Shifted);
    on.agree("softmax in place", {&x}, kSums, [&](NormalizationKernels& kernels, const Side& at) {
      return kernels.softmax(at(x), View{}, false, at(x));
    });
  }
}

// ---- layer norm

void layer_norm_case(Kernels& on, DType dtype, int64_t rows, int64_t width, double offset) {
  Operand x(dtype, {rows, width}, Lies::Shifted), y(dtype, {rows, width}, Lies::Shifted),
      statistics(DType::F64, {rows, 2}, Lies::Shifted);
  x.fill([&] { return offset + draw_real(-1, 1); });
  Maybe weight(chance(0.7), dtype, {width}), bias(chance(0.7), dtype, {width});
  const double epsilon = one_of<double>({1e-5, 1e-3});
  const std::string what = "layer_norm" + shape_of(rows, width);
  // The centre is rounded to the dtype, on either side alike but for the last bits of the sum.
  const double jitter = std::abs(offset) * 100;
  on.agree(what, {&x, weight.get(x), bias.get(x), &y, &statistics},
           {1e-5, 1e-11, 1e-5 + jitter * 6e-8, 1e-12 + jitter * 1e-15},
           [&](NormalizationKernels& kernels, const Side& at) {
             return kernels.layer_norm(at(x), weight.in(at), bias.in(at), width, epsilon, at(y), at(statistics));
           });
  statistics.fill([] { return draw_real(0.5, 1.5); });
  Operand dy(dtype, {rows, width}, Lies::Shifted);
  Maybe dx(chance(0.8), dtype, {rows, width}), dweight(chance(0.8), dtype, {width}), dbias(chance(0.8), dtype, {width});
  const double terms = 40.0 * static_cast<double>(rows + 10) * (1 + std::abs(offset));
  on.agree(what + " backward", {&x, weight.get(x), &statistics, &dy, dx.get(x), dweight.get(x), dbias.get(x)},
           {1e-5, 1e-12, 6e-8 * terms, 1e-15 * terms}, [&](NormalizationKernels& kernels, const Side& at) {
             return kernels.layer_norm_backward(at(x), weight.in(at), width, at(statistics), at(dy), dx.in(at),
                                                dweight.in(at), dbias.in(at));
           });
}

void test_layer_norm(Kernels& on) {
  for (int round = 0; round < 100; ++round)
    layer_norm_case(on, kFloating[round % 2], draw(0, 40), random_width(), one_of<double>({0, 0, 20}));
  for (const DType dtype : kFloating) {
    layer_norm_case(on, dtype, 20'000, 3, 0);
    layer_norm_case(on, dtype, 3, 60'000, 0);
    layer_norm_case(on, dtype, 1, 1, 0);
  }
}

// ---- batch norm

struct PaddedRows {
  std::vector<int32_t> lengths;
  int64_t stride = 1, width = 1, rows = 0, real = 0;
  PaddedRows(bool padded, int64_t sequences) {
    width = draw(1, 3);
    const int64_t steps = draw(1, 20);
    stride = steps * width;
    rows = sequences * stride;
    real = padded ? 0 : rows;
    for (int64_t i = 0; padded && i < sequences; ++i) {
      lengths.push_back(static_cast<int32_t>(i == 0 ? steps : draw(0, steps)));
      real += lengths.back() * width;
    }
  }
  Padding padding() const { return {lengths.empty() ? nullptr : lengths.data(), stride, width}; }
};

void batch_case(Kernels& on, DType dtype, int64_t sequences, int64_t columns, double offset) {
  const PaddedRows padded(chance(0.6), sequences);
  const int64_t rows = padded.rows;
  const std::vector<int64_t> extents = {rows, columns};
  const std::string what = "batch norm" + shape_of(rows, columns) + (padded.lengths.empty() ? "" : " padded");
  Operand x(dtype, extents, Lies::Shifted), y(dtype, extents, Lies::Shifted),
      statistics(DType::F64, {2, columns}, Lies::Shifted);
  x.fill([&] { return offset + draw_real(-1, 1); });
  for (int64_t row = 0; row < rows; ++row) {  // what lies in the padding must not matter
    const bool real = padded.lengths.empty() ||
                      row % padded.stride < padded.lengths[static_cast<size_t>(row / padded.stride)] * padded.width;
    for (int64_t c = 0; c < columns && !real; ++c) x.set(row * columns + c, std::nan(""));
  }
  if (chance(0.1)) x.set(0, kInfinity);
  on.agree(what + " statistics", {&x, &statistics}, {1e-5, 1e-12, 0, 1e-12 + offset * 1e-16},
           [&](NormalizationKernels& kernels, const Side& at) {
             return kernels.batch_statistics(at(x), padded.padding(), at(statistics));
           });

  const DType of_statistics = chance(0.5) ? DType::F64 : dtype;
  Operand mean(of_statistics, {columns}, Lies::Shifted), variance(of_statistics, {columns}, Lies::Shifted);
  mean.fill([&] { return offset + draw_real(-0.1, 0.1); });
  variance.fill([] { return draw_real(0.1, 1); });
  Maybe weight(chance(0.7), dtype, {columns}), bias(chance(0.7), dtype, {columns});
  on.agree(what, {&x, &mean, &variance, weight.get(x), bias.get(x), &y}, kSums,
           [&](NormalizationKernels& kernels, const Side& at) {
             return kernels.batch_norm(at(x), at(mean), at(variance), weight.in(at), bias.in(at), 1e-5,
                                       padded.padding(), at(y));
           });

  const bool of_batch = chance(0.7);
  Operand dy(dtype, extents, Lies::Shifted);
  Maybe dx(chance(0.8), dtype, extents), dweight(chance(0.7), dtype, {columns}), dbias(chance(0.7), dtype, {columns});
  const double terms = 20 * static_cast<double>(rows + 10);
  on.agree(what + " backward", {&x, &mean, &variance, weight.get(x), &dy, dx.get(x), dweight.get(x), dbias.get(x)},
           {1e-5, 1e-12, 1e-8 * terms, 1e-16 * terms}, [&](NormalizationKernels& kernels, const Side& at) {
             return kernels.batch_norm_backward(at(x), at(mean), at(variance), weight.in(at), 1e-5, of_batch,
                                                padded.real, padded.padding(), at(dy), dx.in(at), dweight.in(at),
                                                dbias.in(at));
           });
}

void test_batch_norm(Kernels& on) {
  for (int round = 0; round < 100; ++round)
    batch_case(on, kFloating[round % 2], draw(1, one_of<int64_t>({3, 30})), draw(1, one_of<int64_t>({3, 70, 300})),
               one_of<double>({0, 0, 50}));
  for (const DType dtype : kFloating) {
    batch_case(on, dtype, 5000, 2, 0);
    batch_case(on, dtype, 4, 5000, 1000);
    batch_case(on, dtype, 30, 50, 1e6);  // squares must not lose their digits
  }
  batch_case(on, DType::F32, 1, 140'000, 0);  // more columns than threads
}

void test_running_statistics(Kernels& on) {
  for (const DType dtype : kFloating) {
    Operand statistics(DType::F64, {2, 300}, Lies::Shifted), mean(dtype, {300}, Lies::Shifted),
        variance(dtype, {300}, Lies::Shifted);
    const auto call = [&](NormalizationKernels& kernels, const Side& at) {
      return kernels.update_running_statistics(at(statistics), 7, 0.3, at(mean), at(variance));
    };
    on.agree("update_running_statistics", {&statistics, &mean, &variance}, kSums, call);
    for (Operand* operand : {&statistics, &mean, &variance}) operand->to_device(on.device);
    DeviceFault fault;
    fault.code = DeviceFault::kIndex;
    on.device.upload(on.device.context.fault, &fault, sizeof fault);
    require(call(on.cuda, Side{true}), "update_running_statistics after a fault");
    const bool kept = mean.difference(mean.from_device(on.device), 0, 0).empty() &&
                      variance.difference(variance.from_device(on.device), 0, 0).empty();
    require(kept, "update_running_statistics after a fault has changed the statistics");
    (void)on.device.take_fault();
  }
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  {
    Kernels on;
    test_softmax(on);
    test_layer_norm(on);
    test_batch_norm(on);
    test_running_statistics(on);
  }
  return finish("cuda_normalization_test");
}
