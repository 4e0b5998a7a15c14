# The CUDA back end: a plug-in beside the addon, which opens it if there is a device. One build folder makes one of two:
#
#   STMNET_CUDA=ON      stmnet_cuda, libstmnet_cuda.so: by nvcc, with CUDA's run-time library inside.
#                       `npm run build:cuda`.
#   STMNET_STANDIN=ON   stmnet_cuda_standin, standin/libstmnet_cuda_standin.so: the very same sources by the C++
#                       compiler, linked with libcuda_standin.so, which stands for CUDA, cuBLAS and cuDNN and computes
#                       on the CPU. For tests. `npm run build:standin`.
#   STMNET_CUDA_ROOT    where CUDA is: the folder that `npm run cuda:sdk` fills, or a toolkit with cuDNN's headers. The
#                       stand-in needs the headers alone.

option(STMNET_CUDA "Build the CUDA plug-in" OFF)
option(STMNET_STANDIN "Build the CUDA plug-in's stand-in, for tests" OFF)
set(STMNET_CUDA_ROOT "" CACHE PATH "A folder made by `npm run cuda:sdk`, or a CUDA toolkit")
if(NOT (STMNET_CUDA OR STMNET_STANDIN))
  return()
endif()
if(STMNET_CUDA AND STMNET_STANDIN)
  message(FATAL_ERROR "stmnet: got STMNET_CUDA and STMNET_STANDIN, expected one of them: they compile the same files "
    "in two ways. Fix: use two build folders.")
endif()

# An SDK names its toolkit by a link; anything else is a toolkit itself.
set(cuda_toolkit ${STMNET_CUDA_ROOT})
foreach(folder toolkit nvidia/cu13)
  if(EXISTS ${STMNET_CUDA_ROOT}/${folder}/include)
    set(cuda_toolkit ${STMNET_CUDA_ROOT}/${folder})
    break()
  endif()
endforeach()
file(GLOB cuda_folders ${STMNET_CUDA_ROOT}/nvidia/*/include)
set(cuda_include "")
foreach(header cuda_runtime_api.h cublas_v2.h cudnn.h)
  set(found "")
  foreach(folder ${cuda_toolkit}/include ${cuda_folders} /usr/include /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})
    if(NOT found AND EXISTS ${folder}/${header})
      set(found ${folder})
    endif()
  endforeach()
  if(NOT found)
    message(FATAL_ERROR "stmnet: ${header} was not found below STMNET_CUDA_ROOT, '${STMNET_CUDA_ROOT}'. "
      "Fix: npm run cuda:sdk fetches what is missing; "
                        "build:cuda and build:standin call it.")
  endif()
  list(APPEND cuda_include ${found})
endforeach()
list(REMOVE_DUPLICATES cuda_include)

file(GLOB_RECURSE STMNET_CUDA_SOURCES CONFIGURE_DEPENDS native/backend/cuda/*.cc native/backend/cuda/*.cu)
set(cuda_kernels ${STMNET_CUDA_SOURCES})
list(FILTER cuda_kernels INCLUDE REGEX "\\.cu$")
set(plugin_map ${CMAKE_CURRENT_SOURCE_DIR}/native/backend/cuda/device/plugin.map)

if(STMNET_CUDA)
  if(NOT EXISTS ${cuda_toolkit}/bin/nvcc)
    message(FATAL_ERROR "stmnet: there is no bin/nvcc in '${cuda_toolkit}', which STMNET_CUDA_ROOT leads to. "
      "Fix: npm run build:cuda makes a folder that has one.")
  endif()
  set(CMAKE_CUDA_COMPILER ${cuda_toolkit}/bin/nvcc)
  set(CMAKE_CUDA_HOST_COMPILER ${CMAKE_CXX_COMPILER})
  set(CMAKE_CUDA_VISIBILITY_PRESET hidden)
  set(CMAKE_CUDA_RUNTIME_LIBRARY Static)
  if(NOT CMAKE_CUDA_ARCHITECTURES)  # cubins for Turing, Ampere and Hopper; their successors compile the PTX of the last
    set(CMAKE_CUDA_ARCHITECTURES 75-real 80-real 90-real 90-virtual)
  endif()
  enable_language(CUDA)
  if(CMAKE_CUDA_COMPILER_VERSION VERSION_LESS 12)
    message(FATAL_ERROR "stmnet: got CUDA ${CMAKE_CUDA_COMPILER_VERSION}, expected 12 or later. "
      "Fix: install a newer toolkit, or npm run cuda:sdk.")
  endif()
  if(NOT CMAKE_CUDA20_STANDARD_COMPILE_OPTION)  # older CMakes do not know that nvcc 12 has it
    set(CMAKE_CUDA20_STANDARD_COMPILE_OPTION -std=c++20)
    set(CMAKE_CUDA20_EXTENSION_COMPILE_OPTION -std=c++20)
  endif()
  set(CUDAToolkit_ROOT ${cuda_toolkit})
  find_package(CUDAToolkit REQUIRED)

  # cuBLAS and cuDNN are opened at run time: of them it takes the headers alone.
  add_library(stmnet_cuda MODULE EXCLUDE_FROM_ALL ${STMNET_CUDA_SOURCES} $<TARGET_OBJECTS:stmnet_source_hash>)
  set_target_properties(stmnet_cuda PROPERTIES
    LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR} SKIP_BUILD_RPATH ON LINKER_LANGUAGE CXX
    LINK_DEPENDS ${plugin_map})
  target_compile_options(stmnet_cuda PRIVATE
    $<$<COMPILE_LANGUAGE:CUDA>:--extended-lambda --expt-relaxed-constexpr
      -Xcompiler=-Wall,-Wextra,-Werror=format,-Wno-unknown-pragmas>)
  if(CMAKE_CUDA_COMPILER_VERSION VERSION_GREATER_EQUAL 13)  # a quarter of the size; every driver for CUDA 13 reads it
    target_compile_options(stmnet_cuda PRIVATE $<$<COMPILE_LANGUAGE:CUDA>:--compress-mode=size>)
  endif()
  target_include_directories(stmnet_cuda SYSTEM PRIVATE ${cuda_include})
  target_link_libraries(stmnet_cuda PRIVATE stmnet_options stmnet_runtime CUDA::cudart_static)
  target_link_options(stmnet_cuda PRIVATE -Wl,-z,defs -Wl,-z,nodelete -Wl,-z,relro,-z,now -Wl,--exclude-libs,ALL
    -Wl,--version-script=${plugin_map})
endif()

if(STMNET_STANDIN)
  # What follows shares one dynamic libstdc++: std::function crosses between these libraries.
  function(stmnet_standin_target target)
    target_link_libraries(${target} PRIVATE stmnet_options)
    target_compile_options(${target} PRIVATE -Wno-unknown-pragmas)  # nvcc's own
    target_include_directories(${target} PRIVATE test/native)
    target_include_directories(${target} SYSTEM PRIVATE ${cuda_include})
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/standin BUILD_RPATH_USE_ORIGIN ON)
    if(NOT STMNET_SANITIZE)
      target_link_options(${target} PRIVATE -Wl,-z,defs)
    endif()
  endfunction()

  file(GLOB_RECURSE STMNET_STANDIN_SOURCES CONFIGURE_DEPENDS test/native/cuda-standin/*.cc)
  add_library(cuda_standin SHARED ${STMNET_STANDIN_SOURCES} $<TARGET_OBJECTS:stmnet_core>)
  stmnet_standin_target(cuda_standin)
  # NVIDIA's headers leave it to the compiler.
  set_target_properties(cuda_standin PROPERTIES CXX_VISIBILITY_PRESET default)
  # What it calls is its own, whatever else the process holds; the engine's threads outlive every environment.
  target_link_libraries(cuda_standin PRIVATE ${CMAKE_DL_LIBS})
  target_link_options(cuda_standin PRIVATE -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -Wl,-z,nodelete)

  # NVRTC lies beside cuBLAS, under the names that are looked for there, with its builtins.
  foreach(name nvrtc nvrtc-builtins)
    add_library(${name}_standin SHARED test/native/nvrtc-standin/${name}.cc)
    target_link_libraries(${name}_standin PRIVATE ${CMAKE_DL_LIBS})
    set_target_properties(${name}_standin PROPERTIES
      OUTPUT_NAME ${name} CXX_VISIBILITY_PRESET default EXCLUDE_FROM_ALL ON
      LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/standin)
  endforeach()
  set_target_properties(nvrtc_standin PROPERTIES SOVERSION 13)
  set_target_properties(nvrtc-builtins_standin PROPERTIES SOVERSION 13.0)

  set_source_files_properties(${cuda_kernels} PROPERTIES LANGUAGE CXX)
  add_library(stmnet_cuda_objects OBJECT ${STMNET_CUDA_SOURCES})
  stmnet_standin_target(stmnet_cuda_objects)
  add_library(stmnet_cuda_standin MODULE $<TARGET_OBJECTS:stmnet_cuda_objects> $<TARGET_OBJECTS:stmnet_source_hash>)
  stmnet_standin_target(stmnet_cuda_standin)
  target_link_libraries(stmnet_cuda_standin PRIVATE cuda_standin)
  set_target_properties(stmnet_cuda_standin PROPERTIES LINK_DEPENDS ${plugin_map})
  target_link_options(stmnet_cuda_standin PRIVATE -Wl,--version-script=${plugin_map})

  # The controls for tests in JavaScript. Node's symbols are there once Node loads it.
  add_library(standin_control MODULE test/native/standin-control/control.cc)
  stmnet_standin_target(standin_control)
  set_target_properties(standin_control PROPERTIES PREFIX "" SUFFIX ".node")
  target_compile_definitions(standin_control PRIVATE NAPI_VERSION=8)
  target_include_directories(standin_control SYSTEM PRIVATE node_modules/node-api-headers/include)
  target_link_libraries(standin_control PRIVATE cuda_standin)
  target_link_options(standin_control PRIVATE -Wl,-z,lazy -Wl,--unresolved-symbols=ignore-in-object-files)

  # The questions to cuDNN (scripts/gpu/questions.mjs), which open the libraries as the plug-in does.
  file(GLOB STMNET_PROBE_SOURCES CONFIGURE_DEPENDS test/native/cuda-probe/*.cc)
  add_executable(cuda_probe ${STMNET_PROBE_SOURCES} native/backend/cuda/device/folders.cc
    native/backend/cuda/device/libraries.cc native/backend/cuda/device/switches.cc)
  stmnet_standin_target(cuda_probe)
  set_target_properties(cuda_probe PROPERTIES
    OUTPUT_NAME cuda-probe RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/standin)
  target_link_libraries(cuda_probe PRIVATE cuda_standin)
  add_custom_target(standin DEPENDS
    cuda_standin nvrtc_standin nvrtc-builtins_standin stmnet_cuda_standin standin_control cuda_probe)

  # A test sees the plug-in's inside, the stand-in's controls (test/native/cuda-standin/*.h) and the CPU engine, to
  # compare with.
  function(stmnet_standin_test target)
    target_sources(${target} PRIVATE
      $<TARGET_OBJECTS:stmnet_cuda_objects> $<TARGET_OBJECTS:stmnet_core> $<TARGET_OBJECTS:stmnet_source_hash>)
    stmnet_standin_target(${target})
    # No function of the last two is called: they are to be in the process, as the plug-in sees to.
    target_link_libraries(${target} PRIVATE cuda_standin
      -Wl,--push-state,--no-as-needed nvrtc_standin nvrtc-builtins_standin -Wl,--pop-state)
  endfunction()
endif()
