#pragma once
#include <cmath>
#include <cstdio>
#include <string>
#include <vector>

namespace stm::probe {

inline std::string quoted(const std::string& text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    if (c == '\n') out += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20) out += ' ';
    else out += c;
  }
  return out + '"';
}

/// One JSON object, written field by field in their order.
class Json {
 public:
  Json& text(const std::string& name, const std::string& value) { return raw(name, quoted(value)); }
  Json& flag(const std::string& name, bool value) { return raw(name, value ? "true" : "false"); }
  Json& number(const std::string& name, double value) {
    char digits[40];
    std::snprintf(digits, sizeof digits, "%.9g", value);
    return raw(name, std::isfinite(value) ? digits : quoted(digits));  // JSON has no NaN
  }
  Json& object(const std::string& name, const Json& value) { return raw(name, value.str()); }
  Json& numbers(const std::string& name, const int* values, int count) {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) all.push_back(std::to_string(values[i]));
    return list(name, all);
  }
  Json& list(const std::string& name, const std::vector<Json>& values) {
    std::vector<std::string> all;
    for (const Json& value : values) all.push_back(value.str());
    return list(name, all);
  }
  /// Of values that are JSON already.
  Json& list(const std::string& name, const std::vector<std::string>& values) {
    std::string text = "[";
    for (const std::string& value : values) text += (text.size() > 1 ? ", " : "") + value;
    return raw(name, text + "]");
  }
  /// Appends what members() of another object gave.
  Json& members(const std::string& written) {
    fields_ += (fields_.empty() || written.empty() ? "" : ", ") + written;
    return *this;
  }
  const std::string& members() const { return fields_; }
  std::string str() const { return "{" + fields_ + "}"; }

 private:
  Json& raw(const std::string& name, const std::string& value) {
    fields_ += (fields_.empty() ? "" : ", ") + quoted(name) + ": " + value;
    return *this;
  }
  std::string fields_;
};

}  // namespace stm::probe
