#pragma once
// Neighbouring elements that a thread reads or writes as one, 16 bytes at most.
#include <cstdint>
#include <type_traits>

#include "backend/functors.h"

/// Before a loop over the elements of a small array, which then stay in registers.
#ifdef __CUDACC__
#define STM_UNROLL _Pragma("unroll")
#else
#define STM_UNROLL
#endif

namespace stm::cuda {

/// W neighbouring elements.
template <class T, int W>
struct alignas(sizeof(T) * W) Pack {
  T item[W];
};

/// Elements of a pack that moves values of one type to places of another.
template <class T, class U = T>
constexpr int kPackWidth = static_cast<int>(16 / (sizeof(T) > sizeof(U) ? sizeof(T) : sizeof(U)));

/// The pack at `data`, which must be aligned to it.
template <int W, class T>
STM_DEVICE Pack<T, W>* pack_at(T* data) {
#ifndef __CUDACC__
  if (reinterpret_cast<uintptr_t>(data) % sizeof(Pack<T, W>) != 0) __builtin_trap();  // as the device would
#endif
  return reinterpret_cast<Pack<T, W>*>(data);
}
template <int W, class T>
STM_DEVICE const Pack<T, W>* pack_at(const T* data) {
  return pack_at<W>(const_cast<T*>(data));
}

/// Whether packs of W elements can be read at each of these. Null has any.
template <int W, class... T>
STM_DEVICE bool lie_in_packs(const T*... data) {
  return ((reinterpret_cast<uintptr_t>(data) % sizeof(Pack<T, W>) == 0) && ...);
}

/// W elements: as one if they lie so, else one by one.
template <int W, class T>
STM_DEVICE Pack<T, W> load_pack(const T* from, bool packed) {
  if (packed) return *pack_at<W>(from);
  Pack<T, W> pack;
  STM_UNROLL
  for (int k = 0; k < W; ++k) pack.item[k] = from[k];
  return pack;
}

// ---- walks over elements 0..n-1. `Team` is a Block, or a thread that plays one.

/// A width that the compiler knows: `decltype(width)::value`.
template <int W>
using Width = std::integral_constant<int, W>;

/// Calls `f(width, first)` for packs of W if `packed`, and for each element that is left.
template <int W, class Team, class F>
STM_DEVICE void each_pack(Team& team, int64_t n, bool packed, const F& f) {
  const int64_t packs = packed ? n / W : 0, rest = n - packs * W;
  team.each(packs + rest, [&](int64_t i) {
    if (i < packs) f(Width<W>{}, i * W);
    else f(Width<1>{}, packs * (W - 1) + i);
  });
}

/// `join` of f(0)..f(W-1), pairs first, so that no result waits for all before it.
template <int W, class F, class Join>
STM_DEVICE auto join_pairs(const F& f, const Join& join, int first = 0) {
  if constexpr (W == 1) return f(first);
  else return join(join_pairs<W / 2>(f, join, first), join_pairs<W / 2>(f, join, first + W / 2));
}

/// Team::reduce in steps of several elements: `f(width, first)` is the join of that many. They are packs of W where n
/// is so many times W, wherever these lie; else there are four apart from each other, such that neighbouring threads
/// read side by side. The order depends on n and the team alone.
template <int W, class Team, class T, class F, class Join>
STM_DEVICE T reduce_packs(Team& team, int64_t n, T initial, const F& f, const Join& join) {
  if (n % W == 0) {
    return team.reduce(
        n / W, initial, [&](int64_t i) { return f(Width<W>{}, i * W); }, join);
  }
  constexpr int kAtOnce = 4;
  const int64_t steps = (n + kAtOnce - 1) / kAtOnce;
  return team.reduce(
      steps, initial,
      [&](int64_t i) {
        return join_pairs<kAtOnce>([&](int k) { return i + k * steps < n ? f(Width<1>{}, i + k * steps) : initial; },
                                   join);
      },
      join);
}

}  // namespace stm::cuda
