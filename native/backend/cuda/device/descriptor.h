#pragma once
#include <type_traits>

#include "backend/cuda/device/context.h"

namespace stm::cuda {

/// A descriptor of a library's, destroyed with this object.
template <class Handle, auto kCreate, auto kDestroy>
class Descriptor {
 public:
  Descriptor() = default;
  ~Descriptor() {
    if (handle_) (void)(libraries_->*kDestroy)(handle_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;

  /// `arguments`: those of the library's function behind the handle.
  template <class... Arguments>
  Status create(Context& context, Arguments... arguments) {
    libraries_ = context.libraries;
    const auto status = (libraries_->*kCreate)(&handle_, arguments...);
    constexpr bool kCudnn = std::is_same_v<decltype(status), const cudnnStatus_t>;
    return context.check(status, kCudnn ? "making a descriptor of cuDNN's" : "making a descriptor of cublasLt's");
  }
  Handle get() const { return handle_; }

 private:
  const Libraries* libraries_ = nullptr;
  Handle handle_ = nullptr;
};

}  // namespace stm::cuda
