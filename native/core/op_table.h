#pragma once
#include <algorithm>
#include <functional>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "core/error.h"
#include "core/tensor.h"

namespace stm {

/// Results that arrive later: the binding turns them into promises.
struct ReadBack {
  Tensor tensor;
};
struct Fence {
  Device* device;
  bool reports = true;  ///< whether it tells of a fault that no read has reported
};
/// Elements of a typed array, valid during the call.
struct HostValues {
  DType dtype;
  const void* data;
  int64_t size;
};
/// A handle's number, where the function wants the handle and not the tensor behind it.
struct HandleId {
  double value;
};

/// The arguments of one call, as the host language holds them. Implemented by the binding, so core stays free of it.
class ArgReader {
 public:
  virtual ~ArgReader() = default;
  virtual bool absent(size_t i) = 0;
  virtual Tensor tensor(size_t i) = 0;
  virtual std::vector<Tensor> tensors(size_t i) = 0;
  virtual double number(size_t i) = 0;
  virtual int64_t integer(size_t i) = 0;
  virtual bool boolean(size_t i) = 0;
  virtual std::string text(size_t i) = 0;
  virtual std::vector<int64_t> integers(size_t i) = 0;
  virtual std::vector<double> numbers(size_t i) = 0;
  virtual HostValues values(size_t i) = 0;
  virtual Error mistake(size_t i, const std::string& expected) = 0;  ///< what to throw
};

class ResultWriter {
 public:
  virtual ~ResultWriter() = default;
  virtual void tensor(const Tensor& value) = 0;
  virtual void number(double value) = 0;
  virtual void boolean(bool value) = 0;
  virtual void text(const std::string& value) = 0;
  virtual void integers(const std::vector<int64_t>& value) = 0;
  virtual void promise(const ReadBack& value) = 0;
  virtual void promise(const Fence& value) = 0;
  virtual void absent() = 0;  ///< undefined
  virtual void begin_list() = 0;
  virtual void begin_record() = 0;
  virtual void field(const char* name) = 0;  ///< before each value of a record
  virtual void end() = 0;
};

/// Specialise with `static constexpr const char* names[]`, in the order of the enumerators from 0.
template <class E>
struct EnumNames;
/// Specialise with `static constexpr auto fields = std::tuple{std::pair{"name", &S::member}, …}`.
template <class S>
struct RecordFields;

template <>
struct EnumNames<DType> {
  static constexpr const char* names[] = {"f32", "f64", "i32", "bool", "i8"};
};

// ---- Arg<T>: how TypeScript spells a parameter and how it is read

template <class T>
struct Arg;

#define STM_ARG(Type, spelling, method)                                          \
  template <>                                                                    \
  struct Arg<Type> {                                                             \
    static std::string ts() { return spelling; }                                 \
    static Type read(ArgReader& args, size_t i) { return Type{args.method(i)}; } \
  };
STM_ARG(Tensor, "TensorId", tensor)
STM_ARG(HandleId, "TensorId", number)
STM_ARG(double, "number", number)
STM_ARG(int64_t, "number", integer)
STM_ARG(bool, "boolean", boolean)
STM_ARG(std::string, "string", text)
STM_ARG(std::vector<int64_t>, "readonly number[]", integers)
STM_ARG(std::vector<double>, "readonly number[]", numbers)
STM_ARG(std::vector<Tensor>, "readonly TensorId[]", tensors)
STM_ARG(HostValues, "Float32Array | Float64Array | Int32Array | Uint8Array | Int8Array", values)
#undef STM_ARG

template <>
struct Arg<Shape> {
  static std::string ts() { return "readonly number[]"; }
  static Shape read(ArgReader& args, size_t i) {
    const std::vector<int64_t> axes = args.integers(i);
    if (axes.size() > Shape::kMaxRank) throw args.mistake(i, "at most 6 axes");
    if (std::any_of(axes.begin(), axes.end(), [](int64_t extent) { return extent < 0; }))
      throw args.mistake(i, "extents of 0 or more");
    const Shape shape(axes);
    if (!shape.reasonable()) throw args.mistake(i, "at most 2^40 elements");
    return shape;
  }
};
template <class T>
struct Arg<std::optional<T>> {
  static std::string ts() { return Arg<T>::ts(); }
  static std::optional<T> read(ArgReader& args, size_t i) {
    return args.absent(i) ? std::nullopt : std::optional<T>(Arg<T>::read(args, i));
  }
};
template <class E>
requires std::is_enum_v<E>
struct Arg<E> {
  static std::string ts() {
    std::string text;
    for (const char* name : EnumNames<E>::names) text += (text.empty() ? "'" : " | '") + std::string(name) + "'";
    return text;
  }
  static E read(ArgReader& args, size_t i) {
    const std::string given = args.text(i);
    for (size_t value = 0; value < std::size(EnumNames<E>::names); ++value)
      if (given == EnumNames<E>::names[value]) return static_cast<E>(value);
    throw args.mistake(i, ts());
  }
};

template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

// ---- Result<T>: the same for what a function returns

template <class T>
struct Result;

#define STM_RESULT(Type, spelling, ...)                                      \
  template <>                                                                \
  struct Result<Type> {                                                      \
    static std::string ts() { return spelling; }                             \
    static void write(ResultWriter& out, const Type& value) { __VA_ARGS__; } \
  };
STM_RESULT(Tensor, "TensorId", out.tensor(value))
STM_RESULT(double, "number", out.number(value))
STM_RESULT(int64_t, "number", out.number(static_cast<double>(value)))
STM_RESULT(bool, "boolean", out.boolean(value))
STM_RESULT(std::string, "string", out.text(value))
STM_RESULT(std::vector<int64_t>, "number[]", out.integers(value))
STM_RESULT(ReadBack, "Promise<Float32Array | Float64Array | Int32Array | Uint8Array>", out.promise(value))
STM_RESULT(Fence, "Promise<void>", out.promise(value))
#undef STM_RESULT

template <class T>
struct Result<std::optional<T>> {
  static std::string ts() { return Result<T>::ts() + " | undefined"; }
  static void write(ResultWriter& out, const std::optional<T>& value) {
    if (value) Result<T>::write(out, *value);
    else out.absent();
  }
};
template <class E>
requires std::is_enum_v<E>
struct Result<E> {
  static std::string ts() { return Arg<E>::ts(); }
  static void write(ResultWriter& out, E value) { out.text(EnumNames<E>::names[static_cast<size_t>(value)]); }
};
template <>
struct Result<std::vector<Tensor>> {
  static std::string ts() { return "TensorId[]"; }
  static void write(ResultWriter& out, const std::vector<Tensor>& value) {
    out.begin_list();
    for (const Tensor& element : value) out.tensor(element);
    out.end();
  }
};
template <class... T>
struct Result<std::tuple<T...>> {
  static std::string ts() {
    std::string text;
    ((text += (text.empty() ? "[" : ", ") + Result<T>::ts()), ...);
    return text + "]";
  }
  static void write(ResultWriter& out, const std::tuple<T...>& value) {
    out.begin_list();
    std::apply([&](const T&... element) { (Result<T>::write(out, element), ...); }, value);
    out.end();
  }
};
template <class S>
requires requires { RecordFields<S>::fields; }
struct Result<S> {
  template <class M>
  static M member_type(M S::*);
  static std::string ts() {
    std::string text;
    std::apply(
        [&](auto... f) {
          ((text +=
            (text.empty() ? "{ " : "; ") + std::string(f.first) + ": " + Result<decltype(member_type(f.second))>::ts()),
           ...);
        },
        RecordFields<S>::fields);
    return text + " }";
  }
  static void write(ResultWriter& out, const S& value) {
    out.begin_record();
    std::apply(
        [&](auto... f) {
          ((out.field(f.first), Result<decltype(member_type(f.second))>::write(out, value.*f.second)), ...);
        },
        RecordFields<S>::fields);
    out.end();
  }
};

template <class S>
requires requires { RecordFields<S>::fields; }
struct Result<std::vector<S>> {
  static std::string ts() { return "(" + Result<S>::ts() + ")[]"; }
  static void write(ResultWriter& out, const std::vector<S>& value) {
    out.begin_list();
    for (const S& element : value) Result<S>::write(out, element);
    out.end();
  }
};

// ---- the table

struct Parameter {
  std::string name, ts;
  bool optional;
};
struct Op {
  std::string name;
  std::vector<Parameter> parameters;
  std::string result;
  std::string doc;
  std::function<void(ArgReader&, ResultWriter&)> call;
};

/// Declarations of everything JavaScript may call. Types are deduced from the function; only names and words are
/// written by hand.
class OpTable {
 public:
  template <class R, class... A, size_t N>
  void add(const char* name, R (*function)(A...), const char* const (&names)[N], const char* doc) {
    static_assert(N == sizeof...(A), "op_table: one name per parameter of the function");
    Op op{name, {}, result_ts<R>(), doc, {}};
    size_t i = 0;
    (op.parameters.push_back({names[i++], Arg<std::decay_t<A>>::ts(), is_optional<std::decay_t<A>>}), ...);
    op.call = [function](ArgReader& args, ResultWriter& out) {
      invoke(function, args, out, std::index_sequence_for<A...>{});
    };
    ops_.push_back(std::move(op));
  }
  template <class R>
  void add(const char* name, R (*function)(), const char* doc) {
    ops_.push_back({name, {}, result_ts<R>(), doc, [function](ArgReader& args, ResultWriter& out) {
                      invoke(function, args, out, {});
                    }});
  }
  const std::vector<Op>& all() const { return ops_; }

 private:
  template <class R>
  static std::string result_ts() {
    if constexpr (std::is_void_v<R>) return "void";
    else return Result<R>::ts();
  }
  template <class R, class... A, size_t... I>
  static void invoke(R (*function)(A...), [[maybe_unused]] ArgReader& args, [[maybe_unused]] ResultWriter& out,
                     std::index_sequence<I...>) {
    std::tuple<std::decay_t<A>...> values{Arg<std::decay_t<A>>::read(args, I)...};  // braces: left to right
    (read_again(std::get<I>(values), args, I), ...);
    if constexpr (std::is_void_v<R>) function(std::get<I>(values)...);
    else Result<R>::write(out, function(std::get<I>(values)...));
  }
  /// Reading an argument may run JavaScript, such as an accessor in an array, and that may move or shrink the elements
  /// of one read before.
  template <class T>
  static void read_again(T&, ArgReader&, size_t) {}
  static void read_again(HostValues& values, ArgReader& args, size_t i) { values = Arg<HostValues>::read(args, i); }

  std::vector<Op> ops_;
};

}  // namespace stm
