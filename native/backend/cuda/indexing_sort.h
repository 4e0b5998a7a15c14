#pragma once
// Stable sorting of rows. An element becomes an item, its key and its place: no two are equal, so every way of sorting
// gives the one stable order.
//
//   rows of items   one block sorts each tile of kTile of them in shared memory; then four sorted runs at a time become
//                   one, in which every item finds
//                   its place by counting those before it in the other three
#include <cstring>
#include <limits>

#include "backend/cuda/kernel/launch.h"
#include "backend/cuda/kernel/padding.h"
#include "backend/cuda/kernel/shared.h"

namespace stm::cuda {

using Item = uint64_t;  ///< key in the upper half, place in the lower
struct WideItem {
  uint64_t key;
  int64_t place;
};

STM_DEVICE bool before(Item a, Item b) { return a < b; }
STM_DEVICE bool before(const WideItem& a, const WideItem& b) {
  return a.key != b.key ? a.key < b.key : a.place < b.place;
}
STM_DEVICE int64_t place_of(Item item) { return static_cast<uint32_t>(item); }
STM_DEVICE int64_t place_of(const WideItem& item) { return item.place; }
/// An item that comes after all others.
template <class I>
STM_DEVICE I last_item();
template <>
STM_DEVICE Item last_item<Item>() {
  return ~Item{0};
}
template <>
STM_DEVICE WideItem last_item<WideItem>() {
  return {~uint64_t{0}, std::numeric_limits<int64_t>::max()};
}

constexpr int kTile = 1024;  ///< items that a block sorts
constexpr int kWays = 4;     ///< runs that are merged together

/// The smallest power of 2 that is not below n, and at least 2.
STM_DEVICE int64_t rounded_up(int64_t n) {
  int64_t size = 2;
  while (size < n) size *= 2;
  return size;
}

/// Sorts `count` items in memory of the block, which has room for rounded_up(count), by a bitonic network.
template <class I>
STM_DEVICE void sort_shared(Block& block, I* items, int64_t count) {
  const int64_t size = rounded_up(count);
  block.each(size - count, [&](int64_t i) { items[count + i] = last_item<I>(); });
  for (int64_t span = 2; span <= size; span *= 2)
    for (int64_t reach = span / 2; reach > 0; reach /= 2)
      block.each(size / 2, [&](int64_t i) {
        const int64_t low = ((i & ~(reach - 1)) << 1) | (i & (reach - 1)), high = low + reach;
        const I a = items[low], b = items[high];
        if (before(b, a) != ((low & span) == 0)) return;
        items[low] = b;
        items[high] = a;
      });
}

/// Sorts each tile of each row, as `source(row, column)` gives its items. `sink(row, column, item)` takes them.
template <class Source, class Sink>
struct SortTiles {
  using I = typename Source::I;
  Source source;
  Sink sink;
  int64_t n, tiles;
  STM_DEVICE void operator()(Block& block, int64_t at) const {
    const int64_t row = quotient(at, tiles), first = (at - row * tiles) * kTile,
                  count = n - first < kTile ? n - first : kTile;
    I* const items = shared<I, kTile>();
    block.each(count, [&](int64_t i) { items[i] = source(row, first + i); });
    sort_shared(block, items, count);
    block.each(count, [&](int64_t i) { sink(row, first + i, items[i]); });
  }
};

/// Puts each item of the runs of `run` items of a row into its place among the kWays runs that it is merged with.
template <class I>
struct MergeRuns {
  const I* from;
  I* to;
  int64_t n, run;
  STM_DEVICE void operator()(int64_t at) const {
    const int64_t row = quotient(at, n), column = at - row * n,
                  group = column & ~(kWays * run - 1);  // run is a power of 2
    const I* const items = from + row * n;
    const I mine = items[column];
    int64_t length[kWays], rank[kWays];
    for (int r = 0; r < kWays; ++r) {
      const int64_t begin = group + r * run, rest = n - begin;
      length[r] = rest < 0 || (column >= begin && column < begin + run) ? 0 : rest < run ? rest : run;
      rank[r] = 0;
    }
    for (int64_t step = run; step > 0; step /= 2)  // four searches side by side: their loads overlap
      for (int r = 0; r < kWays; ++r)
        if (rank[r] + step <= length[r] && before(items[group + r * run + rank[r] + step - 1], mine)) rank[r] += step;
    int64_t place = group + (column & (run - 1));
    for (int r = 0; r < kWays; ++r) place += rank[r];
    to[row * n + place] = mine;
  }
};

/// Leaves items in memory.
template <class I>
struct StoreItems {
  I* items;
  int64_t n;
  STM_DEVICE void operator()(int64_t row, int64_t column, const I& item) const { items[row * n + column] = item; }
};

/// Sorts `rows` rows of n items. `memory` has room for 2 · rows · n of them; `*sorted` is where in it they come to lie.
template <class Source, class I>
Status sort_items(Context& context, const char* name, const Source& source, int64_t rows, int64_t n, I* memory,
                  I** sorted) {
  const int64_t tiles = (n + kTile - 1) / kTile;
  I *items = memory, *others = memory + rows * n;
  STM_TRY(launch_blocks(context, name, rows * tiles, n / 2,
                        SortTiles<Source, StoreItems<I>>{source, {items, n}, n, tiles}));
  for (int64_t run = kTile; run < n; run *= kWays) {
    STM_TRY(launch_each(context, "merge_runs", rows * n, MergeRuns<I>{items, others, n, run}));
    I* const merged = others;
    others = items;
    items = merged;
  }
  *sorted = items;
  return Status::ok();
}

}  // namespace stm::cuda
