#pragma once
// What reductions keep while they go through elements of type T, alike on every device: start(), step(kept, element),
// join(kept, kept).
#include <cstdint>
#include <limits>
#include <type_traits>

#include "backend/functors.h"

namespace stm::folds {

template <class T>
using Wide = std::conditional_t<std::is_floating_point_v<T>, double, int64_t>;

template <class T>
struct Sum {
  using Acc = Wide<T>;
  STM_DEVICE static Acc start() { return 0; }
  STM_DEVICE static Acc step(Acc acc, T x) { return acc + static_cast<Acc>(x); }
  STM_DEVICE static Acc join(Acc a, Acc b) { return a + b; }
};

/// Of floats.
template <class T>
struct Mean : Sum<T> {
  STM_DEVICE static double result(double sum, int64_t count) { return sum / static_cast<double>(count); }
};

template <class T>
struct Prod {
  using Acc = Wide<T>;
  STM_DEVICE static Acc start() { return 1; }
  STM_DEVICE static Acc step(Acc acc, T x) { return join(acc, static_cast<Acc>(x)); }
  /// A whole number that i32 cannot hold stays just outside its range, where no product overflows, unless a 0 follows.
  STM_DEVICE static Acc join(Acc a, Acc b) {
    if constexpr (std::is_floating_point_v<T>) return a * b;
    else {
      constexpr Acc kBeyond = (Acc{1} << 31) + 1;
      const Acc product = a * b;
      return product > kBeyond ? kBeyond : product < -kBeyond ? -kBeyond : product;
    }
  }
};

/// NaN if an element is.
template <class T>
struct Max {
  using Acc = T;
  STM_DEVICE static T start() {
    return std::numeric_limits<T>::has_infinity ? -std::numeric_limits<T>::infinity()
                                                : std::numeric_limits<T>::lowest();
  }
  STM_DEVICE static T step(T acc, T x) { return (x > acc) | (x != x) ? x : acc; }
  STM_DEVICE static T join(T a, T b) { return step(a, b); }
};

/// NaN if an element is.
template <class T>
struct Min {
  using Acc = T;
  STM_DEVICE static T start() {
    if constexpr (std::is_same_v<T, uint8_t>) return 1;  // a bool
    else
      return std::numeric_limits<T>::has_infinity ? std::numeric_limits<T>::infinity() : std::numeric_limits<T>::max();
  }
  STM_DEVICE static T step(T acc, T x) { return (x < acc) | (x != x) ? x : acc; }
  STM_DEVICE static T join(T a, T b) { return step(a, b); }
};

/// Whether T is i32 and does not hold what was kept.
template <class T, class Acc>
STM_DEVICE bool overflows(Acc acc) {
  if constexpr (std::is_same_v<T, int32_t> && !std::is_same_v<Acc, T>)
    return acc > std::numeric_limits<T>::max() || acc < std::numeric_limits<T>::lowest();
  else return false;
}

}  // namespace stm::folds
