#include "backend/cuda/matmul.h"

#include <algorithm>
#include <limits>

#include "backend/guard.h"
#include "backend/cuda/kernel/launch.h"

// cuBLAS reads matrices column by column. Rows of ours are columns of the transpose, so out = a · b is asked for as
// outᵀ = bᵀ · aᵀ, and nothing is moved.

namespace stm::cuda {
namespace {

/// A matrix as BLAS reads it: dense lines `stride` apart, which are rows, or columns if `transposed`.
struct Matrix {
  bool transposed;
  int64_t stride;
  explicit Matrix(const View& view) {
    const int64_t rows = view.extent[view.rank - 2], columns = view.extent[view.rank - 1],
                  down = view.stride[view.rank - 2], across = view.stride[view.rank - 1];
    transposed = !((across == 1 || columns == 1) && (rows == 1 || down >= columns));
    const int64_t lines = transposed ? columns : rows, step = transposed ? across : down,
                  length = transposed ? rows : columns;
    stride = std::max<int64_t>(1, lines > 1 ? step : length);  // a single line has no stride that means anything
  }
};

/// One axis of a stack of products, with its strides in elements.
struct Axis {
  int64_t extent = 1, a = 0, b = 0, out = 0;
};

/// The leading axes, merged where both operands step evenly through two of them. `out` is dense, with `step` elements a
/// matrix.
struct Stack {
  Axis axes[kMaxRank];
  int count = 0;
  Stack(const View& a, const View& b, int64_t step) {
    for (int i = a.rank - 3; i >= 0; --i) {
      const Axis outer{a.extent[i], a.stride[i], b.stride[i], step};
      step *= outer.extent;
      if (outer.extent == 1) continue;
      Axis* const inner = count ? &axes[count - 1] : nullptr;
      if (inner && outer.a == inner->extent * inner->a && outer.b == inner->extent * inner->b)
        inner->extent *= outer.extent;
      else axes[count++] = outer;
    }
  }
  /// Takes the longest axis out, for one call to run over; cuBLAS takes no steps backwards.
  Axis take_longest() {
    Axis* longest = nullptr;
    for (Axis* axis = axes; axis != axes + count; ++axis)
      if (axis->a >= 0 && axis->b >= 0 && (!longest || axis->extent > longest->extent)) longest = axis;
    if (!longest) return {};
    const Axis taken = *longest;
    *longest = axes[--count];
    return taken;
  }
};

/// out = a · b + beta · out for `batch` matrices.
struct Gemm {
  Matrix a, b;
  int64_t m, n, k;
  Axis batch;
  DType dtype;
  MathMode math;
  double beta;

  cublasComputeType_t compute() const {
    if (dtype == DType::F64) return CUBLAS_COMPUTE_64F;
    switch (math) {
      case MathMode::Tf32: return CUBLAS_COMPUTE_32F_FAST_TF32;
      case MathMode::Bf16: return CUBLAS_COMPUTE_32F_FAST_16BF;
      case MathMode::F16: return CUBLAS_COMPUTE_32F_FAST_16F;
      case MathMode::Fma: break;
    }
    return CUBLAS_COMPUTE_32F;
  }

  cudaDataType type() const { return dtype == DType::F64 ? CUDA_R_64F : CUDA_R_32F; }

  Status fits() const {
    const int64_t largest = std::max({m, n, k, a.stride, b.stride, batch.extent});
    if (largest <= std::numeric_limits<int32_t>::max()) return Status::ok();
    return Status::refuse(StatusKind::Unsupported,
                          {"matrices with an axis or a stride of %lld", static_cast<long long>(largest)},
                          "at most 2147483647 on cuda", "multiply in pieces");
  }

  Status run(Context& context, const void* left, const void* right, void* out) const {
    const double one = 1;
    const float one_f = 1, beta_f = static_cast<float>(beta);
    const bool wide = dtype == DType::F64;
    const void* const alpha = wide ? static_cast<const void*>(&one) : &one_f;
    const void* const scale = wide ? static_cast<const void*>(&beta) : &beta_f;
    const cudaDataType type = this->type();
    const auto op = [](const Matrix& matrix) { return matrix.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
    const auto number = [](int64_t value) { return static_cast<int>(value); };
    const Libraries& library = *context.libraries;
    if (batch.extent == 1) {
      STM_TRY(context.check(library.cublasGemmEx(context.cublas, op(b), op(a), number(n), number(m), number(k), alpha,
                                                 right, type, number(b.stride), left, type, number(a.stride), scale,
                                                 out, type, number(n), compute(), CUBLAS_GEMM_DEFAULT),
                            "cublasGemmEx"));
    } else {
      STM_TRY(context.check(library.cublasGemmStridedBatchedEx(
                                context.cublas, op(b), op(a), number(n), number(m), number(k), alpha, right, type,
                                number(b.stride), batch.b, left, type, number(a.stride), batch.a, scale, out, type,
                                number(n), batch.out, number(batch.extent), compute(), CUBLAS_GEMM_DEFAULT),
                            "cublasGemmStridedBatchedEx"));
    }
    return Status::ok();
  }
};

Status require_floating(DType dtype) {
  if (dtype == DType::F32 || dtype == DType::F64) return Status::ok();
  return Status::fail(StatusKind::Unsupported, "the kernel takes f32 and f64 only");
}

const char* shifted(const View& view, int64_t elements) {
  return view.as<const char>() + elements * static_cast<int64_t>(size_of(view.dtype));
}

/// Each row of `out` = bias.
template <class T>
struct SpreadBias {
  const T* bias;
  T* out;
  uint32_t width, rows_each;
  int64_t rows;
  STM_DEVICE void operator()(Block& block, int64_t slab) const {
    const int64_t first = slab * rows_each;
    const uint32_t count = static_cast<uint32_t>(rows - first < rows_each ? rows - first : rows_each) * width;
    T* const to = out + first * width;
    block.each(count, [&](int64_t i) { to[i] = bias[static_cast<uint32_t>(i) % width]; });
  }
};

template <class T>
Status spread_bias(Context& context, const View& bias, const View& out) {
  const int64_t rows = out.extent[0], width = out.extent[1], rows_each = std::max<int64_t>(1, 4096 / width);
  const SpreadBias<T> kernel{bias.as<const T>(), out.as<T>(), static_cast<uint32_t>(width),
                             static_cast<uint32_t>(rows_each), rows};
  return launch_blocks(context, "linear_bias", (rows + rows_each - 1) / rows_each, rows_each * width, kernel);
}

Status clear(Context& context, const View& out) {
  STM_CUDA(context, cudaMemsetAsync(out.data, 0, static_cast<size_t>(out.size()) * size_of(out.dtype), context.stream));
  return Status::ok();
}

}  // namespace

Status CudaMatmul::matmul(MathMode math, const View& a, const View& b, const View& out) noexcept {
  STM_TRY(require_floating(a.dtype));
  const int64_t m = a.extent[a.rank - 2], k = a.extent[a.rank - 1], n = b.extent[b.rank - 1];
  if (out.size() == 0) return Status::ok();
  if (k == 0) return clear(context_, out);
  Stack stack(a, b, m * n);
  const Gemm gemm{Matrix(a), Matrix(b), m, n, k, stack.take_longest(), a.dtype, math, 0};
  STM_TRY(gemm.fits());
  int64_t calls = 1;
  for (int i = 0; i < stack.count; ++i) calls *= stack.axes[i].extent;
  for (int64_t call = 0; call < calls; ++call) {
    Axis at;
    int64_t rest = call;
    for (int i = 0; i < stack.count; ++i) {
      const Axis& axis = stack.axes[i];
      const int64_t index = rest % axis.extent;
      rest /= axis.extent;
      at.a += index * axis.a, at.b += index * axis.b, at.out += index * axis.out;
    }
    STM_TRY(gemm.run(context_, shifted(a, at.a), shifted(b, at.b), const_cast<char*>(shifted(out, at.out))));
  }
  return Status::ok();
}

Status CudaMatmul::linear(MathMode math, const View& x, const View& weight, const View& bias,
                          const View& out) noexcept {
  STM_TRY(require_floating(x.dtype));
  const int64_t rows = x.extent[0], in = x.extent[1], width = weight.extent[0];
  if (rows == 0 || width == 0) return Status::ok();
  View turned = weight;
  std::swap(turned.extent[0], turned.extent[1]);
  std::swap(turned.stride[0], turned.stride[1]);
  const Gemm gemm{Matrix(x), Matrix(turned), rows, width, in, Axis{}, x.dtype, math, bias.data ? 1.0 : 0.0};
  STM_TRY(gemm.fits());
  if (bias.data && in > 0) {
    const BiasedProduct product{.trans_a = gemm.b.transposed,
                                .trans_b = gemm.a.transposed,
                                .m = width,
                                .n = rows,
                                .k = in,
                                .lda = gemm.b.stride,
                                .ldb = gemm.a.stride,
                                .type = gemm.type(),
                                .compute = gemm.compute(),
                                .a = weight.data,
                                .b = x.data,
                                .bias = bias.data,
                                .out = out.data};
    bool launched = false;
    STM_TRY(guarded([&] { return biased_.run(product, &launched); }));
    if (launched) return Status::ok();
  }
  if (bias.data)
    STM_TRY(x.dtype == DType::F64 ? spread_bias<double>(context_, bias, out) : spread_bias<float>(context_, bias, out));
  else if (in == 0) return clear(context_, out);
  return in == 0 ? Status::ok() : gemm.run(context_, x.data, weight.data, out.data);
}

}  // namespace stm::cuda
