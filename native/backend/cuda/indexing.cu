#include "backend/cuda/indexing.h"

#include <limits>

#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/kernel/padding.h"
#include "backend/dispatch.h"

namespace stm::cuda {
namespace {

/// Where a kernel that meets a wrong index reports it.
struct Report {
  DeviceFault* fault;
  int32_t op;
  /// Whether `index` is one of 0..bound-1. If not, it is reported.
  STM_DEVICE bool accepts(int64_t index, int64_t bound) const {
    if (index >= 0 && index < bound) return true;
    report_fault(fault, op, {.code = DataFault::kIndex, .value = index, .greatest = bound - 1});
    return false;
  }
};

/// Memory that is copied as it is, in pieces of 1, 4, 8 or 16 bytes.
template <int Bytes>
struct Word {
  uint32_t part[Bytes / 4];
};
template <>
struct Word<1> {
  uint8_t part;
};
template <>
struct alignas(8) Word<8> {
  uint32_t part[2];
};
template <>
struct alignas(16) Word<16> {
  uint32_t part[4];
};

/// What stands where an index was wrong: NaN, in types that have it.
template <int Bytes>
Word<Bytes> poison(DType dtype) {
  Word<Bytes> word{};
  if constexpr (Bytes >= 4) {
    for (int i = 0; i < Bytes / 4; ++i)
      word.part[i] = dtype == DType::F32                 ? 0x7FC00000u
                     : dtype == DType::F64 && i % 2 == 1 ? 0x7FF80000u
                                                         : 0u;  // the lower half comes first
  }
  return word;
}

/// Calls `f(Word<Bytes>)` for elements of `bytes` bytes.
template <class F>
Status dispatch_words(size_t bytes, F f) {
  return bytes == 1 ? f(Word<1>{}) : bytes == 4 ? f(Word<4>{}) : f(Word<8>{});
}

template <class W>
struct GatherRows {
  const W* table;
  const int32_t* indices;
  W* out;
  int64_t width, bound;
  W wrong;
  Report report;
  STM_DEVICE void operator()(int64_t at) const {
    const int64_t i = quotient(at, width), j = at - i * width, row = indices[i];
    out[at] = report.accepts(row, bound) ? table[row * width + j] : wrong;
  }
};

template <class T>
struct WholeNumbers {
  const T* x;
  int32_t* out;
  T bound;
  DevicePadding items;
  Report report;
  STM_DEVICE void operator()(int64_t at) const {
    out[at] = 0;
    if (!items.is_real(at)) return;
    const T value = x[at];
    // The cast is defined only within the bound, and NaN is not within it.
    if (value >= -bound && value <= bound && static_cast<T>(static_cast<int32_t>(value)) == value) {
      out[at] = static_cast<int32_t>(value);
      return;
    }
    out[at] = std::numeric_limits<int32_t>::min();  // no label and no index, so that what is computed from it is NaN
    report_fault(report.fault, report.op,
                 {.code = DataFault::kNotWhole,
                  .place = at,
                  .greatest = static_cast<int64_t>(bound),
                  .number = static_cast<double>(value)});
  }
};

struct OneHot {
  const int32_t* indices;
  float* out;
  int64_t classes;
  float wrong;
  Report report;
  STM_DEVICE void operator()(int64_t at) const {
    const int64_t i = quotient(at, classes), place = indices[i];
    out[at] = !report.accepts(place, classes) ? wrong : at - i * classes == place ? 1.0f : 0.0f;
  }
};

template <class W>
struct Gather {
  const W* x;
  const int32_t* index;
  W* out;
  int64_t steps, taken, width;  ///< T, J, B
  W wrong;
  Report report;
  STM_DEVICE void operator()(int64_t at) const {
    const int64_t row = quotient(at, width), a = quotient(row, taken), step = index[at];
    out[at] = report.accepts(step, steps) ? x[(a * steps + step) * width + at - row * width] : wrong;
  }
};

template <class W>
struct Unfold {
  const W* x;
  W* out;
  int64_t steps, windows, width, size, stride, dilation;
  STM_DEVICE void operator()(int64_t at) const {
    const int64_t column = quotient(at, size), i = at - column * size;
    const int64_t row = quotient(column, width), b = column - row * width;
    const int64_t a = quotient(row, windows), w = row - a * windows;
    out[at] = x[(a * steps + w * stride + i * dilation) * width + b];
  }
};

/// An element of the sum looks for the windows that it was in, in order.
template <class T>
struct FoldWindows {
  const T* windows;
  T* out;
  int64_t steps, count, width, size, stride, dilation;
  STM_DEVICE void operator()(int64_t at) const {
    const int64_t row = quotient(at, width), b = at - row * width;
    const int64_t a = quotient(row, steps), step = row - a * steps;
    const int64_t before = step - (size - 1) * dilation, last = quotient(step, stride);
    T sum = 0;
    for (int64_t w = before > 0 ? quotient(before + stride - 1, stride) : 0; w <= last && w < count; ++w) {
      const int64_t reach = step - w * stride, i = quotient(reach, dilation);
      if (i * dilation == reach) sum += windows[((a * count + w) * width + b) * size + i];
    }
    out[at] = sum;
  }
};

bool fits_words(const View& view, size_t row_bytes) {
  return row_bytes % 16 == 0 && reinterpret_cast<uintptr_t>(view.data) % 16 == 0;
}

}  // namespace

Status CudaIndexing::gather_rows(const View& table, const View& indices, const View& out) noexcept {
  const size_t bytes = static_cast<size_t>(table.extent[1]) * size_of(table.dtype);
  const auto launch = [&](auto zero) {
    using W = decltype(zero);
    const int64_t width = static_cast<int64_t>(bytes / sizeof(W));
    return launch_each(
        context_, "gather_rows", indices.size() * width,
        GatherRows<W>{table.as<const W>(), indices.as<const int32_t>(), out.as<W>(), width, table.extent[0],
                      poison<sizeof(W)>(table.dtype), Report{context_.fault, context_.op}});
  };
  return fits_words(table, bytes) && fits_words(out, bytes) ? launch(Word<16>{})
                                                            : dispatch_words(size_of(table.dtype), launch);
}

Status CudaIndexing::whole_numbers(const View& x, const Padding& items, const View& out) noexcept {
  DevicePadding real;
  STM_TRY(send_padding(context_, items, x.size(), &real));
  return dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    return launch_each(context_, "whole_numbers", x.size(),
                       WholeNumbers<T>{x.as<const T>(), out.as<int32_t>(), static_cast<T>(exact_bound(x.dtype)), real,
                                       Report{context_.fault, context_.op}});
  });
}

Status CudaIndexing::one_hot(const View& indices, const View& out) noexcept {
  return launch_each(context_, "one_hot", out.size(),
                     OneHot{indices.as<const int32_t>(), out.as<float>(), out.extent[1],
                            std::numeric_limits<float>::quiet_NaN(), Report{context_.fault, context_.op}});
}

Status CudaIndexing::gather(const View& x, const View& index, const View& out) noexcept {
  return dispatch_words(size_of(x.dtype), [&](auto zero) {
    using W = decltype(zero);
    return launch_each(context_, "gather", index.size(),
                       Gather<W>{x.as<const W>(), index.as<const int32_t>(), out.as<W>(), x.extent[1], index.extent[1],
                                 x.extent[2], poison<sizeof(W)>(x.dtype), Report{context_.fault, context_.op}});
  });
}

Status CudaIndexing::unfold(const View& x, int64_t stride, int64_t dilation, const View& out) noexcept {
  return dispatch_words(size_of(x.dtype), [&](auto zero) {
    using W = decltype(zero);
    return launch_each(context_, "unfold", out.size(),
                       Unfold<W>{x.as<const W>(), out.as<W>(), x.extent[1], out.extent[1], x.extent[2], out.extent[3],
                                 stride, dilation});
  });
}

Status CudaIndexing::fold(const View& windows, int64_t stride, int64_t dilation, const View& out) noexcept {
  return dispatch_floating(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    return launch_each(context_, "fold", out.size(),
                       FoldWindows<T>{windows.as<const T>(), out.as<T>(), out.extent[1], windows.extent[1],
                                      out.extent[2], windows.extent[3], stride, dilation});
  });
}

}  // namespace stm::cuda
