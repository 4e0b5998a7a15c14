# The three libraries of the CPU engine, found in the system or below CMAKE_PREFIX_PATH (.deps/usr, where scripts/setup
# unpacks them without root): a BLAS through its cblas interface (default: BLIS, serial, static), Highway and {fmt}
# (headers only, both). Defines the target stmnet_dependencies.

set(STMNET_BLAS_INCLUDE_DIR "" CACHE PATH "Folder of another BLAS's cblas.h. Default: BLIS's")
set(STMNET_BLAS_LIBRARY "" CACHE FILEPATH
  "Another BLAS's library; it must be serial: stmnet shares products out over its own threads. Default: BLIS, static")

function(stmnet_require variable what package)
  if(NOT ${variable})
    message(FATAL_ERROR "stmnet: ${what} was not found. Fix: apt-get install ${package}, or run `npm run setup`, "
      "which finds a way without root too.")
  endif()
endfunction()

find_path(STMNET_HIGHWAY_DIR hwy/highway.h)
stmnet_require(STMNET_HIGHWAY_DIR "Highway (hwy/highway.h)" libhwy-dev)
find_path(STMNET_FMT_DIR fmt/format.h)
stmnet_require(STMNET_FMT_DIR "{fmt} (fmt/format.h)" libfmt-dev)

set(blas_include ${STMNET_BLAS_INCLUDE_DIR})
if(NOT blas_include)
  find_path(STMNET_BLIS_DIR blis.h PATH_SUFFIXES blis-serial blis)
  stmnet_require(STMNET_BLIS_DIR "BLIS (blis.h, cblas.h)" libblis-serial-dev)
  set(blas_include ${STMNET_BLIS_DIR})
endif()
set(blas_library ${STMNET_BLAS_LIBRARY})
if(NOT blas_library)
  find_library(STMNET_BLIS_LIBRARY libblis.a PATH_SUFFIXES blis-serial)
  stmnet_require(STMNET_BLIS_LIBRARY "BLIS (libblis.a)" libblis-serial-dev)
  set(blas_library ${STMNET_BLIS_LIBRARY})
endif()

# Links of their own, so that no path that also holds a C library's headers comes into the search: below a sysroot that
# would mix two of them.
set(headers ${CMAKE_CURRENT_BINARY_DIR}/third-party)
file(MAKE_DIRECTORY ${headers})
file(CREATE_LINK ${STMNET_HIGHWAY_DIR}/hwy ${headers}/hwy SYMBOLIC)
file(CREATE_LINK ${STMNET_FMT_DIR}/fmt ${headers}/fmt SYMBOLIC)
file(CREATE_LINK ${blas_include}/cblas.h ${headers}/cblas.h SYMBOLIC)
if(EXISTS ${blas_include}/blis.h)
  file(CREATE_LINK ${blas_include}/blis.h ${headers}/blis.h SYMBOLIC)
endif()

set(THREADS_PREFER_PTHREAD_FLAG ON)
find_package(Threads REQUIRED)
add_library(stmnet_dependencies INTERFACE)
target_include_directories(stmnet_dependencies SYSTEM INTERFACE ${headers})
target_compile_definitions(stmnet_dependencies INTERFACE FMT_HEADER_ONLY)
target_link_libraries(stmnet_dependencies INTERFACE ${blas_library} Threads::Threads ${CMAKE_DL_LIBS} m)

# BLIS holds a set of kernels of 0.9 MB for each of 13 processors. Two have the kernels of a third, Piledriver, and one
# is the Xeon Phi, which is not made any more and on which the rest of the engine runs its AVX2 code too: what these
# three would set up is bound to another's, and their sets stay outside.
if(blas_library MATCHES "/libblis\\.a$")
  # BLIS's question for the kind of processor goes to native/backend/cpu/blas_kernels.cc, which has a better answer for
  # those that BLIS does not know.
  target_compile_definitions(stmnet_dependencies INTERFACE STM_STATIC_BLIS)
  target_link_options(stmnet_dependencies INTERFACE -Wl,--wrap=bli_cpuid_query_id)
  file(STRINGS ${blas_library} blis_sets
    REGEX "^bli_cntx_init_(knl|haswell|excavator|steamroller|piledriver)(_ref|_ind)?$")
  foreach(pair knl:haswell excavator:piledriver steamroller:piledriver)
    string(REPLACE ":" ";" pair ${pair})
    list(GET pair 0 from)
    list(GET pair 1 to)
    foreach(suffix "" _ref _ind)
      if("bli_cntx_init_${from}${suffix}" IN_LIST blis_sets AND "bli_cntx_init_${to}${suffix}" IN_LIST blis_sets)
        target_link_options(stmnet_dependencies INTERFACE
          -Wl,--defsym=bli_cntx_init_${from}${suffix}=bli_cntx_init_${to}${suffix})
      endif()
    endforeach()
  endforeach()
endif()
