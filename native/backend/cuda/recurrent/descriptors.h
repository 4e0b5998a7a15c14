#pragma once
#include <memory>
#include <utility>

#include "backend/cuda/context.h"

namespace stm::cuda {

/// A descriptor of cuDNN's, destroyed with this object.
template <class Handle, auto kCreate, auto kDestroy>
class Descriptor {
 public:
  Descriptor() = default;
  ~Descriptor() {
    if (handle_) (void)(libraries_->*kDestroy)(handle_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  Status create(Context& context) {
    libraries_ = context.libraries;
    return context.check((libraries_->*kCreate)(&handle_), "making a descriptor of cuDNN's");
  }
  Handle get() const { return handle_; }

 private:
  const Libraries* libraries_ = nullptr;
  Handle handle_ = nullptr;
};

using TensorDescriptor = Descriptor<cudnnTensorDescriptor_t, &Libraries::cudnnCreateTensorDescriptor, &Libraries::cudnnDestroyTensorDescriptor>;
using DropoutDescriptor = Descriptor<cudnnDropoutDescriptor_t, &Libraries::cudnnCreateDropoutDescriptor, &Libraries::cudnnDestroyDropoutDescriptor>;
using RnnDescriptor = Descriptor<cudnnRNNDescriptor_t, &Libraries::cudnnCreateRNNDescriptor, &Libraries::cudnnDestroyRNNDescriptor>;
using RnnDataDescriptor = Descriptor<cudnnRNNDataDescriptor_t, &Libraries::cudnnCreateRNNDataDescriptor, &Libraries::cudnnDestroyRNNDataDescriptor>;

}  // namespace stm::cuda

/// Calls a function of cuDNN's by name, and returns from the calling function with the Status of a failure.
#define STM_CUDNN(context, name, ...) STM_TRY((context).check((context).libraries->name(__VA_ARGS__), #name))
