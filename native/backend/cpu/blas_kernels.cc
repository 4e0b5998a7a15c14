#include "backend/cpu/blas_kernels.h"

#include <cstdlib>
#include <cstring>

#include "backend/cpu/processor.h"
#include "cblas.h"

#if __has_include("blis.h")
#define STM_HAS_BLIS 1
extern "C" {  // declared here, as blis.h defines short macros by the hundred
void bli_init(void);
int bli_arch_query_id(void);
char* bli_arch_string(int id);
}
#endif

#ifdef STM_STATIC_BLIS
extern "C" {
int __real_bli_cpuid_query_id(void);
int __wrap_bli_cpuid_query_id(void);
// Null where this BLIS was built for another architecture, or without these kernels.
int vpu_count(void) __attribute__((weak));
void bli_cntx_init_skx(void*) __attribute__((weak));
void bli_cntx_init_haswell(void*) __attribute__((weak));
}

// BLIS asks this function for the kind of the processor: the linker leads its call here (cmake/dependencies.cmake).
int __wrap_bli_cpuid_query_id() {
  const int known = __real_bli_cpuid_query_id();
  const int units = vpu_count ? vpu_count() : -1;
  const char* const wanted = stm::better_kernels(bli_arch_string(known), stm::processor(), units);
  const bool there = std::strcmp(wanted, "skx") == 0 ? bli_cntx_init_skx != nullptr : bli_cntx_init_haswell != nullptr;
  for (int id = 0; there && id < 16; ++id) {  // BLIS numbers its kinds anew from release to release; x86's come first
    if (std::strcmp(bli_arch_string(id), wanted) == 0) return id;
  }
  return known;
}
#endif

namespace stm {
namespace {

const char* settle() {
#ifdef STM_HAS_BLIS
  bli_init();  // or a BLIS_ARCH_TYPE of the user's is checked against kinds not yet registered
  return bli_arch_string(bli_arch_query_id());
#else
  return "";
#endif
}

}  // namespace

const char* blas_kernels() {
  static const char* const name = settle();
  return name;
}

// A processor that BLIS does not know, because it is younger, say, is a generic one to it, and gets portable kernels,
// although haswell's or skx's run on it. And of Intel's it gives AVX-512 only to those of whose name it knows that two
// units multiply 512 bits: not where a virtual machine hides the name, nor to any that is younger than Cascade Lake
// (model 0x55). Only up to there is one unit, which slows the clock down, worse than two for 256 bits.
const char* better_kernels(const char* known, const Processor& processor, int units) noexcept {
  const bool generic = std::strcmp(known, "generic") == 0;
  const bool one_unit = units == 1 && processor.family == 6 && processor.model == 0x55;
  if (processor.avx512 && (generic || (std::strcmp(known, "haswell") == 0 && !one_unit))) return "skx";
  return generic && processor.avx2 ? "haswell" : known;
}

std::string blas_limit() {
  const std::string name = blas_kernels();
  if (name.empty()) return {};
  if (const char* const wanted = std::getenv("BLIS_ARCH_TYPE"))
    return std::string("BLIS_ARCH_TYPE=") + wanted + " chose the matrix kernels";
  if (name == "generic") return processor().avx2 ? "this BLIS has no matrix kernels for this processor" : "";
  const bool wide = name == "skx" || name == "zen4" || name == "zen5";
  return processor().avx512 && !wide ? "BLIS multiplies with AVX2 on this processor, whose AVX-512 is no faster" : "";
}

}  // namespace stm
