#pragma once
// Sums down the columns of a matrix. Lanes of threads go through the rows side by side, so that neighbours read
// neighbours whatever the width:
//
//          column 0 1 2 │ 0 1 2 │ 0 1 2
//   row 0: lane 0       │ row 1: lane 1 │ row 2: lane 0 │ …     each lane leaves one part for each column
//
// then a block for each column adds its parts up.
#include <algorithm>

#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/kernel/padding.h"

namespace stm::cuda {

/// How threads are laid over a matrix.
struct ColumnWalk {
  int64_t rows, columns, lanes;
  DevicePadding padding;

  /// With at least `least` rows for each thread, if there are as many, and no more threads than a large device has.
  static ColumnWalk over(int64_t rows, int64_t columns, int64_t least, const DevicePadding& padding) {
    constexpr int64_t kThreads = 1 << 17;
    const int64_t wanted = std::max<int64_t>(1, kThreads / std::max<int64_t>(1, columns));
    return {rows, columns, std::min(wanted, (rows + least - 1) / least), padding};
  }
  int64_t threads() const { return lanes * columns; }
  STM_DEVICE int64_t column_of(int64_t thread) const { return thread - quotient(thread, columns) * columns; }
  /// Calls `f(at, real)` with the thread's elements in order.
  template <class F>
  STM_DEVICE void each(int64_t thread, F f) const {
    int64_t row = quotient(thread, columns);
    for (int64_t at = thread; row < rows; row += lanes, at += lanes * columns) f(at, row, padding.is_real(row));
  }
};

struct TwoSums {
  double first, second;
};

/// Of each column: the sums of what `term.at_column(column)(at, row)` gives for its real rows, as parts.
template <class Term>
struct SumLanes {
  Term term;
  ColumnWalk walk;
  TwoSums* parts;
  STM_DEVICE void operator()(int64_t thread) const {
    const auto with = term.at_column(walk.column_of(thread));
    TwoSums sum{0, 0};
    walk.each(thread, [&](int64_t at, int64_t row, bool real) {
      if (!real) return;
      const TwoSums next = with(at, row);
      sum.first += next.first;
      sum.second += next.second;
    });
    parts[thread] = sum;
  }
};

/// Adds the parts of a column up. Each result may be absent; the sums over `divisor` are kept in `totals`, if there is
/// one.
template <class T>
struct SumParts {
  const TwoSums* parts;
  int64_t columns, lanes;
  T *first, *second;
  TwoSums* totals;
  double divisor;
  STM_DEVICE void operator()(Block& block, int64_t column) const {
    const TwoSums sum = block.reduce(
        lanes, TwoSums{0, 0}, [&](int64_t lane) { return parts[lane * columns + column]; },
        [](const TwoSums& a, const TwoSums& b) {
          return TwoSums{a.first + b.first, a.second + b.second};
        });
    block.once([&] {
      if (first) first[column] = static_cast<T>(sum.first);
      if (second) second[column] = static_cast<T>(sum.second);
      if (totals) totals[column] = {sum.first / divisor, sum.second / divisor};
    });
  }
};

}  // namespace stm::cuda
