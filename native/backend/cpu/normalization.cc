#include "backend/cpu/backend.h"
#include "backend/cpu/stopping.h"
#include "backend/dispatch.h"
#include "backend/cpu/normalization_columns.h"
#include "backend/cpu/normalization_layer.h"
#include "backend/cpu/normalization_rows.h"
#include "backend/cpu/team.h"

namespace stm {
namespace {

constexpr int64_t kGrain = 16'384;  // elements worth a thread
int64_t row_grain(int64_t width) { return std::max<int64_t>(1, kGrain / std::max<int64_t>(1, width)); }
int64_t row_count(const View& x) { return x.size() / std::max<int64_t>(1, x.last()); }

/// First element of row `row` (all axes but the last) of a view with any strides.
const uint8_t* row_of(const View& mask, int64_t row) {
  int64_t offset = 0;
  for (int32_t axis = mask.rank - 2; axis >= 0; --axis) {
    offset += row % mask.extent[axis] * mask.stride[axis];
    row /= mask.extent[axis];
  }
  return mask.as<uint8_t>() + offset;
}

template <class T>
void softmax_row(const T* x, T* y, int64_t n) {
  const T largest = row_max(x, n);
  scale_row(y, static_cast<T>(1 / exp_row(x, largest, y, n)), n);
}

template <class T>
void log_softmax_row(const T* x, T* y, int64_t n) {
  const T largest = row_max(x, n);
  const T log_sum = static_cast<T>(std::log(exp_row(x, largest, static_cast<T*>(nullptr), n)));
  subtract_row(x, largest, log_sum, y, n);
}

template <class T>
void masked_softmax_row(const T* x, const uint8_t* mask, int64_t mask_stride, T* y, int64_t n) {
  bool any = false;
  for (int64_t i = 0; i < n; ++i) {
    const bool visible = mask[i * mask_stride] != 0;
    y[i] = visible ? x[i] : -std::numeric_limits<T>::infinity();
    any = any || visible;
  }
  if (any) {
    softmax_row(y, y, n);
    for (int64_t i = 0; i < n; ++i) y[i] = mask[i * mask_stride] ? y[i] : T(0);  // also where the visible ones gave NaN
  } else {
    std::fill(y, y + n, T(0));
  }
}

class CpuNormalization final : public NormalizationKernels {
 public:
  Status softmax(const View& x, const View& mask, bool logarithm, const View& y) noexcept override {
    return dispatch_floating(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      const int64_t n = x.last();
      parallel_for(row_count(x), row_grain(n), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const T* from = x.as<T>() + row * n;
          T* to = y.as<T>() + row * n;
          if (mask.data) masked_softmax_row(from, row_of(mask, row), mask.rank ? mask.stride[mask.rank - 1] : 1, to, n);
          else if (logarithm) log_softmax_row(from, to, n);
          else softmax_row(from, to, n);
        }
      });
      return Status::ok();
    });
  }

  Status softmax_backward(const View& y, const View& dy, bool logarithm, const View& dx) noexcept override {
    return dispatch_floating(y.dtype, [&](auto zero) {
      using T = decltype(zero);
      const int64_t n = y.last();
      parallel_for(row_count(y), row_grain(n), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const T *value = y.as<T>() + row * n, *grad = dy.as<T>() + row * n;
          T* to = dx.as<T>() + row * n;
          if (logarithm) log_softmax_gradient_row(value, grad, to, n);
          else softmax_gradient_row(value, grad, to, n);
        }
      });
      return Status::ok();
    });
  }

  Status layer_norm(const View& x, const View& weight, const View& bias, int64_t width, double epsilon, const View& y,
                    const View& statistics) noexcept override {
    const LayerNorm norm{x.dtype, x.data, weight.data, bias.data, y.data, statistics.as<double>(), width, epsilon};
    parallel_for(x.size() / width, row_grain(width),
                 [&](int64_t begin, int64_t end) { layer_norm_rows(norm, begin, end); });
    return Status::ok();
  }

  Status layer_norm_backward(const View& x, const View& weight, int64_t width, const View& statistics, const View& dy,
                             const View& dx, const View& dweight, const View& dbias) noexcept override {
    const int64_t rows = x.size() / width;
    const LayerNormGradient norm{x.dtype, x.data,       weight.data, dy.data, statistics.as<double>(),
                                 dx.data, dweight.data, dbias.data,  rows,    width};
    if (norm.dx)
      parallel_for(rows, row_grain(width),
                   [&](int64_t begin, int64_t end) { layer_norm_gradient_rows(norm, begin, end); });
    if (!norm.dweight && !norm.dbias) return Status::ok();
    const auto columns = [&](int64_t begin, int64_t end) { layer_norm_gradient_columns(norm, begin, end); };
    const int64_t blocks = (width + kColumnBlock - 1) / kColumnBlock;
    if (rows * width < 32'768) stoppable([&] { columns(0, blocks); });
    else parallel_for(blocks, 1, columns);
    return Status::ok();
  }

  Status batch_statistics(const View& x, const Padding& rows, const View& statistics) noexcept override {
    return dispatch_floating(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      return cpu_batch_statistics<T>(x, rows, statistics);
    });
  }

  Status update_running_statistics(const View& statistics, int64_t count, double momentum, const View& running_mean,
                                   const View& running_variance) noexcept override {
    return dispatch_floating(running_mean.dtype, [&](auto zero) {
      using T = decltype(zero);
      const int64_t columns = statistics.last();
      const double* stats = statistics.as<double>();
      const double unbias = static_cast<double>(count) / static_cast<double>(count - 1);
      T *mean = running_mean.as<T>(), *variance = running_variance.as<T>();
      for (int64_t c = 0; c < columns; ++c) {
        mean[c] = static_cast<T>((1 - momentum) * mean[c] + momentum * stats[c]);
        variance[c] = static_cast<T>((1 - momentum) * variance[c] + momentum * unbias * stats[columns + c]);
      }
      return Status::ok();
    });
  }

  Status batch_norm(const View& x, const View& mean, const View& variance, const View& weight, const View& bias,
                    double epsilon, const Padding& rows, const View& y) noexcept override {
    return dispatch_floating(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      return cpu_batch_norm<T>(x, BatchScale{mean, variance, epsilon}, weight, bias, rows, y);
    });
  }

  Status batch_norm_backward(const View& x, const View& mean, const View& variance, const View& weight, double epsilon,
                             bool of_batch, int64_t count, const Padding& rows, const View& dy, const View& dx,
                             const View& dweight, const View& dbias) noexcept override {
    return dispatch_floating(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      return cpu_batch_norm_backward<T>(x, BatchScale{mean, variance, epsilon}, weight, of_batch ? count : 0, rows, dy,
                                        BatchGradients{dx, dweight, dbias});
    });
  }
};

}  // namespace

NormalizationKernels& cpu_normalization() noexcept {
  static CpuNormalization kernels;
  return kernels;
}

}  // namespace stm
