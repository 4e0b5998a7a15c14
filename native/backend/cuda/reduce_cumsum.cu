#include <algorithm>

#include "backend/cuda/kernel/axes.h"
#include "backend/cuda/kernel/fitted.h"
#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/kernel/padding.h"
#include "backend/cuda/reduce.h"
#include "backend/dispatch.h"

// A thread for each segment of a row. Where there is more than one, a first launch adds each segment up, and every
// segment starts with those before it.

namespace stm::cuda {
namespace {

template <class T>
struct Segments {
  using Acc = typename folds::Sum<T>::Acc;
  Axes<2> outer;  ///< of x and out: the rows
  const T* x;     ///< where the first row's sum begins
  T* out;
  int64_t step, out_step;  ///< from element to element of a row
  int64_t rows, count, segments, length;
  Acc* totals;  ///< [segments, rows], if there is more than one segment
  DeviceFault* fault;
  int32_t op;
};

template <class T>
struct SegmentTotals {
  Segments<T> s;
  STM_DEVICE void operator()(int64_t item) const {
    const int64_t segment = quotient(item, s.rows), row = item - segment * s.rows;
    int64_t at[2];
    s.outer.at(row, at);
    const T* from = s.x + at[0] + segment * s.length * s.step;
    typename Segments<T>::Acc sum = 0;
    for (int64_t i = 0; i < s.length; ++i) sum = folds::Sum<T>::step(sum, from[i * s.step]);
    s.totals[item] = sum;
  }
};

template <class T>
struct SegmentSums {
  Segments<T> s;
  STM_DEVICE void operator()(int64_t item) const {
    const int64_t segment = quotient(item, s.rows), row = item - segment * s.rows, first = segment * s.length,
                  end = std::min(s.count, first + s.length);
    int64_t at[2];
    s.outer.at(row, at);
    typename Segments<T>::Acc sum = 0;
    for (int64_t before = 0; before < segment; ++before) sum += s.totals[before * s.rows + row];
    for (int64_t i = first; i < end; ++i) {
      sum = folds::Sum<T>::step(sum, s.x[at[0] + i * s.step]);
      s.out[at[1] + i * s.out_step] = fitted<T>(sum, s.fault, s.op);
    }
  }
};

template <class T>
Status cumsum_as(Context& context, const View& x, bool reversed, const View& out) {
  constexpr int64_t kMost = 1'024, kShortest = 64;
  const int last = x.rank - 1;
  const int64_t count = x.last(), sign = reversed ? -1 : 1, end = reversed ? count - 1 : 0;
  if (x.size() == 0) return Status::ok();
  Segments<T> s{Axes<2>({&x, &out}, 0, last),
                x.as<const T>() + end * x.stride[last],
                out.as<T>() + end * out.stride[last],
                sign * x.stride[last],
                sign * out.stride[last],
                x.size() / count,
                count,
                1,
                count,
                nullptr,
                context.fault,
                context.op};
  const int64_t wanted = std::min(kMost, int64_t{context.multiprocessors} * 1'024 / s.rows);
  if (wanted > 1 && count > kShortest) {
    s.length = std::max(kShortest, (count + wanted - 1) / wanted);
    s.segments = (count + s.length - 1) / s.length;
    void* totals = nullptr;
    STM_TRY(context.scratch(Context::kPartials, static_cast<size_t>(s.segments * s.rows) * sizeof *s.totals, &totals));
    s.totals = static_cast<typename Segments<T>::Acc*>(totals);
    STM_TRY(launch_each(context, "cumsum", (s.segments - 1) * s.rows, SegmentTotals<T>{s}));
  }
  return launch_each(context, "cumsum", s.segments * s.rows, SegmentSums<T>{s});
}

}  // namespace

Status CudaReduce::cumsum(const View& x, bool reversed, const View& out) noexcept {
  return dispatch_any(x.dtype, [&](auto zero) { return cumsum_as<decltype(zero)>(context_, x, reversed, out); });
}

}  // namespace stm::cuda
