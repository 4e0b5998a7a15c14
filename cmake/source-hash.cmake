# SHA-256 over everything that decides what the addon does: the one definition, used by the build (OUTPUT given: writes
# the C++ file) and by the scripts and tests that ask whether the addon is stale (no OUTPUT: prints the hash).
#   cmake -DROOT=<repository> [-DOUTPUT=<file.cc>] -P cmake/source-hash.cmake
file(GLOB_RECURSE files RELATIVE "${ROOT}"
  "${ROOT}/native/*.cc" "${ROOT}/native/*.h" "${ROOT}/native/*.cu" "${ROOT}/native/*.map" "${ROOT}/cmake/*.cmake")
list(APPEND files CMakeLists.txt)
list(SORT files COMPARE STRING)
set(all "")
foreach(file IN LISTS files)
  file(SHA256 "${ROOT}/${file}" hash)
  string(APPEND all "${hash}  ${file}\n")
endforeach()
string(SHA256 hash "${all}")
if(OUTPUT)
  file(WRITE "${OUTPUT}"
    "#include \"backend/source_hash.h\"\n\nconst char* stmnet_source_hash() { return \"${hash}\"; }\n")
else()
  execute_process(COMMAND ${CMAKE_COMMAND} -E echo ${hash})
endif()
