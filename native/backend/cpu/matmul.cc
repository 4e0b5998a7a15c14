#include <algorithm>

#include "backend/cpu/backend.h"
#include "backend/cpu/gemm.h"
#include "backend/cpu/stopping.h"
#include "backend/dispatch.h"
#include "backend/cpu/team.h"

namespace stm {
namespace {

/// A matrix as BLAS reads it: rows `stride` apart, transposed if its columns are the dense ones.
struct Matrix {
  bool transposed;
  int64_t stride;
  explicit Matrix(const View& view) {
    const int64_t rows = view.extent[view.rank - 2], columns = view.extent[view.rank - 1],
                  down = view.stride[view.rank - 2], across = view.stride[view.rank - 1];
    const bool by_rows = (across == 1 || columns == 1) && (rows == 1 || down >= columns);
    transposed = !by_rows;
    const int64_t lines = transposed ? columns : rows, step = transposed ? across : down,
                  length = transposed ? rows : columns;
    stride = std::max<int64_t>(1, lines > 1 ? step : length);  // a single line has no stride that means anything
  }
};

/// Offset in elements of the matrix with this number, counted over the leading axes.
int64_t matrix_offset(const View& view, int64_t index) {
  int64_t sum = 0;
  for (int axis = view.rank - 3; axis >= 0; --axis) {
    sum += index % view.extent[axis] * view.stride[axis];
    index /= view.extent[axis];
  }
  return sum;
}

/// What each matrix begins after the one before it, or -1 if that differs.
int64_t batch_stride(const View& view) {
  int64_t step = 0, covered = 1;
  for (int axis = view.rank - 3; axis >= 0; --axis) {
    if (view.extent[axis] == 1) continue;
    if (covered == 1) step = view.stride[axis];
    else if (view.stride[axis] != step * covered) return -1;
    covered *= view.extent[axis];
  }
  return step;
}

template <class T>
void multiply(MathMode mode, const View& a, const View& b, const View& out) {
  const int64_t m = a.extent[a.rank - 2], k = a.extent[a.rank - 1], n = b.extent[b.rank - 1],
                count = m > 0 && n > 0 ? out.size() / (m * n) : 0;
  if (count == 0) return;
  const Matrix left(a), right(b);
  const auto product = [&](int64_t i) {
    return Product<T>{left.transposed,
                      right.transposed,
                      m,
                      n,
                      k,
                      a.as<T>() + matrix_offset(a, i),
                      left.stride,
                      b.as<T>() + matrix_offset(b, i),
                      right.stride,
                      false,
                      out.as<T>() + i * m * n,
                      n,
                      mode == MathMode::Bf16};
  };
  if (count == 1) {
    gemm_parallel(product(0));
    return;
  }
  const int64_t step_a = batch_stride(a), step_b = batch_stride(b);
  if (step_a >= 0 && step_b >= 0) return gemm_batched(count, product(0), step_a, step_b, m * n);
  constexpr int64_t kWork = 65'536;  // multiplications that are worth a thread
  parallel_for(count, std::max<int64_t>(1, kWork / std::max<int64_t>(1, m * n * k)), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) gemm_serial(product(i));
  });
}

class CpuMatmul final : public MatmulKernels {
 public:
  Status matmul(MathMode mode, const View& a, const View& b, const View& out) noexcept override {
    const FlushDenormals flush;
    return dispatch_floating(a.dtype, [&](auto zero) {
      using T = decltype(zero);
      if (a.extent[a.rank - 1] == 0) std::fill_n(out.as<T>(), out.size(), T(0));
      else multiply<T>(mode, a, b, out);
      return Status::ok();
    });
  }

  Status linear(MathMode mode, const View& x, const View& weight, const View& bias, const View& out) noexcept override {
    const FlushDenormals flush;
    return dispatch_floating(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      const int64_t rows = x.extent[0], in = x.extent[1], width = weight.extent[0];
      gemm_parallel(Product<T>{false, true, rows, width, in, x.as<const T>(), in, weight.as<const T>(), in, false,
                               out.as<T>(), width, mode == MathMode::Bf16, bias.as<const T>()});
      return Status::ok();
    });
  }
};

}  // namespace

MatmulKernels& cpu_matmul() noexcept {
  static CpuMatmul kernels;
  return kernels;
}

}  // namespace stm
