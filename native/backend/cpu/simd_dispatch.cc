#include "backend/cpu/simd_dispatch.h"

#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "backend/cpu/processor.h"
#include "hwy/targets.h"

// Run-time dispatch calls three functions of libhwy. They are defined here, so that the addon needs Highway's headers
// only: Debian ships no static libhwy.
namespace hwy {
namespace {

std::atomic<int64_t> forced{0};

int64_t detect() {
  int64_t targets = HWY_STATIC_TARGET;
#if HWY_ARCH_X86
  const stm::Processor& processor = stm::processor();
  if (processor.sse4) targets |= HWY_SSE4;
  if (processor.avx2) targets |= HWY_AVX2;
  if (processor.avx512) targets |= HWY_AVX3;
#endif
  return targets;
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

// Highway has several kinds of NEON, of which one is compiled: see CMakeLists.txt.
#if HWY_ARCH_ARM
constexpr int64_t kNeon = HWY_STATIC_TARGET;
#else
constexpr int64_t kNeon = HWY_NEON;
#endif

struct Target {
  const char* name;
  int64_t bit;
  const char* label;
};
constexpr Target kTargets[] = {{"AVX3", HWY_AVX3, "AVX3 (AVX-512)"},
                               {"AVX2", HWY_AVX2, "AVX2"},
                               {"SSE4", HWY_SSE4, "SSE4"},
                               {"NEON", kNeon, "NEON"}};
constexpr int kTargetCount = sizeof kTargets / sizeof kTargets[0];

/// The first of `bits`, or null.
const Target* best_of(int64_t bits) {
  for (const Target& target : kTargets) {
    if (bits & target.bit) return &target;
  }
  return nullptr;
}

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
    for (const char* const* name = supported_simd_targets(); *name; ++name, separator = ", ")
      std::fprintf(stderr, "%s%s", separator, *name);
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
  const Target* const target = best_of(hwy::SupportedTargets() & HWY_TARGETS);
  return target ? target->name : "none";
}

const char* simd_label() noexcept {
  const Target* const target = best_of(hwy::SupportedTargets() & HWY_TARGETS);
  return target ? target->label : "no";
}

std::string simd_limit() {
  const Target* const used = best_of(hwy::SupportedTargets() & HWY_TARGETS);
  const Target* const built = best_of(hwy::detected() & HWY_TARGETS);
  const Target* const present = best_of(hwy::detected());
  if (used != built) return std::string("STMNET_SIMD chose the vectors, of a processor that has ") + built->label;
  if (built != present) return std::string("the compiler of this addon made no code for ") + present->label;
  return processor().limit;
}

bool force_simd_target(const char* name) noexcept { return environment_was_read && choose(name); }

}  // namespace stm
