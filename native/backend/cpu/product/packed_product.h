#pragma once
#include "backend/cpu/gemm.h"

namespace stm {

/// Whether packing both operands into panels pays for a product of this size. Of a whole product, not of the slices of
/// members: the sums of a product are to come in one order however it is shared out.
bool packed_product_pays(int64_t m, int64_t n, int64_t k);

/// The product on the calling thread, in panels: each number of C sums over k in one order, wherever it lies. A stop
/// point between blocks. False, with nothing done, where there is no memory for the panels.
bool packed_product(const Product<float>& product);

}  // namespace stm
