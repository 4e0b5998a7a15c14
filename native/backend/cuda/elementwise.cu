#include "backend/cuda/elementwise.h"

#include "backend/cuda/kernel/fitted.h"
#include "backend/cuda/kernel/map.h"
#include "backend/dispatch.h"

namespace stm::cuda {
namespace {

using namespace functors;

/// Elements of a call: 16 bytes of the widest operand.
template <class T>
constexpr int kWidthFor = sizeof(T) == 8 ? 2 : 4;

/// out[k] = f(in[k]...).
template <int W, class Out, class F, class... In>
STM_DEVICE void each(Out (&out)[W], const F& f, const In (&... in)[W]) {
  STM_UNROLL
  for (int k = 0; k < W; ++k) out[k] = f(in[k]...);
}

// Which op it is is decided once for all elements of a call: a branch that all threads take alike, and one kernel
// instead of dozens. clang-format off
#define STM_UNARY_CASE(name, doc, saves, value, derivative) \
  case Unary::name:                                         \
    return each(                                            \
        out,                                                \
        [a = parameter](T x) -> T {                         \
          (void)a;                                          \
          return value;                                     \
        },                                                  \
        in);
#define STM_DERIVATIVE_CASE(name, doc, saves, value, derivative) \
  case Unary::name:                                              \
    return each(                                                 \
        out,                                                     \
        [a = parameter](T x, T y, T d) -> T {                    \
          (void)a, (void)x, (void)y;                             \
          return d * (derivative);                               \
        },                                                       \
        xs, ys, ds);
#define STM_BINARY_CASE(name, doc, value)                        \
  case Binary::name:                                             \
    return each(                                                 \
        out,                                                     \
        [this](T left, T right) -> T {                           \
          const N a = left, b = right;                           \
          return fitted<T>(static_cast<N>(value), fault, place); \
        },                                                       \
        as, bs);
#define STM_COMPARE_CASE(name, doc, value) \
  case Compare::name:                      \
    return each(                           \
        out, [](T a, T b) -> uint8_t { return value; }, as, bs);
#define STM_COMPARE_SCALAR_CASE(name, doc, value) \
  case Compare::name:                             \
    return each(                                  \
        out, [b = scalar](T a) -> uint8_t { return value; }, as);
// clang-format on

template <class T>
struct UnaryValue {
  static constexpr int kWidth = kWidthFor<T>;
  Unary op;
  T parameter;
  STM_DEVICE void operator()(T (&out)[kWidth], const T (&in)[kWidth], const None*, const None*) const {
    switch (op) {
      STM_UNARY_FUNCTORS(STM_UNARY_CASE)
      STM_PARAMETRIC_FUNCTORS(STM_UNARY_CASE)
    }
  }
};

template <class T>
struct UnarySlope {
  static constexpr int kWidth = kWidthFor<T>;
  Unary op;
  T parameter;
  STM_DEVICE void operator()(T (&out)[kWidth], const T (&xs)[kWidth], const T (&ys)[kWidth],
                             const T (&ds)[kWidth]) const {
    switch (op) {
      STM_UNARY_FUNCTORS(STM_DERIVATIVE_CASE)
      STM_PARAMETRIC_FUNCTORS(STM_DERIVATIVE_CASE)
    }
  }
};

template <class T>
struct BinaryValue {
  using N = Arithmetic<T>;
  static constexpr int kWidth = kWidthFor<T>;
  Binary op;
  DeviceFault* fault;
  int32_t place;  ///< Context::op
  STM_DEVICE void operator()(T (&out)[kWidth], const T (&as)[kWidth], const T (&bs)[kWidth], const None*) const {
    switch (op) { STM_BINARY_FUNCTORS(STM_BINARY_CASE) }
  }
};

template <class T>
struct Comparison {
  static constexpr int kWidth = kWidthFor<T>;
  Compare op;
  STM_DEVICE void operator()(uint8_t (&out)[kWidth], const T (&as)[kWidth], const T (&bs)[kWidth], const None*) const {
    switch (op) { STM_COMPARE_FUNCTORS(STM_COMPARE_CASE) }
  }
};

template <class T>
struct ScalarComparison {
  static constexpr int kWidth = kWidthFor<T>;
  Compare op;
  Compared<T> scalar;
  STM_DEVICE void operator()(uint8_t (&out)[kWidth], const T (&as)[kWidth], const None*, const None*) const {
    switch (op) { STM_COMPARE_FUNCTORS(STM_COMPARE_SCALAR_CASE) }
  }
};

template <class T>
struct Choice {
  static constexpr int kWidth = kWidthFor<T>;
  STM_DEVICE void operator()(T (&out)[kWidth], const uint8_t (&conditions)[kWidth], const T (&as)[kWidth],
                             const T (&bs)[kWidth]) const {
    each(
        out, [](uint8_t condition, T a, T b) { return condition ? a : b; }, conditions, as, bs);
  }
};

template <class From, class To>
struct Cast {
  static constexpr int kWidth = sizeof(From) > sizeof(To) ? kWidthFor<From> : kWidthFor<To>;
  bool truth;  ///< of a number, as bool
  DeviceFault* fault;
  int32_t op;
  STM_DEVICE void operator()(To (&out)[kWidth], const From (&in)[kWidth], const None*, const None*) const {
    if constexpr (std::is_same_v<To, int32_t> && std::is_floating_point_v<From>)
      each(
          out, [this](From x) { return fitted<To>(whole(x), fault, op); }, in);
    else if (truth)
      each(
          out, [](From x) { return static_cast<To>(x != 0); }, in);
    else
      each(
          out, [](From x) { return static_cast<To>(x); }, in);
  }
};

/// The product is rounded before the sum, as on the CPU.
template <class T>
struct Progression {
  T* out;
  double start, step;
  STM_DEVICE void operator()(int64_t i) const {
#ifdef __CUDA_ARCH__
    out[i] = static_cast<T>(__dadd_rn(start, __dmul_rn(static_cast<double>(i), step)));
#else
    out[i] = static_cast<T>(start + static_cast<double>(i) * step);
#endif
  }
};

template <class T>
struct Constant {
  static constexpr int kWidth = kWidthFor<T>;
  T value;
  STM_DEVICE void operator()(T (&out)[kWidth], const None*, const None*, const None*) const {
    STM_UNROLL
    for (int k = 0; k < kWidth; ++k) out[k] = value;
  }
};

}  // namespace

Status CudaElementwise::unary(Unary op, double parameter, const View& x, const View& y) noexcept {
  return dispatch_floating(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    return map<T>(context_, "unary", UnaryValue<T>{op, static_cast<T>(parameter)}, y, MapOperand<T>{x});
  });
}

Status CudaElementwise::unary_backward(Unary op, double parameter, const View& x, const View& y, const View& dy,
                                       const View& dx) noexcept {
  return dispatch_floating(dy.dtype, [&](auto zero) {
    using T = decltype(zero);
    return map<T>(context_, "unary_backward", UnarySlope<T>{op, static_cast<T>(parameter)}, dx, MapOperand<T>{x, T(1)},
                  MapOperand<T>{y, T(1)}, MapOperand<T>{dy});
  });
}

Status CudaElementwise::binary(Binary op, const View& a, const View& b, const View& out) noexcept {
  return dispatch_any(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    return map<T>(context_, "binary", BinaryValue<T>{op, context_.fault, context_.op}, out, MapOperand<T>{a},
                  MapOperand<T>{b});
  });
}

Status CudaElementwise::binary_scalar(Binary op, const View& a, double scalar, bool reversed,
                                      const View& out) noexcept {
  return dispatch_any(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    const MapOperand<T> each{a}, number{{}, static_cast<T>(scalar)};
    return map<T>(context_, "binary", BinaryValue<T>{op, context_.fault, context_.op}, out, reversed ? number : each,
                  reversed ? each : number);
  });
}

Status CudaElementwise::compare(Compare op, const View& a, const View& b, const View& out) noexcept {
  return dispatch_any(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    return map<uint8_t>(context_, "compare", Comparison<T>{op}, out, MapOperand<T>{a}, MapOperand<T>{b});
  });
}

Status CudaElementwise::compare_scalar(Compare op, const View& a, double scalar, const View& out) noexcept {
  return dispatch_any(a.dtype, [&](auto zero) {
    using T = decltype(zero);
    return map<uint8_t>(context_, "compare", ScalarComparison<T>{op, static_cast<Compared<T>>(scalar)}, out,
                        MapOperand<T>{a});
  });
}

Status CudaElementwise::where(const View& condition, const View& a, const View& b, const View& out) noexcept {
  return dispatch_any(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    return map<T>(context_, "where", Choice<T>{}, out, MapOperand<uint8_t>{condition}, MapOperand<T>{a},
                  MapOperand<T>{b});
  });
}

Status CudaElementwise::copy(const View& from, const View& to) noexcept {
  return dispatch_any(from.dtype, [&](auto source) {
    return dispatch_any(to.dtype, [&](auto target) {
      using From = decltype(source);
      using To = decltype(target);
      return map<To>(context_, "copy",
                     Cast<From, To>{to.dtype == DType::Bool && from.dtype != DType::Bool, context_.fault, context_.op},
                     to, MapOperand<From>{from});
    });
  });
}

Status CudaElementwise::fill(double value, const View& to) noexcept {
  return dispatch_any(to.dtype, [&](auto zero) {
    using T = decltype(zero);
    return map<T>(context_, "fill",
                  Constant<T>{to.dtype == DType::Bool ? static_cast<T>(value != 0) : static_cast<T>(value)}, to);
  });
}

Status CudaElementwise::arange(double start, double step, const View& to) noexcept {
  return dispatch_any(to.dtype, [&](auto zero) {
    using T = decltype(zero);
    return launch_each(context_, "arange", to.size(), Progression<T>{to.as<T>(), start, step});
  });
}

}  // namespace stm::cuda
