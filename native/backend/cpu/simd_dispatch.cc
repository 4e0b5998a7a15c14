#include "backend/cpu/simd_dispatch.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "hwy/targets.h"

// Run-time dispatch calls three functions of libhwy. They are defined here, so that the addon needs Highway's headers only: Debian ships no static libhwy.
namespace hwy {
namespace {

std::atomic<int64_t> forced{0};

int64_t detect() {
#if HWY_ARCH_X86
  __builtin_cpu_init();  // also checks that the operating system saves the wide registers
  int64_t targets = HWY_STATIC_TARGET;
  if (__builtin_cpu_supports("sse4.2")) targets |= HWY_SSE4;
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("f16c")) {
    targets |= HWY_AVX2;
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl")) {
      targets |= HWY_AVX3;
    }
  }
  return targets;
#else
  return HWY_STATIC_TARGET;
#endif
}

int64_t detected() {
  static const int64_t targets = detect();
  return targets;
}

}  // namespace

int64_t SupportedTargets() {
  const int64_t wanted = forced.load();
  return wanted ? wanted : detected();
}

ChosenTarget& GetChosenTarget() {
  static ChosenTarget chosen;
  return chosen;
}

void SetSupportedTargetsForTest(int64_t targets) { forced.store(targets); }

}  // namespace hwy

namespace stm {
namespace {

struct Target {
  const char* name;
  int64_t bit;
};
constexpr Target kTargets[] = {{"AVX3", HWY_AVX3}, {"AVX2", HWY_AVX2}, {"SSE4", HWY_SSE4}, {"NEON", HWY_NEON}};
constexpr int kTargetCount = sizeof kTargets / sizeof kTargets[0];

struct Supported {
  const char* names[kTargetCount + 1] = {};
  Supported() {
    int count = 0;
    for (const Target& target : kTargets) {
      if (hwy::detected() & HWY_TARGETS & target.bit) names[count++] = target.name;
    }
  }
};

bool choose(const char* name) {
  int64_t bits = 0;
  for (const Target& target : kTargets) {
    if (name && std::strcmp(name, target.name) == 0) bits = hwy::detected() & HWY_TARGETS & target.bit;
  }
  if (name && !bits) return false;
  hwy::SetSupportedTargetsForTest(bits);
  hwy::GetChosenTarget().Update(hwy::SupportedTargets());
  return true;
}

// STMNET_SIMD, before any kernel has run.
const bool environment_was_read = [] {
  const char* const wanted = std::getenv("STMNET_SIMD");
  if (wanted && *wanted && !choose(wanted)) {
    std::fprintf(stderr, "STMNET_SIMD: got '%s', expected an instruction set of this processor (", wanted);
    const char* separator = "";
    for (const char* const* name = supported_simd_targets(); *name; ++name, separator = ", ") std::fprintf(stderr, "%s%s", separator, *name);
    std::fprintf(stderr, "). Fix: set one of these or unset it; %s is used now.\n", simd_target());
  }
  return true;
}();

}  // namespace

const char* const* supported_simd_targets() noexcept {
  static const Supported supported;
  return supported.names;
}

const char* simd_target() noexcept {
  const int64_t usable = hwy::SupportedTargets() & HWY_TARGETS;
  for (const Target& target : kTargets) {
    if (usable & target.bit) return target.name;
  }
  return "none";
}

bool force_simd_target(const char* name) noexcept { return environment_was_read && choose(name); }

}  // namespace stm
