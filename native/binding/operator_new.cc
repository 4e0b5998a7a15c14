// The addon's own operator new, because what one thread makes another one often ends, and so that a test can make host
// memory run out at any place. A sanitizer brings its own.
#include <new>

#include "core/allocation_faults.h"
#include "core/small_blocks.h"

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)

namespace {
void* memory(std::size_t bytes) noexcept { return stm::allocation_fails() ? nullptr : stm::take_block(bytes); }
}  // namespace

void* operator new(std::size_t bytes) {
  if (void* const found = memory(bytes)) return found;
  throw std::bad_alloc();
}
void* operator new[](std::size_t bytes) { return operator new(bytes); }
void* operator new(std::size_t bytes, const std::nothrow_t&) noexcept { return memory(bytes); }
void* operator new[](std::size_t bytes, const std::nothrow_t&) noexcept { return memory(bytes); }
void operator delete(void* data) noexcept { stm::give_back_block(data); }
void operator delete[](void* data) noexcept { stm::give_back_block(data); }
void operator delete(void* data, std::size_t) noexcept { stm::give_back_block(data); }
void operator delete[](void* data, std::size_t) noexcept { stm::give_back_block(data); }
void operator delete(void* data, const std::nothrow_t&) noexcept { stm::give_back_block(data); }
void operator delete[](void* data, const std::nothrow_t&) noexcept { stm::give_back_block(data); }

#endif
