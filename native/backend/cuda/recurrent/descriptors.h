#pragma once
#include "backend/cuda/device/descriptor.h"

namespace stm::cuda {

using TensorDescriptor = Descriptor<cudnnTensorDescriptor_t, &Libraries::cudnnCreateTensorDescriptor,
                                    &Libraries::cudnnDestroyTensorDescriptor>;
using DropoutDescriptor = Descriptor<cudnnDropoutDescriptor_t, &Libraries::cudnnCreateDropoutDescriptor,
                                     &Libraries::cudnnDestroyDropoutDescriptor>;
using RnnDescriptor =
    Descriptor<cudnnRNNDescriptor_t, &Libraries::cudnnCreateRNNDescriptor, &Libraries::cudnnDestroyRNNDescriptor>;
using RnnDataDescriptor = Descriptor<cudnnRNNDataDescriptor_t, &Libraries::cudnnCreateRNNDataDescriptor,
                                     &Libraries::cudnnDestroyRNNDataDescriptor>;

}  // namespace stm::cuda

/// Calls a function of cuDNN's by name, and returns from the calling function with the Status of a failure.
#define STM_CUDNN(context, name, ...) STM_TRY((context).check((context).libraries->name(__VA_ARGS__), #name))
