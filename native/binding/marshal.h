#pragma once
#include "binding/environment.h"
#include "core/op_table.h"

namespace stm::binding {

/// Reads the arguments of one Node-API call for the op table.
class NapiArgs final : public ArgReader {
 public:
  static constexpr size_t kMax = 20;
  NapiArgs(Environment& environment, const Op& op, size_t count, const napi_value* values)
      : environment_(environment), op_(op), count_(count), values_(values) {}
  bool absent(size_t i) override;
  Tensor tensor(size_t i) override { return environment_.handles.get(number(i)); }
  std::vector<Tensor> tensors(size_t i) override;
  double number(size_t i) override;
  int64_t integer(size_t i) override;
  bool boolean(size_t i) override;
  std::string text(size_t i) override;
  std::vector<int64_t> integers(size_t i) override;
  std::vector<double> numbers(size_t i) override { return numbers_of(i, "an array of numbers"); }
  HostValues values(size_t i) override;
  Error mistake(size_t i, const std::string& expected) override;

 private:
  std::string shown(size_t i);  ///< for messages
  std::string remedy(size_t i, const std::string& expected);
  bool is_record(size_t i);  ///< an object that is no array
  std::vector<double> numbers_of(size_t i, const char* expected);
  napi_value value(size_t i) const { return i < count_ ? values_[i] : nullptr; }
  Environment& environment_;
  const Op& op_;
  size_t count_;
  const napi_value* values_;
};

/// Builds the JS result; `value` stays null for void.
class NapiResult final : public ResultWriter {
 public:
  explicit NapiResult(Environment& environment) : environment_(environment) {}
  void tensor(const Tensor& tensor) override { number(environment_.handles.put(tensor)); }
  void number(double number) override;
  void boolean(bool value) override;
  void text(const std::string& value) override;
  void integers(const std::vector<int64_t>& integers) override;
  void absent() override;
  void promise(const ReadBack& read) override { begin(read); }
  void promise(const Fence& fence) override { begin(fence); }
  void begin_list() override;
  void begin_record() override;
  void field(const char* name) override { open_.back().field = name; }
  void end() override;
  napi_value value = nullptr;

 private:
  void emit(napi_value element);
  template <class Later>
  void begin(const Later& later) {
    emit(environment_.reads.begin(later, *environment_.errors));
  }
  Environment& environment_;
  /// A list or record that is being filled.
  struct Container {
    napi_value value;
    const char* field = nullptr;
    uint32_t length = 0;
  };
  std::vector<Container> open_;  // the innermost last
};

}  // namespace stm::binding
