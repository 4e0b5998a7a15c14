#pragma once
#include "binding/environment.h"

namespace stm::binding {

/// Arguments: ids of outputs, of inputs and of tensors to save, and a JavaScript function that becomes the backward of
/// the outputs with respect to the inputs. It is called with the gradients of the outputs and with the saved tensors.
void define_gradient(Environment& environment, const napi_value* arguments);

}  // namespace stm::binding
