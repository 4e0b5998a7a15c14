#pragma once
#include <algorithm>

#include "backend/cuda/kernel/launch.h"

namespace stm::cuda {

/// Arrays that one launch walks over, a block of threads for each piece of up to kPiece elements. `Item` says how many
/// elements it has as `size`.
template <class Item, int kPiece, int kItems>
struct PieceTable {
  static constexpr int kSize = kPiece;
  static int64_t pieces_of(int64_t size) { return (size + kPiece - 1) / kPiece; }

  Item items[kItems];
  int32_t ends[kItems];  ///< pieces of the items up to and with each
  int32_t count;

  int64_t pieces() const { return count > 0 ? ends[count - 1] : 0; }
  void add(const Item& item) {
    const int64_t before = pieces();
    items[count] = item;
    ends[count++] = static_cast<int32_t>(before + pieces_of(item.size));
  }

  /// Calls `f(item, begin, size)` with what the piece is of its item.
  template <class F>
  STM_DEVICE void with_piece(int64_t piece, F f) const {
    int low = 0, high = count - 1;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (ends[middle] <= piece) low = middle + 1;
      else high = middle;
    }
    const int64_t begin = (piece - (low > 0 ? ends[low - 1] : 0)) * kPiece;
    f(items[low], begin, std::min<int64_t>(kPiece, items[low].size - begin));
  }

  /// Puts those of item(0) .. item(n - 1) that are not empty into as few tables as hold them, and calls `launch(table)`
  /// with each.
  template <class At, class Launch>
  static Status for_each(int64_t n, const At& item, const Launch& launch) {
    PieceTable table;
    table.count = 0;
    for (int64_t i = 0; i < n; ++i) {
      const Item next = item(i);
      if (next.size > 0) table.add(next);
      if (table.count < kItems && i + 1 < n) continue;
      if (table.count > 0) STM_TRY(launch(table));
      table.count = 0;
    }
    return Status::ok();
  }
};

}  // namespace stm::cuda
