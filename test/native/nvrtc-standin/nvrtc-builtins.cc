// Stands for the library of device code that NVRTC opens when it compiles (nvrtc.cc).
extern "C" const char nvrtc_builtins[] = "13.0";
