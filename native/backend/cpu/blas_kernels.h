#pragma once
#include <string>

namespace stm {

struct Processor;

/// The kernels that the BLAS chose for this processor, e.g. "zen3", or "" if it does not say. The first call settles
/// the choice, and must come before any other to BLIS. Any thread.
const char* blas_kernels();

/// Why these and no better ones, or "" if they are the best for this processor.
std::string blas_limit();

/// The kernels that `processor` should have where BLIS by itself would take those called `known`. `units`: how many of
/// the processor's units multiply 512 bits, as BLIS reads it from its name; below 1 if it does not know.
const char* better_kernels(const char* known, const Processor& processor, int units) noexcept;

}  // namespace stm
