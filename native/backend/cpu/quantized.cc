#include <algorithm>
#include <cmath>
#include <limits>

#include "backend/carver.h"
#include "backend/cpu/backend.h"
#include "backend/cpu/denormals.h"
#include "backend/cpu/quantized/layout.h"
#include "backend/cpu/stopping.h"
#include "backend/cpu/team.h"

// This file is compiled once per instruction set: foreach_target.h includes it again with another HWY_TARGET each time.
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "backend/cpu/quantized.cc"
#include "hwy/foreach_target.h"
//
#include "backend/cpu/quantized/rows-inl.h"
#include "backend/cpu/quantized/tiles-inl.h"
#include "hwy/highway.h"

// The same for all instruction sets.
#ifndef STM_QUANTIZED_ONCE
#define STM_QUANTIZED_ONCE
namespace stm {
namespace {

constexpr int64_t kBlockRows = 96;    // of x, which stay in the L2 cache while they meet all panels
constexpr int64_t kWork = 65'536;     // multiplications that are worth a thread
constexpr int64_t kNumbers = 16'384;  // to be rounded that are worth a thread

struct LinearCall {
  const float* x;
  int64_t rows, in, out;
  const int8_t* panels;
  const float *scales, *bias;
  QuantizedRows rounded;
  float* y;
};

}  // namespace
}  // namespace stm
#endif

HWY_BEFORE_NAMESPACE();
namespace stm {
namespace HWY_NAMESPACE {

void PackPanels(const int8_t* weight, int64_t rows, int64_t columns, int8_t* to) {
  const int64_t grain = std::max<int64_t>(1, kNumbers / (kInt8Width * columns));
  parallel_for(CeilDiv(rows, kInt8Width), grain, [&](int64_t begin, int64_t end) {
    for (int64_t panel = begin; panel < end; ++panel) PackPlainInt8(weight, rows, columns, panel, to);
  });
}

void MultiplyRows(const LinearCall& c) {
  if (c.rows == 0 || c.out == 0) return;
  parallel_for(c.rows, std::max<int64_t>(1, kNumbers / c.in), [&](int64_t begin, int64_t end) {
    QuantizeRows(c.x + begin * c.in, c.in, c.in, end - begin, c.rounded.from(begin));
  });
  const int64_t panels = CeilDiv(c.out, kInt8Width), blocks = CeilDiv(c.rows, kBlockRows);
  const int64_t work = std::min(c.rows, kBlockRows) * kInt8Width * c.in;
  parallel_for(blocks * panels, std::max<int64_t>(1, kWork / work), [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = i / panels * kBlockRows;
      MulPlainInt8(c.rounded.from(row), std::min(kBlockRows, c.rows - row), c.in, c.panels, i % panels, c.scales,
                   c.bias, c.out, c.y + row * c.out, c.out);
    }
  });
}

}  // namespace HWY_NAMESPACE
}  // namespace stm
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace stm {
HWY_EXPORT(PackPanels);
HWY_EXPORT(MultiplyRows);

namespace {

// As QuantizeRow of the rows that are multiplied.
void quantize_row(const float* w, int64_t count, int8_t* q, float* scale) {
  float largest = 0, not_finite = 0;
  for (int64_t i = 0; i < count; ++i) {
    largest = std::max(largest, std::fabs(w[i]));
    not_finite += w[i] - w[i];
  }
  const bool finite = not_finite == 0;
  const float factor = finite && largest >= kLeastScaled ? 127.0f / largest : 0.0f;
  for (int64_t i = 0; i < count; ++i) q[i] = finite ? static_cast<int8_t>(std::nearbyint(w[i] * factor)) : int8_t{0};
  *scale = largest >= kLeastScaled ? largest / 127.0f : 0.0f;
  if (!finite) *scale = std::numeric_limits<float>::quiet_NaN();
}

class CpuQuantized final : public QuantizedKernels {
 public:
  Status quantize(const View& weight, const View& quantized, const View& scales) noexcept override {
    const int64_t rows = weight.extent[0], columns = weight.extent[1];
    return guarded_until_stopped([&] {
      const int64_t grain = std::max<int64_t>(1, kNumbers / std::max<int64_t>(1, columns));
      parallel_for(rows, grain, [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row)
          quantize_row(weight.as<const float>() + row * columns, columns, quantized.as<int8_t>() + row * columns,
                       scales.as<float>() + row);
      });
      return Status::ok();
    });
  }

  size_t packed_bytes(int64_t rows, int64_t columns) const noexcept override {
    return static_cast<size_t>(plain_panel_bytes(rows, columns));
  }

  Status pack(const View& weight, void* packed) noexcept override {
    return guarded_until_stopped([&] {
      HWY_DYNAMIC_DISPATCH(PackPanels)
      (weight.as<const int8_t>(), weight.extent[0], weight.extent[1], static_cast<int8_t*>(packed));
      return Status::ok();
    });
  }

  size_t scratch_bytes(int64_t rows, int64_t in) const noexcept override {
    QuantizedRows none;
    return carve(nullptr, rows, in, &none);
  }

  Status linear(const View& x, const void* packed, const View& scales, const View& bias, void* scratch,
                const View& out) noexcept override {
    return guarded_until_stopped([&] {
      const FlushDenormals flush;
      LinearCall call{x.as<const float>(),
                      x.extent[0],
                      x.extent[1],
                      out.extent[1],
                      static_cast<const int8_t*>(packed),
                      scales.as<const float>(),
                      bias.as<const float>(),
                      {},
                      out.as<float>()};
      carve(scratch, call.rows, call.in, &call.rounded);
      HWY_DYNAMIC_DISPATCH(MultiplyRows)(call);
      return Status::ok();
    });
  }

 private:
  static size_t carve(void* scratch, int64_t rows, int64_t in, QuantizedRows* to) {
    Carver<64> carver(scratch);
    to->stride = quantized_stride(in);
    to->values = static_cast<int16_t*>(carver.take(static_cast<size_t>(rows * to->stride) * sizeof(int16_t)));
    to->scales = carver.floats(rows);
    return carver.bytes();
  }
};

}  // namespace

QuantizedKernels& cpu_quantized() noexcept {
  static CpuQuantized kernels;
  return kernels;
}

}  // namespace stm
#endif
