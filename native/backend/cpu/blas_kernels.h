#pragma once
#include <string>

namespace stm {

/// The kernels that the BLAS chose for this processor, e.g. "zen3", or "" if it does not say. The first call settles the choice, and must come before any other
/// to BLIS. Any thread.
const char* blas_kernels();

/// Why these and no better ones, or "" if they are the best for this processor.
std::string blas_limit();

}  // namespace stm
