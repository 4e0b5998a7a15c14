#pragma once
#include <string>

namespace stm {

/// The instruction set that vector code runs on: the best of this processor, unless STMNET_SIMD or force_simd_target
/// chose another. "AVX3" is AVX-512.
const char* simd_target() noexcept;

/// The same for people: "AVX3 (AVX-512)".
const char* simd_label() noexcept;

/// Why no better one, or "" if it is the best that there is: what the processor lacks, or who chose.
std::string simd_limit();

/// The instruction sets that this processor can run, best first, ending with a null pointer: "AVX3", "AVX2", "SSE4";
/// "NEON" on ARM.
const char* const* supported_simd_targets() noexcept;

/// Chooses for the whole process, for tests; null goes back to the best. Returns false, changing nothing, for a name
/// that is not supported. Recurrent weights packed before must be packed again. To be called while no kernel runs.
bool force_simd_target(const char* name) noexcept;

}  // namespace stm
