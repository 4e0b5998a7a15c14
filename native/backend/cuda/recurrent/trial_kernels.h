#pragma once
#include "backend/cuda/device/context.h"
#include "backend/view.h"

namespace stm::cuda {

/// Fills with numbers between -scale and scale that look random.
Status fill_for_trial(Context& context, DType dtype, void* data, int64_t count, double scale, uint32_t seed);

/// For each of kComparisons parts of two arrays, two numbers in `out`: the largest |a - b| and the largest |b|; NaN if
/// there is one.
constexpr int64_t kComparisons = 256;
Status compare_trials(Context& context, DType dtype, const void* a, const void* b, int64_t count, double* out);

}  // namespace stm::cuda
