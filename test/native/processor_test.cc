// Which instruction sets the words of cpuid and xgetbv allow, and that this machine's are those that Linux lists in
// /proc/cpuinfo.
#include "backend/cpu/processor.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <set>
#include <sstream>
#include <string>

#include "backend/cpu/blas_kernels.h"
#include "backend/cpu/simd_dispatch.h"
#include "check.h"

namespace {

using stm::testing::require;
using stm::testing::require_text;

// A server of 2023, and what one of its bits more or less makes of it.
constexpr stm::ProcessorWords kServer{0x000606a6, 0x7ed8320b, 0xf1bf97a9, 0xe7};

stm::ProcessorWords without(std::initializer_list<int> leaf1, std::initializer_list<int> leaf7,
                            uint64_t saved = kServer.saved) {
  stm::ProcessorWords words = kServer;
  for (const int bit : leaf1) words.leaf1_ecx &= ~(1u << bit);
  for (const int bit : leaf7) words.leaf7_ebx &= ~(1u << bit);
  words.saved = saved;
  return words;
}

void expect(const char* what, const stm::ProcessorWords& words, const char* best, const char* limit) {
  const stm::Processor found = stm::processor_of(words);
  const char* const given = found.avx512 ? "avx512" : found.avx2 ? "avx2" : found.sse4 ? "sse4" : "none";
  require_text(given, best, what);
  require_text(found.limit, limit, what);
}

void check_words() {
  const stm::Processor zen5 = stm::processor_of({0x00b40f40, 0, 0, 0}), ice_lake = stm::processor_of(kServer);
  require(zen5.family == 0x1a && zen5.model == 0x44 && ice_lake.family == 6 && ice_lake.model == 0x6a,
          "family and model");
  expect("a server", kServer, "avx512", "");
  expect("no AVX-512", without({}, {16, 17, 28, 30, 31}), "avx2", "the processor has no AVX-512");
  expect("half of AVX-512", without({}, {17, 30, 31}), "avx2",
         "the processor has no AVX-512 with all it needs: avx512dq, avx512bw, avx512vl missing");
  expect("AVX-512 that is not saved", without({}, {}, 0x7), "avx2",
         "the processor has AVX-512, but the operating system does not save its registers");
  expect("AVX that is not saved", without({}, {}, 0x3), "sse4",
         "the processor has AVX2, but the operating system does not save its registers");
  expect("no F16C", without({29}, {}), "sse4", "the processor has no AVX2 with all it needs: f16c missing");
  expect("no FMA and no BMI2", without({12}, {8}), "sse4",
         "the processor has no AVX2 with all it needs: fma, bmi2 missing");
  stm::ProcessorWords pairs = kServer;
  pairs.leaf7_1_eax = 1u << 5;
  require(!stm::processor_of(kServer).bf16 && stm::processor_of(pairs).bf16, "products of bf16");
  pairs.saved = 0x7;
  require(!stm::processor_of(pairs).bf16, "products of bf16 in registers that are not saved");
  expect("nothing", {}, "none", "the processor has no AVX2");
}

void expect_kernels(const char* known, uint32_t signature, bool avx512, int units, const char* best) {
  stm::ProcessorWords words = avx512 ? kServer : without({}, {16});
  words.leaf1_eax = signature;
  const std::string given = stm::better_kernels(known, stm::processor_of(words), units);
  require(given == best, std::string("BLIS would take ") + known + ": got " + given + ", expected " + best);
}

void check_kernels() {
  expect_kernels("generic", 0x00b40f40, true, -1, "skx");       // Zen 5, which BLIS 0.9 does not know
  expect_kernels("generic", 0x00b40f40, false, -1, "haswell");  // the same where AVX-512 is hidden
  expect_kernels("zen3", 0x00a10f11, true, -1, "zen3");         // Zen 4
  expect_kernels("zen2", 0x00830f10, false, -1, "zen2");
  expect_kernels("skx", 0x00050657, true, 2, "skx");
  expect_kernels("haswell", 0x00050654, true, 1, "haswell");  // a Skylake with one unit
  expect_kernels("haswell", 0x00050657, true, -1, "skx");     // a Cascade Lake whose name is hidden
  expect_kernels("haswell", 0x000606a6, true, 1, "skx");      // an Ice Lake called Silver
  expect_kernels("haswell", 0x000806f8, true, -1, "skx");     // a Sapphire Rapids called Gold
  expect_kernels("haswell", 0x00090672, false, -1, "haswell");
  require(std::string(stm::better_kernels("generic", stm::processor_of({}), -1)) == "generic",
          "kernels for vectors that are not there");
}

#if defined(__linux__) && defined(__x86_64__)
void check_this_machine() {
  std::ifstream file("/proc/cpuinfo");
  std::string line;
  while (std::getline(file, line) && line.rfind("flags", 0) != 0) {
  }
  std::istringstream words(line);
  std::set<std::string> flags;
  for (std::string flag; words >> flag;) flags.insert(flag);
  const auto all = [&](std::initializer_list<const char*> names) {
    for (const char* const name : names) {
      if (!flags.count(name)) return false;
    }
    return true;
  };
  const bool avx2 = all({"avx", "avx2", "fma", "f16c", "bmi1", "bmi2"});
  const bool avx512 = avx2 && all({"avx512f", "avx512cd", "avx512dq", "avx512bw", "avx512vl"});
  const stm::Processor& here = stm::processor();
  require(here.sse4 == all({"sse4_1", "sse4_2", "popcnt"}) && here.avx2 == avx2 && here.avx512 == avx512,
          "/proc/cpuinfo lists other features than cpuid");
  if (std::getenv("STMNET_SIMD")) return;
  require(std::strcmp(stm::simd_target(), avx512 ? "AVX3"
                                          : avx2 ? "AVX2"
                                                 : "SSE4") == 0,
          std::string("vectors are ") + stm::simd_target());
  require_text(stm::simd_limit(), here.limit, "the limit of the vectors");
}
#else
void check_this_machine() {}
#endif

void check_forced() {
  const std::string best = stm::supported_simd_targets()[0];
  std::set<std::string> supported;
  for (const char* const* name = stm::supported_simd_targets(); *name; ++name) {
    supported.insert(*name);
    require(stm::force_simd_target(*name) && std::strcmp(stm::simd_target(), *name) == 0,
            std::string(*name) + " is not taken");
    if (*name != best)
      require(stm::simd_limit().rfind("STMNET_SIMD chose the vectors", 0) == 0, "got '" + stm::simd_limit() + "'");
  }
  stm::force_simd_target(nullptr);
  for (const char* const name : {"SSE4", "NEON"}) {
    if (supported.count(name)) continue;
    require(!stm::force_simd_target(name) && stm::simd_target() == best, std::string(name) + " is taken");
  }
  require(stm::simd_target() == best && stm::simd_limit() == stm::processor().limit,
          "the best vectors do not come back");
}

}  // namespace

int main() {
  check_words();
  check_kernels();
  check_this_machine();
  check_forced();
  std::printf("processor_test: %s vectors (%s), BLAS kernels %s (%s)\n", stm::simd_label(), stm::simd_limit().c_str(),
              stm::blas_kernels(), stm::blas_limit().c_str());
  return stm::testing::finish("processor_test");
}
