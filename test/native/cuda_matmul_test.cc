// matmul and linear on the stand-in, against the CPU's: every way in which operands may lie, broadcast and empty axes,
// both dtypes, each mode of computing. usage: cuda_matmul_test [seed]
#include "backend/cuda/matmul.h"

#include <numeric>

#include "cuda-standin/control.h"
#include "cuda_libraries.h"

namespace stm::cuda::test {
namespace {

// Sums of up to 40 products that may cancel.
constexpr Tolerance kProducts{1e-5, 1e-12, 1e-4, 1e-12};

/// The same change to both views of an operand.
template <class F>
void change(Operand& operand, F f) {
  f(operand.host);
  f(operand.device);
}

/// A stack of [rows, columns] that BLAS can read: dense rows or columns, sometimes with gaps between them; some leading
/// axes broadcast or turned around.
std::unique_ptr<Operand> matrices(DType dtype, const std::vector<int64_t>& leading, int64_t rows, int64_t columns) {
  const bool turned = chance(0.5);
  const int64_t gap = chance(0.3) ? draw(1, 3) : 0;
  std::vector<int64_t> extents = leading;
  for (int64_t& extent : extents)
    if (chance(0.3)) extent = std::min<int64_t>(extent, 1);
  const bool swapped = leading.size() == 2 && chance(0.3);
  if (swapped) std::swap(extents[0], extents[1]);
  extents.push_back(turned ? columns : rows);
  extents.push_back((turned ? rows : columns) + gap);
  auto operand = std::make_unique<Operand>(dtype, extents, Lies::Dense);
  change(*operand, [&](View& view) {
    const int last = view.rank - 1;
    view.extent[last] -= gap;
    if (turned) {
      std::swap(view.extent[last], view.extent[last - 1]);
      std::swap(view.stride[last], view.stride[last - 1]);
    }
    if (swapped) {
      std::swap(view.extent[0], view.extent[1]);
      std::swap(view.stride[0], view.stride[1]);
    }
    for (size_t i = 0; i < leading.size(); ++i) {
      if (view.extent[i] == leading[i]) continue;
      view.extent[i] = leading[i];
      view.stride[i] = 0;
    }
  });
  return operand;
}

void check_matmul(Device& device, MatmulKernels& cuda, DType dtype) {
  const std::vector<int64_t> leading = random_extents(static_cast<int>(draw(0, 4)), 4);
  const auto extent = [] { return chance(0.05) ? 0 : chance(0.2) ? 1 : draw(2, 40); };
  const int64_t m = extent(), k = extent(), n = extent();
  const auto a = matrices(dtype, leading, m, k), b = matrices(dtype, leading, k, n);
  std::vector<int64_t> shape = leading;
  shape.push_back(m);
  shape.push_back(n);
  Operand out(dtype, shape, Lies::Dense);
  agree(device, cpu_backend().matmul(), cuda, "matmul " + a->shape() + " " + b->shape(), {a.get(), b.get(), &out},
        kProducts,
        [&](MatmulKernels& kernels, const Side& at) { return kernels.matmul(MathMode::Fma, at(*a), at(*b), at(out)); });
}

/// Elements in one row, of which some lie before and behind a dense array of those extents.
struct Placed {
  Placed(DType dtype, const std::vector<int64_t>& extents, int64_t before)
      : extents(extents),
        before(before),
        operand(dtype, {before + std::accumulate(extents.begin(), extents.end(), int64_t{1}, std::multiplies<>()) + 2},
                Lies::Dense) {}
  View at(const Side& side) const {
    View view = side(operand);
    view.data = static_cast<char*>(view.data) + static_cast<size_t>(before) * size_of(view.dtype);
    view.rank = static_cast<int32_t>(extents.size());
    int64_t step = 1;
    for (int axis = view.rank; axis-- > 0; step *= view.extent[axis])
      view.extent[axis] = extents[static_cast<size_t>(axis)], view.stride[axis] = step;
    return view;
  }
  std::vector<int64_t> extents;
  int64_t before;
  Operand operand;
};

void check_linear(Device& device, MatmulKernels& cuda, DType dtype, int64_t rows, int64_t in, int64_t width,
                  bool biased) {
  const auto place = [&](const std::vector<int64_t>& extents) {
    return std::make_unique<Placed>(dtype, extents, chance(0.7) ? 0 : draw(1, 5));
  };
  const auto x = place({rows, in}), weight = place({width, in}), bias = place({width}), out = place({rows, width});
  const std::string what = "linear [" + std::to_string(rows) + ", " + std::to_string(in) + "] to " +
                           std::to_string(width) + (biased ? " with bias" : "");
  agree(device, cpu_backend().matmul(), cuda, what, {&x->operand, &weight->operand, &bias->operand, &out->operand},
        kProducts, [&](MatmulKernels& kernels, const Side& side) {
          return kernels.linear(MathMode::Fma, x->at(side), weight->at(side), biased ? bias->at(side) : View{},
                                out->at(side));
        });
}

void check_linears(Device& device, MatmulKernels& cuda) {
  const auto extent = [] { return chance(0.08) ? 0 : chance(0.2) ? 1 : draw(2, 70); };
  for (const DType dtype : {DType::F32, DType::F64})
    for (int i = 0; i < 150; ++i)
      check_linear(device, cuda, dtype, chance(0.1) ? 9000 : extent(), extent(), extent(), chance(0.7));
}

/// How often a call has launched each of the three since standin_reset_counts().
struct Launches {
  unsigned long long kernels = standin_call_count("cudaLaunchKernel"), products = standin_call_count("cublasGemmEx"),
                     biased = standin_call_count("cublasLtMatmul");
  bool operator==(const Launches&) const = default;
};

/// Of a linear layer.
struct Sizes {
  int64_t rows = 5, in = 12, width = 9;
};

/// x · weightᵀ + bias, and what that launched. Of the arrays the one called `odd` is aligned to its elements alone.
Launches launched(Device& device, MatmulKernels& cuda, DType dtype, const std::string& odd = "", const char* fault = "",
                  Sizes sizes = {}) {
  const auto place = [&](const char* name, const std::vector<int64_t>& extents) {
    return std::make_unique<Placed>(dtype, extents, name == odd ? 1 : 0);
  };
  const auto x = place("x", {sizes.rows, sizes.in}), weight = place("weight", {sizes.width, sizes.in}),
             bias = place("bias", {sizes.width}), out = place("out", {sizes.rows, sizes.width});
  Launches launches;
  agree(device, cpu_backend().matmul(), cuda, "linear with an odd " + odd + " " + fault,
        {&x->operand, &weight->operand, &bias->operand, &out->operand}, kProducts,
        [&](MatmulKernels& kernels, const Side& side) {
          standin_reset_counts();
          require(standin_set_faults(fault), "a fault");
          const Status status =
              kernels.linear(MathMode::Fma, x->at(side), weight->at(side), bias->at(side), out->at(side));
          standin_set_faults("");
          launches = {};
          return status;
        });
  return launches;
}

/// A bias costs no pass of its own, unless cuBLASLt cannot add it.
void check_bias(DeviceWithLibraries& device) {
  constexpr Launches kOne{0, 0, 1}, kTwo{1, 1, 0};
  for (const DType dtype : {DType::F32, DType::F64}) {
    CudaMatmul cuda(device.context);
    for (const char* odd : {"", "x", "weight", "out"})
      require(launched(device, cuda, dtype, odd) == kOne, std::string("a product with a bias, odd: ") + odd);
    require(launched(device, cuda, dtype, "bias") == kTwo,
            "a bias that cuBLASLt could not read takes a pass of its own");
    require(launched(device, cuda, dtype) == kOne, "a product with a bias, again");
    require(standin_call_count("cublasLtMatmulAlgoGetHeuristic") == 0, "a known problem asks no heuristic");

    for (const Sizes& thin : {Sizes{1, 12, 9}, Sizes{5, 1, 9}, Sizes{5, 12, 1}}) {
      require(launched(device, cuda, dtype, "", "", thin) == kTwo, "a single row or column takes two passes");
      require(standin_call_count("cublasLtMatmulAlgoGetHeuristic") == 0, "and is kept away from cuBLASLt");
    }
    for (const std::string code : {"15", "7", "13", "14"}) {
      CudaMatmul without(device.context);
      const std::string heuristic = "cublasLtMatmulAlgoGetHeuristic:1=" + code, product = "cublasLtMatmul:1=" + code;
      require(launched(device, without, dtype, "", heuristic.c_str()) == kTwo,
              "a problem without a kernel takes two passes, " + code);
      require(launched(device, without, dtype) == kTwo, "and is not asked about again");
      CudaMatmul late(device.context);
      require(launched(device, late, dtype, "", product.c_str()) == Launches{1, 1, 1},
              "a kernel that fails as it runs is replaced by two passes, " + code);
      require(launched(device, late, dtype) == kTwo, "and is not tried again");
    }
    CudaMatmul undescribed(device.context);
    require(launched(device, undescribed, dtype, "", "cublasLtMatrixLayoutCreate:2=7") == kTwo,
            "what cannot be described takes two passes");
  }
  DeviceWithLibraries old;
  old.leave_cublaslt_out();
  CudaMatmul cuda(old.context);
  require(launched(old, cuda, DType::F32) == kTwo, "without cuBLASLt a bias takes a pass of its own");
}

/// The modes round the operands as far as they may, beside products of the CPU that round none; f64 is not touched.
void check_modes(Device& device, MatmulKernels& cuda) {
  const struct {
    MathMode math;
    const char* name;
    double least, most;  // of the error relative to |a| · |b|
  } modes[] = {{MathMode::Fma, "fma", 0, 1e-6},
               {MathMode::Tf32, "tf32", 1e-5, 1e-3},
               {MathMode::F16, "f16", 1e-5, 1e-3},
               {MathMode::Bf16, "bf16", 2e-4, 8e-3}};
  for (const DType dtype : {DType::F32, DType::F64}) {
    for (const auto& mode : modes) {
      Operand a(dtype, {3, 17, 30}, Lies::Dense), b(dtype, {3, 30, 19}, Lies::Dense),
          out(dtype, {3, 17, 19}, Lies::Dense);
      for (Operand* operand : {&a, &b, &out}) operand->to_device(device);
      require(cpu_backend().matmul().matmul(MathMode::Fma, a.host, b.host, out.host), mode.name);
      require(cuda.matmul(mode.math, a.device, b.device, out.device), mode.name);
      std::vector<char> bytes(static_cast<size_t>(out.size()) * size_of(dtype));
      device.download(bytes.data(), out.device.data, bytes.size());
      double worst = 0;
      for (int64_t i = 0; i < out.size(); ++i) {
        const double got = dtype == DType::F64 ? reinterpret_cast<double*>(bytes.data())[i]
                                               : static_cast<double>(reinterpret_cast<float*>(bytes.data())[i]);
        worst = std::max(worst, std::abs(got - out.at(i)) / (30 * 1.5 * 1.5));
      }
      const double least = dtype == DType::F64 ? 0 : mode.least, most = dtype == DType::F64 ? 1e-14 : mode.most;
      if (!(worst >= least && worst <= most))
        fail(std::string(mode.name) + ": relative error " + std::to_string(worst));
    }
  }
}

/// A stack is one call where its strides allow it.
void check_calls(Device& device, MatmulKernels& cuda) {
  Operand a(DType::F32, {2, 5, 3, 4}, Lies::Dense), b(DType::F32, {1, 1, 4, 6}, Lies::Dense),
      out(DType::F32, {2, 5, 3, 6}, Lies::Dense);
  change(b, [](View& view) {
    view.extent[0] = 2, view.extent[1] = 5;
    view.stride[0] = view.stride[1] = 0;
  });
  standin_reset_counts();
  require(cuda.matmul(MathMode::Fma, a.device, b.device, out.device), "a stack with a shared operand");
  require(standin_call_count("cublasGemmStridedBatchedEx") == 1 && standin_call_count("cublasGemmEx") == 0,
          "a stack with a shared operand takes one call");
  device.wait();
}

void check_refusals(MatmulKernels& cuda) {
  View a, b, out;
  a.rank = b.rank = out.rank = 2;
  a.extent[0] = 2, a.extent[1] = int64_t{1} << 31, b.extent[0] = a.extent[1], b.extent[1] = 1, out.extent[0] = 2,
  out.extent[1] = 1;
  a.stride[0] = a.extent[1], a.stride[1] = b.stride[0] = b.stride[1] = out.stride[0] = out.stride[1] = 1;
  const Status status = cuda.matmul(MathMode::Fma, a, b, out);
  require(status.kind == StatusKind::Unsupported && says(status, "2147483648"),
          "an axis beyond int: " + text_of(status));
}

/// A call that fails is reported by name.
void check_failures(Device& device, MatmulKernels& cuda) {
  Operand a(DType::F32, {3, 4}, Lies::Dense), b(DType::F32, {4, 6}, Lies::Dense), out(DType::F32, {3, 6}, Lies::Dense);
  require(standin_set_faults("cublasGemmEx:1=14"), "a fault");
  standin_reset_counts();
  const Status status = cuda.matmul(MathMode::Fma, a.device, b.device, out.device);
  require(!status.is_ok() && says(status, "cublasGemmEx"), "a failing cublasGemmEx: " + text_of(status));
  Operand weight(DType::F32, {6, 4}, Lies::Dense), bias(DType::F32, {6}, Lies::Dense);
  for (const std::string name : {"cublasLtMatmulAlgoGetHeuristic", "cublasLtMatmul"}) {  // two passes want memory too
    require(standin_set_faults((name + ":1=3").c_str()), "a fault");
    standin_reset_counts();
    const Status failed = cuda.linear(MathMode::Fma, a.device, weight.device, bias.device, out.device);
    require(failed.kind == StatusKind::OutOfMemory && says(failed, name + " failed"),
            "a failing " + name + ": " + text_of(failed));
  }
  standin_set_faults("");
  device.wait();
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm;
  using namespace stm::cuda::test;
  begin(argc, argv);
  DeviceWithLibraries device;
  stm::cuda::CudaMatmul cuda(device.context);
  for (const DType dtype : {DType::F32, DType::F64}) {
    for (int i = 0; i < 300; ++i) check_matmul(device, cuda, dtype);
  }
  check_linears(device, cuda);
  check_bias(device);
  check_modes(device, cuda);
  check_calls(device, cuda);
  check_refusals(cuda);
  check_failures(device, cuda);
  return finish("cuda_matmul_test");
}
