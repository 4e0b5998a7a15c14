// Adding up what has the same index, in one order: the indices are sorted, with their places, and runs of equal ones
// are summed.
//
//   sorted   3 3 3 7 | 7 7 7 7 | 7 7 9 9      pieces of kPiece; each sums its runs, column by column
//            └─3──┘└7  ───7───   7─┘└9─┘      a run that lies within a piece is done: its sum goes to the output
//                  7     7 7 the parts of others are the rows of the next round, until there is one piece
//
// Each piece leaves two rows to the next round, one for the run it begins in and one for the run it ends in; a row may
// be absent.
#include <algorithm>

#include "backend/cuda/indexing.h"
#include "backend/cuda/indexing_sort.h"
#include "backend/dispatch.h"

namespace stm::cuda {
namespace {

constexpr int64_t kPiece = 64;
constexpr int kBatch = 8;                  // loads in flight
constexpr uint32_t kAbsent = 0xFFFFFFFFu;  // key of an item that is left out; it sorts last
constexpr uint32_t kWrong = 0x80000000u;   // flag in the place of an item whose index was out of range

STM_DEVICE Item item_of(uint32_t key, int64_t place) { return Item{key} << 32 | static_cast<uint32_t>(place); }
STM_DEVICE uint32_t key_of(Item item) { return static_cast<uint32_t>(item >> 32); }

/// Sorts index[a, j, b] of [A, J, B] by where it points to in [A, T, B].
struct Targets {
  using I = Item;
  const int32_t* index;
  int64_t given, width, steps;  ///< J · B, B, T
  int64_t skipped;
  DeviceFault* fault;
  int32_t op;
  STM_DEVICE Item operator()(int64_t, int64_t at) const {
    const int64_t step = index[at], row = quotient(at, given), b = at - quotient(at, width) * width;
    const bool wrong = step < 0 || step >= steps;
    if (wrong) report_fault(fault, op, {.code = DataFault::kIndex, .value = step, .greatest = steps - 1});
    const int64_t kept = step < 0 ? 0 : step >= steps ? steps - 1 : step;
    const bool absent = steps == 0 || (!wrong && step == skipped);
    return item_of(absent ? kAbsent : static_cast<uint32_t>((row * steps + kept) * width + b),
                   at | (wrong ? kWrong : 0));
  }
};

template <class T>
STM_DEVICE T sum_of(T a, T b) {
  return static_cast<T>(a + b);
}
template <>
STM_DEVICE int32_t sum_of(int32_t a, int32_t b) {
  return static_cast<int32_t>(static_cast<uint32_t>(a) + static_cast<uint32_t>(b));
}

template <class T>
STM_DEVICE T row_value(const T* rows, Item item, int64_t width, int64_t column) {
  const uint32_t place = static_cast<uint32_t>(item);
  if (key_of(item) == kAbsent) return T(0);
  if (place & kWrong) return std::numeric_limits<T>::has_quiet_NaN ? std::numeric_limits<T>::quiet_NaN() : T(0);
  return rows[static_cast<int64_t>(place) * width + column];
}

/// One round: piece p, column c.
template <class T>
struct AddPieces {
  const Item* items;
  const T* rows;
  int64_t count, width;
  T* out;
  bool onto;  ///< adds to what is there, unless something has gone wrong before
  const DeviceFault* fault;
  Item* next_items;
  T* next_rows;

  STM_DEVICE void operator()(int64_t at) const {
    if (onto && fault->code != 0) return;
    const int64_t piece = quotient(at, width), column = at - piece * width;
    const int64_t begin = piece * kPiece, end = begin + kPiece < count ? begin + kPiece : count;
    uint32_t key = kAbsent, head = kAbsent, tail = kAbsent;
    bool begun = false;  // before this piece
    T sum = 0;
    for (int64_t from = begin; from < end; from += kBatch) {
      Item item[kBatch];
      T value[kBatch];
      for (int i = 0; i < kBatch; ++i) item[i] = from + i < end ? items[from + i] : last_item<Item>();
      for (int i = 0; i < kBatch; ++i) value[i] = row_value(rows, item[i], width, column);
      for (int i = 0; i < kBatch; ++i) {
        const uint32_t next = key_of(item[i]);
        if (next == kAbsent) continue;
        if (next != key) {
          if (begun) {
            head = key;
            leave(2 * piece, column, sum);
          } else if (key != kAbsent) {
            add(key, column, sum);
          }
          begun = key == kAbsent && goes_on_from(begin, next);
          key = next;
          sum = 0;
        }
        sum = sum_of(sum, value[i]);
      }
    }
    if (begun) head = key;
    else if (key != kAbsent && goes_on_to(end, key)) tail = key;
    else if (key != kAbsent) add(key, column, sum);
    if (begun || tail != kAbsent) leave(begun ? 2 * piece : 2 * piece + 1, column, sum);
    if (column > 0 || !next_items) return;
    next_items[2 * piece] = item_of(head, 2 * piece);
    next_items[2 * piece + 1] = item_of(tail, 2 * piece + 1);
  }

 private:
  /// Whether a run has begun before `begin`: then it is in the last row there, or in the last but one, if that was left
  /// whole.
  STM_DEVICE bool goes_on_from(int64_t begin, uint32_t key) const {
    return begin > 0 && (key_of(items[begin - 1]) == key || key_of(items[begin - 2]) == key);
  }
  STM_DEVICE bool goes_on_to(int64_t end, uint32_t key) const { return end < count && key_of(items[end]) == key; }
  STM_DEVICE void leave(int64_t row, int64_t column, T sum) const { next_rows[row * width + column] = sum; }
  STM_DEVICE void add(uint32_t key, int64_t column, T sum) const {
    T& place = out[static_cast<int64_t>(key) * width + column];
    place = onto ? sum_of(place, sum) : sum;
  }
};

/// For many columns or few steps: a thread for each (a, b), j in order.
template <class T>
struct AddColumns {
  const int32_t* index;
  const T* source;
  T* target;
  int64_t steps, given, width;  ///< T, J, B
  DeviceFault* fault;
  int32_t op;
  STM_DEVICE void operator()(int64_t at) const {
    if (fault->code != 0) return;
    const int64_t a = quotient(at, width), b = at - a * width;
    for (int64_t from = 0; from < given; from += kBatch) {
      int64_t step[kBatch];
      T value[kBatch];
      for (int i = 0; i < kBatch; ++i) {
        const int64_t place = (a * given + (from + i < given ? from + i : given - 1)) * width + b;
        step[i] = index[place];
        value[i] = source[place];
      }
      for (int i = 0; i < kBatch && from + i < given; ++i) {
        if (step[i] < 0 || step[i] >= steps) {
          report_fault(fault, op, {.code = DataFault::kIndex, .value = step[i], .greatest = steps - 1});
          return;
        }
        T& place = target[(a * steps + step[i]) * width + b];
        place = sum_of(place, value[i]);
      }
    }
  }
};

/// Cuts arrays out of a block of memory, or counts what they need if there is none yet.
class Arrays {
 public:
  explicit Arrays(void* memory) : memory_(static_cast<char*>(memory)) {}
  template <class T>
  T* take(int64_t count) {
    T* const array = memory_ ? reinterpret_cast<T*>(memory_ + bytes_) : nullptr;
    bytes_ += (static_cast<size_t>(count) * sizeof(T) + 255) / 256 * 256;
    return array;
  }
  size_t bytes() const { return bytes_; }

 private:
  char* memory_;
  size_t bytes_ = 0;
};

int64_t pieces_of(int64_t count) { return (count + kPiece - 1) / kPiece; }

/// `rows` as the places of the sorted items name them, `width` wide, added up in `out`.
template <class T>
Status add_pieces(Context& context, const Item* items, const T* rows, int64_t count, int64_t width, T* out, bool onto) {
  Arrays needed(nullptr);
  for (int64_t pieces = pieces_of(count); pieces > 1; pieces = pieces_of(2 * pieces)) {
    needed.take<Item>(2 * pieces);
    needed.take<T>(2 * pieces * width);
  }
  void* memory = nullptr;
  if (needed.bytes() > 0) STM_TRY(context.scratch(Context::kPartials, needed.bytes(), &memory));
  Arrays arrays(memory);
  for (;;) {
    const int64_t pieces = pieces_of(count);
    Item* const next_items = pieces > 1 ? arrays.take<Item>(2 * pieces) : nullptr;
    T* const next_rows = pieces > 1 ? arrays.take<T>(2 * pieces * width) : nullptr;
    STM_TRY(launch_each(context, "add_pieces", pieces * width,
                        AddPieces<T>{items, rows, count, width, out, onto, context.fault, next_items, next_rows}));
    if (pieces == 1) return Status::ok();
    items = next_items;
    rows = next_rows;
    count = 2 * pieces;
  }
}

template <class T>
Status add_sorted(Context& context, const Targets& targets, const T* rows, int64_t count, int64_t width, T* out,
                  bool onto) {
  void* memory = nullptr;
  STM_TRY(context.scratch(Context::kOther, static_cast<size_t>(2 * count) * sizeof(Item), &memory));
  Item* sorted = nullptr;
  STM_TRY(sort_items(context, "sort_indices", targets, 1, count, static_cast<Item*>(memory), &sorted));
  return add_pieces(context, sorted, rows, count, width, out, onto);
}

/// Sorting costs 0.02 ms and about 1 ns an index; a thread that adds one after the other needs some 0.8 µs for each.
template <class T>
Status scatter(Context& context, const View& index, const View& source, const View& target) {
  const int64_t steps = target.extent[1], width = target.extent[2], given = index.extent[1], count = index.size(),
                columns = index.extent[0] * width;
  if (count == 0) return Status::ok();
  const bool numbered = count <= INT32_MAX && target.size() < int64_t{UINT32_MAX};
  if (given <= 32 || columns >= 1024 || !numbered)
    return launch_each(context, "scatter_add", columns,
                       AddColumns<T>{index.as<const int32_t>(), source.as<const T>(), target.as<T>(), steps, given,
                                     width, context.fault, context.op});
  const Targets targets{index.as<const int32_t>(), given * width, width, steps, -1, context.fault, context.op};
  return add_sorted(context, targets, source.as<const T>(), count, 1, target.as<T>(), true);
}

}  // namespace

Status CudaIndexing::add_rows(const View& rows, const View& indices, int64_t skipped, const View& out) noexcept {
  const int64_t count = indices.size(), width = out.extent[1];
  if (count > INT32_MAX)
    return Status::refuse(StatusKind::Unsupported, {"%lld indices", static_cast<long long>(count)},
                          "at most 2147483647", "add them in parts");
  if (out.size() > 0)
    STM_CUDA(context_,
             cudaMemsetAsync(out.data, 0, static_cast<size_t>(out.size()) * size_of(out.dtype), context_.stream));
  if (count == 0 || width == 0) return Status::ok();
  const Targets targets{indices.as<const int32_t>(), count, 1, out.extent[0], skipped, context_.fault, context_.op};
  return dispatch_floating(rows.dtype, [&](auto zero) {
    using T = decltype(zero);
    return add_sorted(context_, targets, rows.as<const T>(), count, width, out.as<T>(), false);
  });
}

Status CudaIndexing::scatter_add(const View& index, const View& source, const View& target) noexcept {
  return dispatch_any(source.dtype,
                      [&](auto zero) { return scatter<decltype(zero)>(context_, index, source, target); });
}

}  // namespace stm::cuda
