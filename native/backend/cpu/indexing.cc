#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <new>
#include <numeric>

#include "backend/cpu/backend.h"
#include "backend/cpu/stopping.h"
#include "backend/dispatch.h"
#include "backend/cpu/losses.h"
#include "backend/cpu/team.h"

namespace stm {
namespace {

constexpr int64_t kWork = 16'384;            // elements that are worth a thread
constexpr int64_t kLong = int64_t{1} << 18;  // elements between two stop points

int64_t grain_of(int64_t elements) { return std::max<int64_t>(1, kWork / std::max<int64_t>(1, elements)); }

Status check_indices(const View& indices, int64_t bound) {
  const int32_t* values = indices.as<const int32_t>();
  const int64_t n = indices.size();
  const int32_t* bad = values + n;
  bool all = false;
  stoppable([&] {
    in_blocks(0, n, kLong, [&](int64_t begin, int64_t end) {
      const auto found =
          std::find_if(values + begin, values + end, [bound](int32_t index) { return index < 0 || index >= bound; });
      if (found != values + end) bad = std::min(bad, found);
    });
    all = true;
  });
  if (!all)
    return Status::fail(
        StatusKind::Internal,
        "stopped");  // what was not looked at must not be used: small kernels have no stop point of their own
  if (bad == values + n) return Status::ok();
  return in_words({.code = DataFault::kIndex, .value = *bad, .greatest = bound - 1});
}

template <class T>
bool less(T a, T b) {
  return a < b || (b != b && a == a);
}  // NaN is the largest

template <class T>
void sort_row(const T* x, int64_t n, bool descending, int64_t k, int32_t* order, T* values, int32_t* places) {
  std::iota(order, order + n, 0);
  int64_t comparisons = 0;
  const auto before = [x, descending, &comparisons](int32_t a, int32_t b) {
    if (++comparisons % (kLong / 8) == 0) stop_point();
    const bool first = descending ? less(x[b], x[a]) : less(x[a], x[b]);
    const bool second = descending ? less(x[a], x[b]) : less(x[b], x[a]);
    return first || (!second && a < b);
  };
  if (4 * k < n) std::partial_sort(order, order + k, order + n, before);
  else std::sort(order, order + n, before);
  for (int64_t i = 0; i < k; ++i) {
    places[i] = order[i];
    values[i] = x[places[i]];
  }
}

class CpuIndexing final : public IndexingKernels {
 public:
  Status gather_rows(const View& table, const View& indices, const View& out) noexcept override {
    const Status status = check_indices(indices, table.extent[0]);
    if (!status.is_ok()) return status;
    const size_t bytes = static_cast<size_t>(table.extent[1]) * size_of(table.dtype);
    const int32_t* rows = indices.as<const int32_t>();
    parallel_for(indices.size(), grain_of(table.extent[1]), [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i)
        std::memcpy(out.as<char>() + static_cast<size_t>(i) * bytes,
                    table.as<char>() + static_cast<size_t>(rows[i]) * bytes, bytes);
    });
    return Status::ok();
  }

  Status whole_numbers(const View& x, const Padding& items, const View& out) noexcept override {
    const double bound = exact_bound(x.dtype);
    return dispatch_floating(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* from = x.as<const T>();
      int32_t* to = out.as<int32_t>();
      FirstWrong wrong;
      parallel_for(x.size(), kWork, [&](int64_t begin, int64_t end) {
        for_runs(items, begin, end, [&](int64_t first, int64_t last, bool real) {
          for (int64_t i = first; i < last; ++i) {
            const bool fits = real && std::abs(from[i]) <= static_cast<T>(bound) && std::trunc(from[i]) == from[i];
            to[i] = fits ? static_cast<int32_t>(from[i]) : 0;
            if (real && !fits) wrong.at(i);
          }
        });
      });
      if (!wrong.any()) return Status::ok();
      return in_words({.code = DataFault::kNotWhole,
                       .place = wrong.item(),
                       .greatest = static_cast<int64_t>(bound),
                       .number = static_cast<double>(from[wrong.item()])});
    });
  }

  Status one_hot(const View& indices, const View& out) noexcept override {
    const int64_t classes = out.extent[1];
    const Status status = check_indices(indices, classes);
    if (!status.is_ok()) return status;
    const int32_t* places = indices.as<const int32_t>();
    parallel_for(indices.size(), grain_of(classes), [&](int64_t begin, int64_t end) {
      float* row = out.as<float>() + begin * classes;
      std::fill_n(row, (end - begin) * classes, 0.0f);
      for (int64_t i = begin; i < end; ++i, row += classes) row[places[i]] = 1;
    });
    return Status::ok();
  }

  // Threads own columns, so rows are added in one order however many threads there are.
  Status add_rows(const View& rows, const View& indices, int64_t skipped, const View& out) noexcept override {
    const Status status = check_indices(indices, out.extent[0]);
    if (!status.is_ok()) return status;
    const int64_t width = out.extent[1], count = indices.size(), table = out.extent[0];
    const int32_t* places = indices.as<const int32_t>();
    return dispatch_floating(rows.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T* from = rows.as<const T>();
      T* to = out.as<T>();
      parallel_for(width, std::max<int64_t>(16, grain_of(count + table)), [&](int64_t begin, int64_t end) {
        const int64_t between = std::max<int64_t>(1, kLong / (end - begin));
        for (int64_t row = 0; row < table; ++row) {
          if (row % between == 0) stop_point();
          std::fill(to + row * width + begin, to + row * width + end, T(0));
        }
        for (int64_t i = 0; i < count; ++i) {
          if (i % between == 0) stop_point();
          if (places[i] == skipped) continue;
          T* sum = to + places[i] * width;
          for (int64_t j = begin; j < end; ++j) sum[j] += from[i * width + j];
        }
      });
      return Status::ok();
    });
  }

  Status gather(const View& x, const View& index, const View& out) noexcept override {
    const int64_t steps = x.extent[1], width = x.extent[2], taken = index.extent[1];
    const Status status = check_indices(index, steps);
    if (!status.is_ok()) return status;
    return dispatch_any(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      parallel_for(x.extent[0] * taken, grain_of(width), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const int32_t* place = index.as<const int32_t>() + row * width;
          const T* from = x.as<const T>() + row / taken * steps * width;
          for (int64_t b = 0; b < width; ++b) out.as<T>()[row * width + b] = from[place[b] * width + b];
        }
      });
      return Status::ok();
    });
  }

  Status scatter_add(const View& index, const View& source, const View& target) noexcept override {
    const int64_t steps = target.extent[1], width = target.extent[2], given = index.extent[1];
    const Status status = check_indices(index, steps);
    if (!status.is_ok() || source.size() == 0) return status;
    return dispatch_any(source.dtype, [&](auto zero) {
      using T = decltype(zero);
      parallel_for(target.extent[0], grain_of(given * width), [&](int64_t begin, int64_t end) {
        for (int64_t a = begin; a < end; ++a)
          for (int64_t i = a * given * width; i < (a + 1) * given * width; ++i) {
            if (i % kLong == 0) stop_point();
            T& sum = target.as<T>()[(a * steps + index.as<const int32_t>()[i]) * width + i % width];
            sum = static_cast<T>(sum + source.as<const T>()[i]);
          }
      });
      return Status::ok();
    });
  }

  Status sort(const View& x, bool descending, int64_t k, const View& values, const View& indices) noexcept override {
    const int64_t n = x.extent[1];
    std::atomic<bool> starved{false};
    const Status status = dispatch_any(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      parallel_for(x.extent[0], grain_of(8 * n), [&](int64_t begin, int64_t end) {
        const std::unique_ptr<int32_t[]> order(new (std::nothrow) int32_t[static_cast<size_t>(n)]);
        starved = starved || !order;
        for (int64_t row = begin; row < end && order; ++row)
          sort_row(x.as<const T>() + row * n, n, descending, k, order.get(), values.as<T>() + row * k,
                   indices.as<int32_t>() + row * k);
      });
      return Status::ok();
    });
    return starved ? Status::fail(StatusKind::OutOfMemory, {"the host is out of memory for the order of %lld elements.",
                                                            static_cast<long long>(n)})
                   : status;
  }

  Status unfold(const View& x, int64_t stride, int64_t dilation, const View& out) noexcept override {
    const int64_t steps = x.extent[1], width = x.extent[2], windows = out.extent[1], size = out.extent[3];
    return dispatch_any(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      parallel_for(x.extent[0] * windows, grain_of(width * size), [&](int64_t begin, int64_t end) {
        for (int64_t row = begin; row < end; ++row) {
          const T* from = x.as<const T>() + (row / windows * steps + row % windows * stride) * width;
          T* to = out.as<T>() + row * width * size;
          for (int64_t b = 0; b < width; ++b)
            for (int64_t i = 0; i < size; ++i) to[b * size + i] = from[i * dilation * width + b];
        }
      });
      return Status::ok();
    });
  }

  Status fold(const View& windows, int64_t stride, int64_t dilation, const View& out) noexcept override {
    const int64_t steps = out.extent[1], width = out.extent[2], count = windows.extent[1], size = windows.extent[3];
    return dispatch_floating(out.dtype, [&](auto zero) {
      using T = decltype(zero);
      parallel_for(out.extent[0], grain_of(steps * width), [&](int64_t begin, int64_t end) {
        for (int64_t a = begin; a < end; ++a) {
          T* to = out.as<T>() + a * steps * width;
          std::fill_n(to, steps * width, T(0));
          for (int64_t w = 0; w < count; ++w) {
            stop_point();
            const T* from = windows.as<const T>() + (a * count + w) * width * size;
            for (int64_t b = 0; b < width; ++b)
              for (int64_t i = 0; i < size; ++i) to[(w * stride + i * dilation) * width + b] += from[b * size + i];
          }
        }
      });
      return Status::ok();
    });
  }
};

}  // namespace

IndexingKernels& cpu_indexing() noexcept {
  static CpuIndexing kernels;
  return kernels;
}

}  // namespace stm
