#include "cuda-standin/cudnn_weights.h"

#include <algorithm>

#include "cuda-standin/settings.h"

namespace stm::standin {
namespace {

struct Item {
  int pseudo_layer, linear_layer;
  bool bias;
};

// Which parameters come after which.
std::vector<Item> order(const RnnConfig& c) {
  std::vector<Item> items;
  const int layers = c.pseudo_layers(), linear = c.linear_layers();
  const auto each = [&](bool bias, bool backwards) {
    for (int i = 0; i < layers * linear; ++i) {
      const int at = backwards ? layers * linear - 1 - i : i;
      items.push_back({at / linear, at % linear, bias});
    }
  };
  switch (c.algo) {
    case CUDNN_RNN_ALGO_PERSIST_STATIC:
      each(true, false);
      each(false, true);
      break;
    case CUDNN_RNN_ALGO_PERSIST_DYNAMIC:
      for (int i = 0; i < layers * linear; ++i) {
        items.push_back({i / linear, i % linear, false});
        items.push_back({i / linear, i % linear, true});
      }
      break;
    case CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H:
      each(false, true);
      each(true, true);
      break;
    default: each(false, false); each(true, false);
  }
  return items;
}

bool has_bias(const RnnConfig& c, int linear_layer) {
  if (linear_layer >= 2 * c.gates() || c.bias == CUDNN_RNN_NO_BIAS) return false;
  const bool of_input = linear_layer < c.gates();
  return c.bias == CUDNN_RNN_DOUBLE_BIAS || of_input == (c.bias == CUDNN_RNN_SINGLE_INP_BIAS);
}

// Shapes, and stmnet's offsets.
void describe(const RnnConfig& c, WeightLayout* layout) {
  const int linear = c.linear_layers(), gates = c.gates();
  int64_t at = 0;
  for (int i = 0; i < c.pseudo_layers(); ++i) {
    for (int id = 0; id < linear; ++id) {
      WeightPlace& place = layout->matrices[static_cast<size_t>(i * linear + id)];
      place.rows = id == 2 * gates ? c.projection : c.hidden;
      place.columns = id == 2 * gates ? c.hidden : id < gates ? c.input_of(i / c.directions()) : c.projection;
      place.ours = at;
      at += place.rows * place.columns;
    }
  }
  for (int i = 0; i < c.pseudo_layers() && c.bias != CUDNN_RNN_NO_BIAS; ++i) {
    for (int id = 0; id < 2 * gates; ++id, at += c.hidden) {
      WeightPlace& place = layout->biases[static_cast<size_t>(i * linear + id)];
      place.ours = at;
      if (has_bias(c, id)) place.rows = c.hidden, place.columns = 1;
    }
  }
  layout->ours = at;
}

}  // namespace

WeightLayout weight_layout(const RnnConfig& c) {
  Number number = Number::F32;
  number_of(c.type, &number);
  const size_t element = size_of(number);
  const bool plain = settings().plain_layout && !c.persistent();
  WeightLayout layout;
  layout.matrices.resize(static_cast<size_t>(c.pseudo_layers() * c.linear_layers()));
  layout.biases.resize(layout.matrices.size());
  describe(c, &layout);
  size_t at = 0, turn = static_cast<size_t>(3 * c.algo + 5 * c.math + 11 * c.type + c.layers);
  for (const Item& item : order(c)) {
    WeightPlace& place =
        (item.bias ? layout.biases
                   : layout.matrices)[static_cast<size_t>(item.pseudo_layer * c.linear_layers() + item.linear_layer)];
    if (!place.rows) continue;
    const size_t begin = plain ? at : (at + 255) / 256 * 256 + 256 * (1 + turn++ % 3);
    if (begin > at) layout.gaps.emplace_back(at, begin);
    place.offset = begin;
    at = begin + static_cast<size_t>(place.rows * place.columns) * element;
  }
  layout.bytes = plain ? at : at + 3 * element + 256 * (turn % 2);
  if (layout.bytes > at) layout.gaps.emplace_back(at, layout.bytes);
  return layout;
}

bool gaps_are_zero(const WeightLayout& layout, const void* space) {
  const char* const bytes = static_cast<const char*>(space);
  return std::all_of(layout.gaps.begin(), layout.gaps.end(), [&](const std::pair<size_t, size_t>& gap) {
    return std::all_of(bytes + gap.first, bytes + gap.second, [](char byte) { return byte == 0; });
  });
}

}  // namespace stm::standin
