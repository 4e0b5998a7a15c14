# Prints the flags of cmake/glibc-2.31.cmake for what is built without CMake: a line for the compiler, one for the
# linker.
#   STMNET_SYSROOT=<sysroot> cmake -P scripts/gpu/sysroot-flags.cmake

# What a toolchain asks for of all targets: a script has none.
function(add_compile_options)
  string(REGEX REPLACE "\\$<\\$<COMPILE_LANGUAGE:CXX>:([^>]*)>" "\\1" options "${ARGN}")
  set(options ${options} PARENT_SCOPE)
endfunction()
include(${CMAKE_CURRENT_LIST_DIR}/../../cmake/glibc-2.31.cmake)

set(compile --sysroot=${CMAKE_SYSROOT} ${options})
foreach(folder ${CMAKE_CXX_STANDARD_INCLUDE_DIRECTORIES})
  list(APPEND compile -isystem ${folder})
endforeach()
execute_process(COMMAND ${CMAKE_COMMAND} -E echo ${compile})
execute_process(COMMAND ${CMAKE_COMMAND} -E echo ${CMAKE_EXE_LINKER_FLAGS_INIT})
