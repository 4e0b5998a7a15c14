#pragma once
// What moves between the caller's buffers and those that cuDNN gets: steps of some rows, converted; weights; padding.
#include "backend/cuda/device/context.h"
#include "backend/cuda/recurrent/network.h"

namespace stm::cuda {

/// A padded batch as the caller has it: element j of step t of row r is data[r · row + t · step + j].
struct Steps {
  void* data;
  int64_t row, step;
};

/// Which part of a padded batch a dense block [batch, steps, width] (or [steps, batch, width]) holds: `steps` steps
/// from `from` of the rows named in `rows`. With `flipped`, steps count from each row's last real one, backwards.
struct Window {
  int64_t batch, steps, from, width;
  const int32_t* rows;     ///< device memory, [batch]; null: all, in order
  const int32_t* lengths;  ///< device memory, of all the caller's rows; null: all `most`
  int64_t most;            ///< steps of the padded batch
  bool batch_major;        ///< the block is [batch, steps, width]
  bool flipped;
};

/// The window as a dense block; zeros where a row has ended.
Status gather(Context& context, DType dtype, Element element, const Steps& padded, const Window& window, void* block);
/// Writes the block back into the window, or adds it; places where a row has ended are left alone.
Status scatter(Context& context, DType dtype, Element element, const void* block, const Window& window,
               const Steps& padded, bool add);
/// Zeros in all steps from each row's length on, of N rows of T steps.
Status clear_padding(Context& context, DType dtype, const Steps& padded, int64_t N, int64_t T, int64_t width,
                     const int32_t* lengths);

/// An array that is converted as it lies. Null `from`: zeros.
struct Conversion {
  const void* from;
  void* to;
  int64_t count;
};
/// From the caller's numbers to cuDNN's.
Status convert_in(Context& context, DType dtype, Element element, const std::vector<Conversion>& arrays);
/// The way back; overwrites, or adds.
Status convert_out(Context& context, DType dtype, Element element, const std::vector<Conversion>& arrays, bool add);

}  // namespace stm::cuda
