#include "backend/cuda/indexing_sort.h"

#include <algorithm>

#include "backend/cuda/indexing.h"

namespace stm::cuda {
namespace {

constexpr int64_t kScratchBytes =
    int64_t{32} << 20;  // rows are sorted in groups, so that no more is wanted than this, or than one row needs

/// What a row is sorted by: bits of its elements that are in order as unsigned numbers. NaN is the largest, and -0 is
/// 0.
struct Values {
  using I = Item;
  const char* data;
  int64_t n;
  DType dtype;
  bool descending;
  STM_DEVICE Item operator()(int64_t row, int64_t column) const {
    const uint32_t key = key_of(row * n + column);
    return Item{descending ? ~key : key} << 32 | static_cast<uint32_t>(column);
  }

 private:
  STM_DEVICE uint32_t key_of(int64_t at) const {
    if (dtype == DType::Bool) return static_cast<uint8_t>(data[at]);
    uint32_t bits;
    std::memcpy(&bits, data + at * 4, 4);
    constexpr uint32_t kSign = 0x80000000u, kInfinity = 0x7F800000u;
    if (dtype == DType::I32) return bits ^ kSign;
    const uint32_t magnitude = bits & ~kSign;
    if (magnitude > kInfinity) return ~uint32_t{0};
    return magnitude == 0 ? kSign : bits & kSign ? ~bits : bits | kSign;
  }
};

/// The same of f64.
struct WideValues {
  using I = WideItem;
  const char* data;
  int64_t n;
  DType dtype;
  bool descending;
  STM_DEVICE WideItem operator()(int64_t row, int64_t column) const {
    uint64_t bits;
    std::memcpy(&bits, data + (row * n + column) * 8, 8);
    constexpr uint64_t kSign = uint64_t{1} << 63, kInfinity = uint64_t{0x7FF} << 52;
    const uint64_t magnitude = bits & ~kSign;
    const uint64_t key = magnitude > kInfinity ? ~uint64_t{0}
                         : magnitude == 0      ? kSign
                         : bits & kSign        ? ~bits
                                               : bits | kSign;
    return {descending ? ~key : key, column};
  }
};

/// Items that lie in memory already.
template <class Of>
struct Items {
  using I = Of;
  const I* items;
  int64_t n;
  STM_DEVICE I operator()(int64_t row, int64_t column) const { return items[row * n + column]; }
};

/// Writes the first k elements of a row and their places.
struct Result {
  const char* x;
  char* values;
  int32_t* places;
  int64_t n, k;
  int32_t bytes;  ///< of an element
  template <class I>
  STM_DEVICE void operator()(int64_t row, int64_t column, const I& item) const {
    if (column >= k) return;
    const int64_t place = place_of(item), from = row * n + place, to = row * k + column;
    places[to] = static_cast<int32_t>(place);
    if (bytes == 1) values[to] = x[from];
    else if (bytes == 4) std::memcpy(values + to * 4, x + from * 4, 4);
    else std::memcpy(values + to * 8, x + from * 8, 8);
  }
};

/// Hands the first k of each row of sorted items on.
template <class I>
struct TakeFirst {
  const I* items;
  Result result;
  STM_DEVICE void operator()(int64_t at) const {
    const int64_t row = quotient(at, result.k), column = at - row * result.k;
    result(row, column, items[row * result.n + column]);
  }
};

// ---- the first few of many

constexpr int64_t kMostFirst = 128;  // as many as this
constexpr int kGathered = 2048,
              kStride = 1024;       // items in shared memory; elements that are looked at between two barriers
constexpr int64_t kSegment = 8192;  // elements that are worth a block

/// Finds the first k of each segment of a row: goes through it with those that have passed and the k-th best of them,
/// which few later ones beat.
template <class Source, class Sink>
struct FindFirst {
  using I = typename Source::I;
  Source source;
  Sink sink;
  int64_t n, k, segments, length;
  STM_DEVICE void operator()(Block& block, int64_t at) const {
    const int64_t row = quotient(at, segments), segment = at - row * segments;
    const int64_t begin = segment * length, end = begin + length < n ? begin + length : n;
    I* const best = shared<I, kGathered>();
    int32_t* const filled = shared<int32_t, 1>();
    I limit = last_item<I>();
    block.once([&] { *filled = 0; });
    for (int64_t from = begin; from < end; from += kStride) {
      block.each(end - from < kStride ? end - from : kStride, [&](int64_t i) {
        const I item = source(row, from + i);
        if (before(item, limit)) best[take_next(filled)] = item;
      });
      const int64_t count = *filled;
      barrier(block);  // all have read it
      if (count <= kGathered - kStride && from + kStride < end) continue;
      sort_shared(block, best, count);
      if (count >= k) limit = best[k - 1];
      block.once([&] { *filled = static_cast<int32_t>(count < k ? count : k); });
    }
    const int64_t found = *filled;
    block.each(k, [&](int64_t i) { sink(row, segment * k + i, i < found ? best[i] : last_item<I>()); });
  }
};

/// rows [rows, n] → k of each, where k is small and n is not.
template <class Source>
Status find_first(Context& context, const Source& source, int64_t rows, const Result& result) {
  using I = typename Source::I;
  const int64_t n = result.n, k = result.k, wanted = std::max<int64_t>(1, int64_t{8} * context.multiprocessors / rows);
  const int64_t segments = std::max<int64_t>(1, std::min(wanted, n / kSegment));
  if (segments == 1)
    return launch_blocks(context, "find_first", rows, kStride, FindFirst<Source, Result>{source, result, n, k, 1, n});
  void* memory = nullptr;
  const int64_t candidates = segments * k;
  STM_TRY(context.scratch(Context::kOther, static_cast<size_t>(rows * candidates) * sizeof(I), &memory));
  I* const items = static_cast<I*>(memory);
  STM_TRY(launch_blocks(
      context, "find_first", rows * segments, kStride,
      FindFirst<Source, StoreItems<I>>{source, {items, candidates}, n, k, segments, (n + segments - 1) / segments}));
  return launch_blocks(context, "find_first", rows, kStride,
                       FindFirst<Items<I>, Result>{{items, candidates}, result, candidates, k, 1, candidates});
}

template <class Source>
Status sort_rows(Context& context, Source source, int64_t rows, Result result) {
  using I = typename Source::I;
  const int64_t n = result.n, k = result.k;
  if (n <= kTile) return launch_blocks(context, "sort", rows, n / 2, SortTiles<Source, Result>{source, result, n, 1});
  if (k <= kMostFirst) return find_first(context, source, rows, result);
  const int64_t group = std::min(rows, std::max<int64_t>(1, kScratchBytes / (2 * n * static_cast<int64_t>(sizeof(I)))));
  void* memory = nullptr;
  STM_TRY(context.scratch(Context::kOther, static_cast<size_t>(2 * group * n) * sizeof(I), &memory));
  for (int64_t row = 0; row < rows; row += group) {
    const int64_t count = std::min(group, rows - row);
    I* sorted = nullptr;
    STM_TRY(sort_items(context, "sort", source, count, n, static_cast<I*>(memory), &sorted));
    STM_TRY(launch_each(context, "take_first", count * k, TakeFirst<I>{sorted, result}));
    source.data += count * n * result.bytes;
    result.x += count * n * result.bytes;
    result.values += count * k * result.bytes;
    result.places += count * k;
  }
  return Status::ok();
}

}  // namespace

Status CudaIndexing::sort(const View& x, bool descending, int64_t k, const View& values, const View& indices) noexcept {
  const int64_t rows = x.extent[0], n = x.extent[1];
  if (rows == 0 || k == 0) return Status::ok();
  const Result result{
      x.as<const char>(), values.as<char>(), indices.as<int32_t>(), n, k, static_cast<int32_t>(size_of(x.dtype))};
  if (x.dtype == DType::F64)
    return sort_rows(context_, WideValues{x.as<const char>(), n, x.dtype, descending}, rows, result);
  return sort_rows(context_, Values{x.as<const char>(), n, x.dtype, descending}, rows, result);
}

}  // namespace stm::cuda
