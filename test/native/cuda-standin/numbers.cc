#include "cuda-standin/numbers.h"

#include <cmath>
#include <cstring>

namespace stm::standin {
namespace {

uint32_t bits_of(float x) {
  uint32_t bits;
  std::memcpy(&bits, &x, 4);
  return bits;
}

float float_of(uint32_t bits) {
  float x;
  std::memcpy(&x, &bits, 4);
  return x;
}

// Clears the last `count` digits of the mantissa.
float rounded(float x, int count) {
  if (!std::isfinite(x)) return x;
  const uint32_t bits = bits_of(x), half = (1u << (count - 1)) - 1, odd = bits >> count & 1;
  return float_of((bits + half + odd) & ~((1u << count) - 1));
}

uint16_t to_f16(double value) {
  const uint16_t sign = std::signbit(value) ? 0x8000 : 0;
  const double x = std::fabs(value);
  if (std::isnan(x)) return static_cast<uint16_t>(sign | 0x7e00);
  if (x >= 65520) return static_cast<uint16_t>(sign | 0x7c00);
  if (x < 0x1p-14)
    return static_cast<uint16_t>(
        sign | static_cast<uint16_t>(std::nearbyint(x * 0x1p24)));  // subnormal, or the first that is not
  int exponent;
  const double digits = std::frexp(x, &exponent);                              // in [0.5, 1)
  const auto mantissa = static_cast<uint32_t>(std::nearbyint(digits * 2048));  // 1024 to 2048
  return static_cast<uint16_t>(sign | ((static_cast<uint32_t>(exponent + 13) << 10) + mantissa));
}

double from_f16(uint16_t bits) {
  const int exponent = bits >> 10 & 31, mantissa = bits & 1023;
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == 31) return mantissa ? std::nan("") : sign * HUGE_VAL;
  return sign * (exponent ? std::ldexp(1024 + mantissa, exponent - 25) : std::ldexp(mantissa, -24));
}

template <class T>
T element(const void* data, int64_t index) {
  T value;
  std::memcpy(&value, static_cast<const char*>(data) + index * static_cast<int64_t>(sizeof value), sizeof value);
  return value;
}

template <class T>
void put(void* data, int64_t index, T value) {
  std::memcpy(static_cast<char*>(data) + index * static_cast<int64_t>(sizeof value), &value, sizeof value);
}

}  // namespace

float round_to_tf32(float x) { return rounded(x, 13); }
float round_to_bf16(float x) { return rounded(x, 16); }
float round_to_f16(float x) { return static_cast<float>(from_f16(to_f16(x))); }

double load(const void* data, Number number, int64_t index) {
  switch (number) {
    case Number::F32: return element<float>(data, index);
    case Number::F64: return element<double>(data, index);
    case Number::F16: return from_f16(element<uint16_t>(data, index));
    case Number::Bf16: return float_of(static_cast<uint32_t>(element<uint16_t>(data, index)) << 16);
  }
  return 0;
}

void store(void* data, Number number, int64_t index, double value) {
  switch (number) {
    case Number::F32: put(data, index, static_cast<float>(value)); break;
    case Number::F64: put(data, index, value); break;
    case Number::F16: put(data, index, to_f16(value)); break;
    case Number::Bf16: {
      const float x = static_cast<float>(value);
      put(data, index, static_cast<uint16_t>(std::isnan(x) ? 0x7fff : bits_of(round_to_bf16(x)) >> 16));
      break;
    }
  }
}

}  // namespace stm::standin
