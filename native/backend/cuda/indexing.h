#pragma once
#include "backend/cuda/device/context.h"
#include "backend/kernels/indexing.h"

namespace stm::cuda {

/// indexing_sort.cu holds sort, indexing_add_rows.cu the two that add up, indexing.cu the others.
class CudaIndexing final : public IndexingKernels {
 public:
  explicit CudaIndexing(Context& context) : context_(context) {}
  Status gather_rows(const View& table, const View& indices, const View& out) noexcept override;
  Status whole_numbers(const View& x, const Padding& items, const View& out) noexcept override;
  Status one_hot(const View& indices, const View& out) noexcept override;
  Status add_rows(const View& rows, const View& indices, int64_t skipped, const View& out) noexcept override;
  Status gather(const View& x, const View& index, const View& out) noexcept override;
  Status scatter_add(const View& index, const View& source, const View& target) noexcept override;
  Status sort(const View& x, bool descending, int64_t k, const View& values, const View& indices) noexcept override;
  Status unfold(const View& x, int64_t stride, int64_t dilation, const View& out) noexcept override;
  Status fold(const View& windows, int64_t stride, int64_t dilation, const View& out) noexcept override;

 private:
  Context& context_;
};

}  // namespace stm::cuda
