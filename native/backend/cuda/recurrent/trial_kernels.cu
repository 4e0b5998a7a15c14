#include "backend/cuda/recurrent/trial_kernels.h"

#include "backend/cuda/kernel/launch.h"

namespace stm::cuda {
namespace {

template <class T>
struct Fill {
  T* data;
  double scale;
  uint32_t seed;
  STM_DEVICE void operator()(int64_t i) const {
    uint32_t x = static_cast<uint32_t>(i) * 0x9E3779B9u + seed;  // a hash whose bits look independent
    x = (x ^ (x >> 16)) * 0x7FEB352Du;
    x = (x ^ (x >> 15)) * 0x846CA68Bu;
    x ^= x >> 16;
    data[i] = static_cast<T>(scale * (x / 2147483648.0 - 1));
  }
};

template <class T>
struct Compare {
  const T *a, *b;
  int64_t count;
  double* out;
  STM_DEVICE void operator()(Block& block, int64_t part) const {
    const int64_t begin = count * part / kComparisons, size = count * (part + 1) / kComparisons - begin;
    const T *const x = a + begin, *const y = b + begin;
    const double apart = block.largest(
        size, 0.0, [&](int64_t i) { return std::abs(static_cast<double>(x[i]) - static_cast<double>(y[i])); });
    const double largest = block.largest(size, 0.0, [&](int64_t i) { return std::abs(static_cast<double>(y[i])); });
    block.once([&] {
      out[2 * part] = apart;
      out[2 * part + 1] = largest;
    });
  }
};

}  // namespace

Status fill_for_trial(Context& context, DType dtype, void* data, int64_t count, double scale, uint32_t seed) {
  if (dtype == DType::F64)
    return launch_each(context, "recurrent_trial_fill", count, Fill<double>{static_cast<double*>(data), scale, seed});
  return launch_each(context, "recurrent_trial_fill", count, Fill<float>{static_cast<float*>(data), scale, seed});
}

Status compare_trials(Context& context, DType dtype, const void* a, const void* b, int64_t count, double* out) {
  const int64_t width = count / kComparisons;
  if (dtype == DType::F64) {
    const Compare<double> kernel{static_cast<const double*>(a), static_cast<const double*>(b), count, out};
    return launch_blocks(context, "recurrent_trial_compare", kComparisons, width, kernel);
  }
  const Compare<float> kernel{static_cast<const float*>(a), static_cast<const float*>(b), count, out};
  return launch_blocks(context, "recurrent_trial_compare", kComparisons, width, kernel);
}

}  // namespace stm::cuda
