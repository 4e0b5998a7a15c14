# Toolchain of the published addons: this machine's compiler against the Debian 11 in $STMNET_SYSROOT (scripts/sysroot),
# whose glibc 2.31 is then the oldest that the addon loads on. libstdc++ must be that one too: the static one of a newer
# compiler asks for a newer glibc.
set(sysroot $ENV{STMNET_SYSROOT})
if(NOT IS_DIRECTORY "${sysroot}/usr/include")
  message(FATAL_ERROR "STMNET_SYSROOT: got '${sysroot}', expected the sysroot folder that scripts/sysroot makes. "
    "Fix: npm run prebuilds.")
endif()
file(GLOB gcc ${sysroot}/usr/lib/gcc/*-linux-gnu/10)
get_filename_component(triplet ${gcc} DIRECTORY)
get_filename_component(triplet ${triplet} NAME)

set(CMAKE_SYSROOT ${sysroot})
set(CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES ${sysroot}/usr/include/c++/10 ${sysroot}/usr/include/${triplet}/c++/10)
add_compile_options($<$<COMPILE_LANGUAGE:CXX>:-nostdinc++>)
# CMake gives neither nvcc nor its link test the sysroot.
set(CMAKE_CUDA_FLAGS_INIT "-Xcompiler=--sysroot=${sysroot},-nostdinc++")
foreach(folder ${CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES})
  string(APPEND CMAKE_CUDA_FLAGS_INIT " -isystem=${folder}")
endforeach()
set(libraries "-B${sysroot}/usr/lib/${triplet} -L${sysroot}/usr/lib/${triplet} -L${sysroot}/lib/${triplet}")
foreach(kind SHARED MODULE EXE)
  set(CMAKE_${kind}_LINKER_FLAGS_INIT "--sysroot=${sysroot} -B${gcc} -L${gcc} ${libraries}")
endforeach()
