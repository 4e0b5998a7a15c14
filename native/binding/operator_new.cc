// The addon's own operator new, so that a test can make host memory run out at any place. It gives what the C++
// library's gives. A sanitizer brings its own.
#include <cstdlib>
#include <new>

#include "core/allocation_faults.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
void* memory(std::size_t bytes) noexcept { return stm::allocation_fails() ? nullptr : std::malloc(bytes ? bytes : 1); }
}  // namespace

void* operator new(std::size_t bytes) {
  if (void* const found = memory(bytes)) return found;
  throw std::bad_alloc();
}
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return memory(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return memory(bytes); }
void operator delete(void* data) noexcept { std::free(data); }
void operator delete[](void* data) noexcept { std::free(data); }
void operator delete(void* data, std::size_t) noexcept { std::free(data); }
void operator delete[](void* data, std::size_t) noexcept { std::free(data); }
void operator delete(void* data, const std::nothrow_t&) noexcept { std::free(data); }
void operator delete[](void* data, const std::nothrow_t&) noexcept { std::free(data); }

#endif
