# The CUDA back end: a plug-in beside the addon, which opens it if there is a device. One build folder makes one of two:
#
#   STMNET_CUDA=ON      stmnet_cuda, libstmnet_cuda.so: by nvcc, with CUDA's run-time library inside. `npm run build:cuda`.
#   STMNET_STANDIN=ON   stmnet_cuda_standin, standin/libstmnet_cuda_standin.so: the very same sources by the C++ compiler, linked with libcuda_standin.so,
#                       which stands for CUDA, cuBLAS and cuDNN and computes on the CPU. For tests. `npm run build:standin`.
#   STMNET_CUDA_ROOT    where CUDA is: the folder that `npm run cuda:sdk` fills, or a toolkit with cuDNN's headers. The stand-in needs the headers alone.

option(STMNET_CUDA "Build the CUDA plug-in" OFF)
option(STMNET_STANDIN "Build the CUDA plug-in's stand-in, for tests" OFF)
set(STMNET_CUDA_ROOT "" CACHE PATH "A folder made by `npm run cuda:sdk`, or a CUDA toolkit")
if(NOT (STMNET_CUDA OR STMNET_STANDIN))
  return()
endif()
if(STMNET_CUDA AND STMNET_STANDIN)
  message(FATAL_ERROR "stmnet: got STMNET_CUDA and STMNET_STANDIN, expected one of them: they compile the same files in two ways. Fix: use two build folders.")
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
    message(FATAL_ERROR "stmnet: ${header} was not found below STMNET_CUDA_ROOT, '${STMNET_CUDA_ROOT}'. Fix: npm run cuda:sdk fetches what is missing; "
                        "build:cuda and build:standin call it.")
  endif()
  list(APPEND cuda_include ${found})
endforeach()
list(REMOVE_DUPLICATES cuda_include)

file(GLOB_RECURSE STMNET_CUDA_SOURCES CONFIGURE_DEPENDS native/backend/cuda/*.cc native/backend/cuda/*.cu)
set(cuda_kernels ${STMNET_CUDA_SOURCES})
list(FILTER cuda_kernels INCLUDE REGEX "\\.cu$")
set(plugin_map ${CMAKE_CURRENT_SOURCE_DIR}/native/backend/cuda/plugin.map)

if(STMNET_STANDIN)
  # What follows shares one dynamic libstdc++: std::function crosses between these libraries.
  function(stmnet_standin_target target)
    target_link_libraries(${target} PRIVATE stmnet_options)
    target_include_directories(${target} PRIVATE test/native)
    target_include_directories(${target} SYSTEM PRIVATE ${cuda_include})
    set_target_properties(${target} PROPERTIES EXCLUDE_FROM_ALL ON LIBRARY_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/standin BUILD_RPATH_USE_ORIGIN ON)
    if(NOT STMNET_SANITIZE)
      target_link_options(${target} PRIVATE -Wl,-z,defs)
    endif()
  endfunction()

  file(GLOB_RECURSE STMNET_STANDIN_SOURCES CONFIGURE_DEPENDS test/native/cuda-standin/*.cc)
  add_library(cuda_standin SHARED ${STMNET_STANDIN_SOURCES} $<TARGET_OBJECTS:stmnet_core>)
  stmnet_standin_target(cuda_standin)
  set_target_properties(cuda_standin PROPERTIES CXX_VISIBILITY_PRESET default)  # NVIDIA's headers leave it to the compiler
  # What it calls is its own, whatever else the process holds; the engine's threads outlive every environment.
  target_link_options(cuda_standin PRIVATE -Wl,-Bsymbolic -Wl,--exclude-libs,ALL -Wl,-z,nodelete)

  set_source_files_properties(${cuda_kernels} PROPERTIES LANGUAGE CXX)
  add_library(stmnet_cuda_objects OBJECT ${STMNET_CUDA_SOURCES})
  stmnet_standin_target(stmnet_cuda_objects)
  add_library(stmnet_cuda_standin MODULE $<TARGET_OBJECTS:stmnet_cuda_objects> $<TARGET_OBJECTS:stmnet_source_hash>)
  stmnet_standin_target(stmnet_cuda_standin)
  target_link_libraries(stmnet_cuda_standin PRIVATE cuda_standin)
  set_target_properties(stmnet_cuda_standin PROPERTIES LINK_DEPENDS ${plugin_map})
  target_link_options(stmnet_cuda_standin PRIVATE -Wl,--version-script=${plugin_map})
  add_custom_target(standin DEPENDS cuda_standin stmnet_cuda_standin)

  # A test sees the plug-in's inside, the stand-in's controls (test/native/cuda-standin/*.h) and the CPU engine, to compare with.
  function(stmnet_standin_test target)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:stmnet_cuda_objects> $<TARGET_OBJECTS:stmnet_core> $<TARGET_OBJECTS:stmnet_source_hash>)
    stmnet_standin_target(${target})
    target_link_libraries(${target} PRIVATE cuda_standin)
  endfunction()
endif()
