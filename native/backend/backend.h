#pragma once
#include "backend/kernels/elementwise.h"
#include "backend/kernels/indexing.h"
#include "backend/kernels/losses.h"
#include "backend/kernels/matmul.h"
#include "backend/kernels/normalization.h"
#include "backend/kernels/optimizers.h"
#include "backend/kernels/random.h"
#include "backend/kernels/recurrent.h"
#include "backend/kernels/reduce.h"

namespace stm {

/// One device, as core and ops see it. Everything is plain data in and a Status out; nothing throws, so that a plug-in with a C++ run-time of its own
/// can implement it. Calls come from the device's executor thread, in queue order, unless a comment says otherwise.
class Backend {
 public:
  virtual const char* name() noexcept = 0;
  virtual const char* description() noexcept = 0;            ///< how it computes, for people
  virtual int32_t num_threads() noexcept = 0;                ///< any thread
  virtual void set_num_threads(int32_t count) noexcept = 0;  ///< any thread; 0: the default

  virtual Status allocate(size_t bytes, void** data) noexcept = 0;
  virtual void release(void* data) noexcept = 0;  ///< any thread
  virtual Status upload(void* to, const void* host, size_t bytes) noexcept = 0;
  virtual Status download(void* host, const void* from, size_t bytes) noexcept = 0;

  virtual ElementwiseKernels& elementwise() noexcept = 0;
  virtual MatmulKernels& matmul() noexcept = 0;
  virtual ReduceKernels& reduce() noexcept = 0;
  virtual IndexingKernels& indexing() noexcept = 0;
  virtual NormalizationKernels& normalization() noexcept = 0;
  virtual LossKernels& losses() noexcept = 0;
  virtual OptimizerKernels& optimizers() noexcept = 0;
  virtual RandomKernels& random() noexcept = 0;
  virtual RecurrentKernels& recurrent() noexcept = 0;

 protected:
  ~Backend() = default;
};

/// The embedded CPU backend, always there.
Backend& cpu_backend() noexcept;

}  // namespace stm
