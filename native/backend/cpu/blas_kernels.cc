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
void bli_cntx_init_skx(void*) __attribute__((weak));  // null where this BLIS was built without these kernels
void bli_cntx_init_haswell(void*) __attribute__((weak));
}

namespace {

/// The number of the kind of that name, or `otherwise`. BLIS numbers its kinds anew from release to release; x86's come first.
int kind_called(const char* name, int otherwise) {
  for (int id = 0; id < 16; ++id) {
    if (std::strcmp(bli_arch_string(id), name) == 0) return id;
  }
  return otherwise;
}

}  // namespace

// BLIS asks this function for the kind of the processor: the linker leads its call here (cmake/dependencies.cmake). A processor that BLIS does not know, because it
// is younger, say, would be a generic one, and get portable kernels, although haswell's or skx's run on it.
int __wrap_bli_cpuid_query_id() {
  const int known = __real_bli_cpuid_query_id();
  if (std::strcmp(bli_arch_string(known), "generic") != 0) return known;
  const stm::Processor& here = stm::processor();
  if (here.avx512 && bli_cntx_init_skx) return kind_called("skx", known);
  if (here.avx2 && bli_cntx_init_haswell) return kind_called("haswell", known);
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

std::string blas_limit() {
  const std::string name = blas_kernels();
  if (name.empty()) return {};
  if (const char* const wanted = std::getenv("BLIS_ARCH_TYPE")) return std::string("BLIS_ARCH_TYPE=") + wanted + " chose the matrix kernels";
  if (name == "generic") return processor().avx2 ? "this BLIS has no matrix kernels for this processor" : "";
  const bool wide = name == "skx" || name == "zen4" || name == "zen5";
  return processor().avx512 && !wide ? "BLIS counts on AVX2 for this processor, whose AVX-512 units are no faster" : "";
}

}  // namespace stm
