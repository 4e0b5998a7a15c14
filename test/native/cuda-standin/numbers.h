#pragma once
#include <cstddef>
#include <cstdint>

namespace stm::standin {

enum class Number { F32, F64, F16, Bf16 };

constexpr size_t size_of(Number number) { return number == Number::F64 ? 8 : number == Number::F32 ? 4 : 2; }

/// To the nearest number of fewer digits, ties to even.
float round_to_tf32(float x);
float round_to_bf16(float x);
float round_to_f16(float x);

/// The element at `index` of an array of numbers, and the way back.
double load(const void* data, Number number, int64_t index);
void store(void* data, Number number, int64_t index, double value);

}  // namespace stm::standin
