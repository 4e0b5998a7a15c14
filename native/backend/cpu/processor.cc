#include "backend/cpu/processor.h"

#include <cstddef>
#include <cstdio>

#if defined(__x86_64__) || defined(__i386__)
#define STM_X86 1
#include <cpuid.h>
#endif

namespace stm {
namespace {

struct Feature {
  const char* name;  // as in /proc/cpuinfo
  uint32_t ProcessorWords::*word;
  int bit;
};

constexpr auto kLeaf1 = &ProcessorWords::leaf1_ecx;
constexpr auto kLeaf7 = &ProcessorWords::leaf7_ebx;
constexpr Feature kOsSavesRegisters{"osxsave", kLeaf1, 27};
constexpr Feature kSse4[] = {{"sse4_1", kLeaf1, 19}, {"sse4_2", kLeaf1, 20}, {"popcnt", kLeaf1, 23}};
constexpr Feature kAvx2[] = {{"avx", kLeaf1, 28},  {"avx2", kLeaf7, 5}, {"fma", kLeaf1, 12},
                             {"f16c", kLeaf1, 29}, {"bmi1", kLeaf7, 3}, {"bmi2", kLeaf7, 8}};
constexpr Feature kAvx512[] = {{"avx512f", kLeaf7, 16},
                               {"avx512cd", kLeaf7, 28},
                               {"avx512dq", kLeaf7, 17},
                               {"avx512bw", kLeaf7, 30},
                               {"avx512vl", kLeaf7, 31}};
constexpr Feature kBf16{"avx512_bf16", &ProcessorWords::leaf7_1_eax, 5};
constexpr uint64_t kAvxRegisters = 0x6,
                   kAvx512Registers = 0xe6;  // XCR0: SSE and AVX; mask registers, the upper halves, the upper 16

bool has(const ProcessorWords& words, const Feature& feature) { return words.*feature.word >> feature.bit & 1; }

template <size_t N>
bool has_all(const ProcessorWords& words, const Feature (&features)[N]) {
  for (const Feature& feature : features) {
    if (!has(words, feature)) return false;
  }
  return true;
}

/// Says why `what` cannot be used: some of its features are missing, all are, or the registers are not saved.
template <size_t N>
void explain(const ProcessorWords& words, const char* what, const Feature (&features)[N], Processor* out) {
  size_t missing = 0, length = 0;
  char names[96] = "";
  for (const Feature& feature : features) {
    if (has(words, feature)) continue;
    length += static_cast<size_t>(
        std::snprintf(names + length, sizeof names - length, "%s%s", missing++ ? ", " : "", feature.name));
  }
  if (missing == N) {
    std::snprintf(out->limit, sizeof out->limit, "the processor has no %s", what);
  } else if (missing > 0) {
    std::snprintf(out->limit, sizeof out->limit, "the processor has no %s with all it needs: %s missing", what, names);
  } else {
    std::snprintf(out->limit, sizeof out->limit,
                  "the processor has %s, but the operating system does not save its registers", what);
  }
}

#ifdef STM_X86
ProcessorWords ask() {
  ProcessorWords words;
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(1, &eax, &ebx, &ecx, &edx)) {
    words.leaf1_eax = eax;
    words.leaf1_ecx = ecx;
  }
  if (__get_cpuid_count(7, 0, &eax, &ebx, &ecx, &edx)) {
    words.leaf7_ebx = ebx;
    if (eax >= 1 && __get_cpuid_count(7, 1, &eax, &ebx, &ecx, &edx)) words.leaf7_1_eax = eax;
  }
  if (has(words, kOsSavesRegisters)) {
    uint32_t low = 0, high = 0;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    words.saved = uint64_t{high} << 32 | low;
  }
  return words;
}
#endif

}  // namespace

Processor processor_of(const ProcessorWords& words) noexcept {
  Processor found;
  const int family = words.leaf1_eax >> 8 & 0xf, model = words.leaf1_eax >> 4 & 0xf;
  found.family = family == 0xf ? family + static_cast<int>(words.leaf1_eax >> 20 & 0xff) : family;
  found.model = family == 0x6 || family == 0xf ? static_cast<int>(words.leaf1_eax >> 16 & 0xf) << 4 | model : model;
  found.sse4 = has_all(words, kSse4);
  found.avx2 = found.sse4 && has_all(words, kAvx2) && (words.saved & kAvxRegisters) == kAvxRegisters;
  found.avx512 = found.avx2 && has_all(words, kAvx512) && (words.saved & kAvx512Registers) == kAvx512Registers;
  found.bf16 = found.avx512 && has(words, kBf16);
  if (!found.avx2) explain(words, "AVX2", kAvx2, &found);
  if (found.avx2 && !found.avx512) explain(words, "AVX-512", kAvx512, &found);
  return found;
}

// Not __builtin_cpu_supports: it reads words that the compiler's run-time library has filled, and the published addon
// has an older library than compiler, which leaves features out that the compiler asks for.
const Processor& processor() noexcept {
#ifdef STM_X86
  static const Processor here = processor_of(ask());
#else
  static const Processor here;
#endif
  return here;
}

}  // namespace stm
