#pragma once
// Element-wise kernels over views with any strides.
#include <type_traits>

#include "backend/cuda/kernel/axes.h"
#include "backend/cuda/kernel/launch.h"

namespace stm::cuda {

/// Stands for an operand that a function does not have.
struct None {};

/// What map() takes: a view, or one number for all elements.
template <class T>
struct MapOperand {
  View view;
  T value{};  ///< if the view is absent
};

/// The same as a kernel sees it.
template <class T>
struct Input {
  const T* data;
  T value;
  bool splat = false;  ///< a pack holds one element, again and again

  explicit Input(const MapOperand<T>& operand) : data(operand.view.template as<const T>()), value(operand.value) {}

  template <int W>
  STM_DEVICE void load_pack(int64_t at, T (&out)[W]) const {
    if (data && !splat) {
      const Pack<T, W> pack = *pack_at<W>(data + at);
      STM_UNROLL
      for (int k = 0; k < W; ++k) out[k] = pack.item[k];
    } else {
      const T each = data ? data[at] : value;
      STM_UNROLL
      for (int k = 0; k < W; ++k) out[k] = each;
    }
  }
  STM_DEVICE T load(int64_t at) const { return data ? data[at] : value; }
};
template <>
struct Input<None> {
  explicit Input(const MapOperand<None>&) {}
  template <int W>
  STM_DEVICE void load_pack(int64_t, None (&)[W]) const {}
  STM_DEVICE None load(int64_t) const { return {}; }
};

/// `f(out, a, b, c)` makes W results of W elements of each input. A call takes neighbouring elements where all operands
/// have them as packs, else elements that lie `calls` apart, so that the threads of a block always read side by side.
template <class F, class Out, class A, class B, class C>
struct Map {
  static constexpr int W = F::kWidth;
  F f;
  Axes<4> axes;
  Out* out;
  Input<A> a;
  Input<B> b;
  Input<C> c;
  int64_t count, calls;
  bool packed;

  STM_DEVICE void operator()(int64_t i) const {
    Out y[W] = {};
    A x0[W];
    B x1[W];
    C x2[W];
    int64_t to[W];
    if (packed) {
      int64_t at[4];
      axes.at(i, at);
      to[0] = at[0];
      a.load_pack(at[1], x0);
      b.load_pack(at[2], x1);
      c.load_pack(at[3], x2);
    } else {
      STM_UNROLL
      for (int k = 0; k < W; ++k) {
        const int64_t index = i + k * calls;
        int64_t at[4];
        axes.at(index < count ? index : i, at);  // beyond the end, the first once more
        to[k] = at[0];
        x0[k] = a.load(at[1]);
        x1[k] = b.load(at[2]);
        x2[k] = c.load(at[3]);
      }
    }
    f(y, x0, x1, x2);
    if (packed) {
      Pack<Out, W> pack;
      STM_UNROLL
      for (int k = 0; k < W; ++k) pack.item[k] = y[k];
      *pack_at<W>(out + to[0]) = pack;
    } else {
      STM_UNROLL
      for (int k = 0; k < W; ++k) out[to[k]] = y[k];
    }
  }
};

/// Whether `input` can be read in packs along the last axis.
template <int W, class T, int N>
bool set_packs(Input<T>& input, const Axes<N>& axes, int view) {
  if constexpr (std::is_same_v<T, None>) return true;
  else {
    input.splat = axes.last_stride(view) == 0;
    return input.splat || !input.data || (axes.last_stride(view) == 1 && packs<W>(input.data, axes, view));
  }
}

/// out = f(a, b, c), element by element. All views have the extents of `out`.
template <class Out, class F, class A = None, class B = None, class C = None>
Status map(Context& context, const char* name, const F& f, const View& out, const MapOperand<A>& a = {},
           const MapOperand<B>& b = {}, const MapOperand<C>& c = {}) {
  constexpr int W = F::kWidth;
  if (out.size() == 0) return Status::ok();
  Map<F, Out, A, B, C> kernel{f,
                              Axes<4>({&out, &a.view, &b.view, &c.view}, 0, out.rank),
                              out.as<Out>(),
                              Input<A>(a),
                              Input<B>(b),
                              Input<C>(c),
                              out.size(),
                              0,
                              false};
  Axes<4>& axes = kernel.axes;
  const bool inputs =
      set_packs<W>(kernel.a, axes, 1) & set_packs<W>(kernel.b, axes, 2) & set_packs<W>(kernel.c, axes, 3);
  kernel.packed = inputs && axes.last() % W == 0 && axes.last_stride(0) == 1 && packs<W>(kernel.out, axes, 0);
  if (kernel.packed) axes.pack(W);
  kernel.calls = (kernel.count + W - 1) / W;
  return launch_each(context, name, kernel.calls, kernel);
}

}  // namespace stm::cuda
