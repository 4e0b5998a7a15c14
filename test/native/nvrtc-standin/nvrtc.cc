// Stands for NVRTC, CUDA's compiler at run time, as far as it matters where it is: the stand-in for cuDNN
// (cudnnBuildRNNDynamic) looks for it as the real one does. It compiles nothing, and like the real one needs its
// builtins for that, which it finds in the process or on the loader's path, and not beside itself.
#include <dlfcn.h>

extern "C" {

int nvrtcVersion(int* major, int* minor) {
  *major = 13;
  *minor = 0;
  return 0;
}

int nvrtcCompileProgram(void*, int, const char* const*) {
  constexpr int kBuiltinOperationFailure = 7;
  return dlopen("libnvrtc-builtins.so.13.0", RTLD_NOW | RTLD_LOCAL) ? 0 : kBuiltinOperationFailure;
}
}
