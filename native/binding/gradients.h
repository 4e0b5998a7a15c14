#pragma once
#include "binding/environment.h"

namespace stm::binding {

/// Records a JavaScript function as the backward of `outputs` with respect to `inputs` (arrays of tensor ids).
void define_gradient(Environment& environment, napi_value outputs, napi_value inputs, napi_value backward);

}  // namespace stm::binding
