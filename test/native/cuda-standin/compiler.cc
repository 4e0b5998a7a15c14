#include "cuda-standin/compiler.h"

#include <dlfcn.h>

namespace stm::standin {
namespace {

using Compile = int (*)(void* program, int count, const char* const* options);

Compile find_compiler() { return reinterpret_cast<Compile>(dlsym(RTLD_DEFAULT, "nvrtcCompileProgram")); }

}  // namespace

bool compiler_is_there() { return find_compiler() != nullptr; }

bool compiler_compiles() {
  const Compile compile = find_compiler();
  return compile && compile(nullptr, 0, nullptr) == 0;
}

}  // namespace stm::standin
