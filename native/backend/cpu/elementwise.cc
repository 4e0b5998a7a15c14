#include <algorithm>
#include <atomic>
#include <cstring>
#include <tuple>
#include <utility>

#include "backend/cpu/backend.h"
#include "backend/data_fault.h"
#include "backend/cpu/elementwise_rows.h"
#include "backend/cpu/stopping.h"
#include "backend/dispatch.h"
#include "backend/cpu/rows.h"
#include "backend/folds.h"

namespace stm {
namespace {

using namespace functors;

/// out[i] = f(in0[i], in1[i], …): a dense loop that the compiler vectorises where every operand is dense (or constant),
/// else one that steps by strides.
template <class Out, class... In, class F, size_t... I>
void map_row(const std::array<char*, sizeof...(In) + 1>& data, const std::array<int64_t, sizeof...(In) + 1>& stride,
             int64_t count, const F& f, std::index_sequence<I...>) {
  constexpr size_t kOut = sizeof...(In);
  if (((stride[I] == sizeof(In)) && ...) && stride[kOut] == sizeof(Out)) {
    Out* out = reinterpret_cast<Out*>(data[kOut]);
    const std::tuple<const In*...> in{reinterpret_cast<const In*>(data[I])...};
    for (int64_t i = 0; i < count; ++i) out[i] = f(std::get<I>(in)[i]...);
    return;
  }
  for (int64_t i = 0; i < count; ++i)
    *reinterpret_cast<Out*>(data[kOut] + i * stride[kOut]) =
        f(*reinterpret_cast<const In*>(data[I] + i * stride[I])...);
}

template <class Out, class... In, class F, class... V>
Status map(const F& f, const View& out, const V&... in) {
  constexpr size_t kViews = sizeof...(In) + 1;
  const auto row = [&](const std::array<char*, kViews>& data, const std::array<int64_t, kViews>& stride,
                       int64_t count) {
    map_row<Out, In...>(data, stride, count, f, std::index_sequence_for<In...>{});
  };
  for_rows<kViews>({&in..., &out}, row);
  return Status::ok();
}

/// out[i] = f(in[i]...) where f computes in 64 bits; what an i32 does not hold is OutOfRange.
template <class... In, class F, class... V>
Status map_whole(const F& f, const View& out, const V&... in) {
  constexpr size_t kViews = sizeof...(In) + 1;
  std::atomic<bool> beyond{false};
  const auto row = [&](const std::array<char*, kViews>& data, const std::array<int64_t, kViews>& stride,
                       int64_t count) {
    int64_t lost = 0;
    const auto kept = [&](In... x) -> int32_t {
      const int64_t wide = f(x...);
      const int32_t narrow = static_cast<int32_t>(wide);
      lost |= wide - narrow;
      return narrow;
    };
    map_row<int32_t, In...>(data, stride, count, kept, std::index_sequence_for<In...>{});
    if (lost != 0) beyond.store(true, std::memory_order_relaxed);
  };
  for_rows<kViews>({&in..., &out}, row);
  return beyond.load(std::memory_order_relaxed) ? in_words({.code = DataFault::kOverflow}) : Status::ok();
}

/// Arithmetic: f takes and gives Arithmetic<T>.
template <class T, class F, class... V>
Status map_numbers(const F& f, const View& out, const V&... in) {
  if constexpr (std::is_same_v<T, int32_t>) return map_whole<std::conditional_t<true, T, V>...>(f, out, in...);
  else
    return map<T, std::conditional_t<true, T, V>...>([f](auto... x) -> T { return static_cast<T>(f(x...)); }, out,
                                                     in...);
}

// ---- f32, by dense rows

/// Calls `kernel(in, out, count)` on rows of f32 that it gets dense: what lies otherwise goes through parts that do, so
/// that a number's result is the same however it lies.
template <size_t kIn, class Kernel>
void dense_parts(const std::array<char*, kIn + 1>& data, const std::array<int64_t, kIn + 1>& stride, int64_t count,
                 const Kernel& kernel) {
  constexpr int64_t kPart = 256;
  float parts[kIn + 1][kPart];
  for (int64_t begin = 0; begin < count; begin += kPart) {
    const int64_t n = std::min(kPart, count - begin);
    std::array<const float*, kIn> in;
    for (size_t k = 0; k < kIn; ++k) {
      const char* const from = data[k] + begin * stride[k];
      in[k] = stride[k] == sizeof(float) ? reinterpret_cast<const float*>(from) : parts[k];
      for (int64_t i = 0; in[k] == parts[k] && i < n; ++i)
        parts[k][i] = *reinterpret_cast<const float*>(from + i * stride[k]);
    }
    char* const to = data[kIn] + begin * stride[kIn];
    if (stride[kIn] == sizeof(float)) {
      kernel(in, reinterpret_cast<float*>(to), n);
      continue;
    }
    kernel(in, parts[kIn], n);
    for (int64_t i = 0; i < n; ++i) *reinterpret_cast<float*>(to + i * stride[kIn]) = parts[kIn][i];
  }
}

template <class Kernel, class... V>
Status map_rows(const Kernel& kernel, const View& out, const V&... in) {
  constexpr size_t kIn = sizeof...(V);
  constexpr int64_t kGrain = 32'768;
  const auto row = [&](const std::array<char*, kIn + 1>& data, const std::array<int64_t, kIn + 1>& stride,
                       int64_t count) {
    const auto dense = [](int64_t step) { return step == sizeof(float); };
    if (count > 1 && !std::all_of(stride.begin(), stride.end(), dense))
      return dense_parts<kIn>(data, stride, count, kernel);
    std::array<const float*, kIn> from;
    for (size_t k = 0; k < kIn; ++k) from[k] = reinterpret_cast<const float*>(data[k]);
    kernel(from, reinterpret_cast<float*>(data[kIn]), count);
  };
  for_rows<kIn + 1>({&in..., &out}, row, kGrain);
  return Status::ok();
}

Status unary_rows(Unary op, float parameter, const View& x, const View& y) {
  const auto kernel = [parameter, row = unary_row(op)](const auto& in, float* out, int64_t count) {
    row(in[0], out, count, parameter);
  };
  return map_rows(kernel, y, x);
}

Status derivative_rows(Unary op, float parameter, const View& x, const View& y, const View& dy, const View& dx) {
  const auto kernel = [parameter, row = derivative_row(op)](const auto& in, float* out, int64_t count) {
    row(in[0], in[1], in[2], out, count, parameter);
  };
  return map_rows(kernel, dx, x, y, dy);
}

Status scalar_rows(Binary op, const View& x, float number, bool reversed, const View& out) {
  const auto kernel = [number, row = scalar_row(op, reversed)](const auto& in, float* to, int64_t count) {
    row(in[0], number, to, count);
  };
  return map_rows(kernel, out, x);
}

Status binary_rows(Binary op, const View& a, const View& b, const View& out) {
  const auto kernel = [row = binary_row(op)](const auto& in, float* to, int64_t count) {
    row(in[0], in[1], to, count);
  };
  return map_rows(kernel, out, a, b);
}

/// Copies elements as they are; by the system's function where they lie densely.
template <class T>
Status copy_same(const View& from, const View& to) {
  const auto row = [](const std::array<char*, 2>& data, const std::array<int64_t, 2>& stride, int64_t count) {
    if (stride[0] == sizeof(T) && stride[1] == sizeof(T))
      std::memmove(data[1], data[0], static_cast<size_t>(count) * sizeof(T));
    else
      map_row<T, T>(
          data, stride, count, [](T x) { return x; }, std::index_sequence_for<T>{});
  };
  for_rows<2>({&from, &to}, row);
  return Status::ok();
}

/// The same view as zeros of any value nobody reads: stands in for an operand that a functor does not save.
const View& or_else(const View& view, const View& other) { return view.data ? view : other; }

// One case of a switch for each functor; of f32 the rows, where there are some.
// clang-format off
#define STM_HAS_ROWS(op) (std::is_same_v<T, float> && has_rows(op))
#define STM_UNARY_CASE(name, doc, saves, value, derivative)  \
  case Unary::name:  \
    if constexpr (STM_HAS_ROWS(Unary::name)) return unary_rows(op, a, x, y);  \
    else return map<T, T>([a](T x) -> T { (void)a; return value; }, y, x);
#define STM_DERIVATIVE_CASE(name, doc, saves, value, derivative)  \
  case Unary::name:  \
    if constexpr (STM_HAS_ROWS(Unary::name)) return derivative_rows(op, a, vx, vy, dy, dx);  \
    else return map<T, T, T, T>(  \
        [a](T x, T y, T d) -> T { (void)a, (void)x, (void)y; return d * (derivative); }, dx, vx, vy, dy);
#define STM_BINARY_CASE(name, doc, value)  \
  case Binary::name:  \
    if constexpr (STM_HAS_ROWS(Binary::name)) return binary_rows(op, va, vb, out);  \
    else return map_numbers<T>([](N a, N b) -> N { return value; }, out, va, vb);
#define STM_SCALAR_CASE(name, doc, value)  \
  case Binary::name:  \
    if constexpr (STM_HAS_ROWS(Binary::name)) return scalar_rows(op, x, s, reversed, out);  \
    if (reversed) return map_numbers<T>([a = s](N b) -> N { return value; }, out, x);  \
    return map_numbers<T>([b = s](N a) -> N { return value; }, out, x);
#define STM_COMPARE_CASE(name, doc, value)  \
  case Compare::name: return map<uint8_t, T, T>([](T a, T b) -> uint8_t { return value; }, out, va, vb);
#define STM_COMPARE_SCALAR_CASE(name, doc, value)  \
  case Compare::name: return map<uint8_t, T>([b = s](T a) -> uint8_t { return value; }, out, x);
// clang-format on

class CpuElementwise final : public ElementwiseKernels {
 public:
  Status unary(Unary op, double parameter, const View& x, const View& y) noexcept override {
    return dispatch_floating(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      [[maybe_unused]] const T a = static_cast<T>(parameter);
      switch (op) {
        STM_UNARY_FUNCTORS(STM_UNARY_CASE);
        STM_PARAMETRIC_FUNCTORS(STM_UNARY_CASE);
      }
      return Status::fail(StatusKind::Internal, "unknown unary op");
    });
  }

  Status unary_backward(Unary op, double parameter, const View& saved_x, const View& saved_y, const View& dy,
                        const View& dx) noexcept override {
    const View &vx = or_else(saved_x, dy), &vy = or_else(saved_y, dy);
    return dispatch_floating(dy.dtype, [&](auto zero) {
      using T = decltype(zero);
      [[maybe_unused]] const T a = static_cast<T>(parameter);
      switch (op) {
        STM_UNARY_FUNCTORS(STM_DERIVATIVE_CASE);
        STM_PARAMETRIC_FUNCTORS(STM_DERIVATIVE_CASE);
      }
      return Status::fail(StatusKind::Internal, "unknown unary op");
    });
  }

  Status binary(Binary op, const View& va, const View& vb, const View& out) noexcept override {
    return dispatch_any(va.dtype, [&](auto zero) {
      using T = decltype(zero);
      using N = Arithmetic<T>;
      switch (op) { STM_BINARY_FUNCTORS(STM_BINARY_CASE); }
      return Status::fail(StatusKind::Internal, "unknown binary op");
    });
  }

  Status binary_scalar(Binary op, const View& x, double scalar, bool reversed, const View& out) noexcept override {
    return dispatch_any(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      using N = Arithmetic<T>;
      const N s = static_cast<N>(scalar);
      switch (op) { STM_BINARY_FUNCTORS(STM_SCALAR_CASE); }
      return Status::fail(StatusKind::Internal, "unknown binary op");
    });
  }

  Status compare(Compare op, const View& va, const View& vb, const View& out) noexcept override {
    return dispatch_any(va.dtype, [&](auto zero) {
      using T = decltype(zero);
      switch (op) { STM_COMPARE_FUNCTORS(STM_COMPARE_CASE); }
      return Status::fail(StatusKind::Internal, "unknown comparison");
    });
  }

  Status compare_scalar(Compare op, const View& x, double scalar, const View& out) noexcept override {
    return dispatch_any(x.dtype, [&](auto zero) {
      using T = decltype(zero);
      const auto s = static_cast<Compared<T>>(scalar);
      switch (op) { STM_COMPARE_FUNCTORS(STM_COMPARE_SCALAR_CASE); }
      return Status::fail(StatusKind::Internal, "unknown comparison");
    });
  }

  Status where(const View& condition, const View& a, const View& b, const View& out) noexcept override {
    return dispatch_any(out.dtype, [&](auto zero) {
      using T = decltype(zero);
      return map<T, uint8_t, T, T>([](uint8_t c, T x, T y) -> T { return c ? x : y; }, out, condition, a, b);
    });
  }

  Status copy(const View& from, const View& to) noexcept override {
    return dispatch_any(from.dtype, [&](auto source) {
      return dispatch_any(to.dtype, [&](auto target) {
        using From = decltype(source);
        using To = decltype(target);
        if constexpr (std::is_same_v<To, From>) return copy_same<To>(from, to);
        if constexpr (std::is_same_v<To, int32_t> && std::is_floating_point_v<From>)
          return map_whole<From>([](From x) { return whole(x); }, to, from);
        if (to.dtype == DType::Bool && from.dtype != DType::Bool)
          return map<uint8_t, From>([](From x) -> uint8_t { return x != 0; }, to, from);
        return map<To, From>([](From x) -> To { return static_cast<To>(x); }, to, from);
      });
    });
  }

  Status fill(double value, const View& to) noexcept override {
    return dispatch_any(to.dtype, [&](auto zero) {
      using T = decltype(zero);
      const T v = to.dtype == DType::Bool ? static_cast<T>(value != 0) : static_cast<T>(value);
      return map<T>([v]() -> T { return v; }, to);
    });
  }

  Status arange(double start, double step, const View& to) noexcept override {
    return dispatch_any(to.dtype, [&](auto zero) {
      using T = decltype(zero);
      T* const y = to.as<T>();
      parallel_for(to.size(), 16'384, [=](int64_t begin, int64_t end) {
        for (int64_t i = begin; i < end; ++i) y[i] = static_cast<T>(start + static_cast<double>(i) * step);
      });
      return Status::ok();
    });
  }
};

}  // namespace

ElementwiseKernels& cpu_elementwise() noexcept {
  static CpuElementwise kernels;
  return kernels;
}

}  // namespace stm
