// How the weights lie, and how wide a layer each algorithm takes.
#include <algorithm>

#include "question.h"
#include "rnn.h"

namespace stm::probe {
namespace {

using Places = std::vector<Rnn::Place>;

/// The places in stmnet's blob: W_ih, W_hh, [W_hr] of each pseudo-layer, then the biases.
Places own_places(const Rnn& rnn) {
  Places places = rnn.places();
  const long element = static_cast<long>(size_of(rnn.setting.type));
  long next = 0;
  for (Rnn::Parameter Rnn::Place::*const kind : {&Rnn::Place::matrix, &Rnn::Place::bias})
    for (Rnn::Place& place : places)
      if ((place.*kind).rank) (place.*kind).offset = next, next += (place.*kind).size() * element;
  return places;
}

bool same(const Rnn::Parameter& a, const Rnn::Parameter& b) {
  return a.offset == b.offset && a.type == b.type && a.rank == b.rank &&
         std::equal(a.extents, a.extents + a.rank, b.extents) && std::equal(a.strides, a.strides + a.rank, b.strides);
}

bool same_offsets(const Places& a, long element_a, const Places& b, long element_b) {
  const auto at = [](const Rnn::Parameter& p, long element) { return p.rank ? p.offset / element : -1; };
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [&](const Rnn::Place& p, const Rnn::Place& q) {
           return at(p.matrix, element_a) == at(q.matrix, element_b) && at(p.bias, element_a) == at(q.bias, element_b);
         });
}

Json described(const Rnn::Parameter& parameter) {
  return Json()
      .number("offset", static_cast<double>(parameter.offset))
      .number("type", parameter.type)
      .number("rank", parameter.rank)
      .numbers("extents", parameter.extents, parameter.rank)
      .numbers("strides", parameter.strides, parameter.rank);
}

/// Whether a weight is described as [1, rows, columns], row after row.
bool plainly_described(const Rnn::Parameter& parameter, cudnnDataType_t type, int rows, int columns) {
  const int *e = parameter.extents, *s = parameter.strides;
  return parameter.type == type && parameter.rank == 3 && e[0] == 1 && e[1] == rows && e[2] == columns &&
         (columns == 1 || s[2] == 1) && (rows == 1 || s[1] == columns);
}

struct Variant {
  std::string name;
  Setting setting;
};

std::vector<Variant> variants() {
  std::vector<Variant> all;
  Setting base;
  base.D = 96, base.H = 128, base.L = 2, base.N = 8;
  for (const cudnnRNNAlgo_t algo : kAlgorithms)
    for (const Type type : {Type::F32, Type::Tf32, Type::F64, Type::F16, Type::Bf16}) {
      Setting s = base;
      s.algo = algo, s.type = type;
      all.push_back({std::string(name_of(algo)) + " " + name_of(type), s});
    }
  static const char* const math[] = {"default", "tensor op", "tensor op, conversion", "fma"};
  for (int i = 0; i < 4; ++i) {
    Setting s = base;
    s.math = i;
    all.push_back({std::string("f32, math ") + math[i], s});
  }
  static const char* const biases[] = {"no bias", "input bias", "both biases", "recurrent bias"};
  for (int i = 0; i < 4; ++i) {
    Setting s = base;
    s.bias = static_cast<cudnnRNNBiasMode_t>(i);
    all.push_back({biases[i], s});
  }
  Setting both = base, gru = base, odd = base, projected = base;
  both.K = 2, gru.mode = CUDNN_GRU, odd.D = 13, odd.H = 37, projected.P = 96;
  for (const auto& [name, s] :
       {std::pair{"bidirectional", both}, {"gru", gru}, {"odd sizes", odd}, {"projected", projected}})
    all.push_back({name, s});
  return all;
}

/// What the places say in one line each: those of the first pseudo-layer's first gates, and the projection.
std::vector<Json> first_gates(const Rnn& rnn) {
  const int gates = rnn.setting.gates();
  std::vector<Json> out;
  for (const Rnn::Place& place : rnn.places())
    if (place.id == 0 || place.id == gates || place.id == 2 * gates)
      out.push_back(Json()
                        .number("pseudo-layer", place.pseudo_layer)
                        .number("id", place.id)
                        .object("matrix", described(place.matrix))
                        .object("bias", described(place.bias)));
  return out;
}

bool all_plainly_described(const Rnn& rnn) {
  const Setting& s = rnn.setting;
  return std::all_of(rnn.places().begin(), rnn.places().end(), [&](const Rnn::Place& place) {
    const bool projection = place.id == 2 * s.gates();
    const int input = place.pseudo_layer / s.K ? s.K * s.width() : s.D, columns = projection             ? s.H
                                                                                  : place.id < s.gates() ? input
                                                                                                         : s.width();
    const bool matrix = plainly_described(place.matrix, data_type(s.type), projection ? s.P : s.H, columns);
    return matrix && (projection || !place.bias.rank || plainly_described(place.bias, data_type(s.type), s.H, 1));
  });
}

Json weight_layout() {
  constexpr uintptr_t kNowhere = uintptr_t{1} << 32;  // as the plug-in asks, which has no weights yet
  Places first;
  for (const Variant& variant : variants())
    tell_case(tried(Json().text("variant", variant.name), [&](Json& json) {
      const Rnn rnn(variant.setting);
      const long element = static_cast<long>(size_of(variant.setting.type));
      const Places nowhere = rnn.places_from(reinterpret_cast<const void*>(kNowhere));
      const bool alike = std::equal(
          nowhere.begin(), nowhere.end(), rnn.places().begin(), rnn.places().end(),
          [](const Rnn::Place& a, const Rnn::Place& b) { return same(a.matrix, b.matrix) && same(a.bias, b.bias); });
      long elements = 0;
      for (const Rnn::Place& place : rnn.places()) elements += place.matrix.size() + place.bias.size();
      if (first.empty()) first = rnn.places();
      json.number("elements", static_cast<double>(elements))
          .number("slack bytes", static_cast<double>(rnn.weights.bytes()) - static_cast<double>(elements * element))
          .flag("a weight space that is none is described alike", alike)
          .flag("described as [1, rows, columns], packed", all_plainly_described(rnn))
          .flag("lies as stmnet's blob", same_offsets(rnn.places(), element, own_places(rnn), element))
          .flag("offsets in elements as standard f32",
                same_offsets(rnn.places(), element, first, static_cast<long>(size_of(Type::F32))))
          .list("first gates", first_gates(rnn));
    }));
  return {};
}

/// Why a layer of that width does not train; "ok" if it does.
std::string trains(Setting s, int H) {
  s.H = s.D = H;
  const std::string result = outcome([&] { Rnn(s).step(); });
  tell_case(Json().number("H", H).text("outcome", result));
  return result;
}

Json hidden_limit(const Setting& s) {
  int works = 0, fails = 0;
  for (const int H :
       {32, 64, 100, 128, 192, 256, 384, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 4096}) {
    if (small() && H > 256) break;
    if (trains(s, H) == "ok") {
      works = H;
    } else if (H != 100) {  // a size that is no multiple of 32 may be refused for that alone
      fails = H;
      break;
    }
  }
  for (int step = 16; works && fails - works > step;) {  // no algorithm was seen to care for finer steps
    const int middle = (works + fails) / 2 / step * step;
    if (middle <= works) break;
    (trains(s, middle) == "ok" ? works : fails) = middle;
  }
  return Json().number("largest H that trains", works).number("smallest H seen to fail", fails);
}

}  // namespace

std::vector<Question> layout_questions() {
  std::vector<Question> all = {{"weight-layout",
                                "how cuDNN describes weights, in memory and at an address that is none; is it the same "
                                "across algorithms and types",
                                "other extents: which of them recurrent/network.cc takes for a weight; not alike: it "
                                "has to ask with real weights",
                                weight_layout}};
  const auto add = [&](cudnnRNNAlgo_t algo, Type type, cudnnRNNMode_t mode, const std::string& cell) {
    Setting s;
    s.algo = algo, s.type = type, s.mode = mode, s.T = 4, s.N = 16;
    all.push_back({std::string("hidden-limit-") + name_of(algo) + "-" + cell + "-" + name_of(type),
                   "how wide a layer does it train", "which widths the tuner tries it for",
                   [=] { return hidden_limit(s); }});
  };
  for (const cudnnRNNAlgo_t algo : kAlgorithms) {
    if (algo == CUDNN_RNN_ALGO_STANDARD) continue;
    for (const Type type : {Type::F32, Type::Tf32, Type::F64, Type::F16, Type::Bf16})
      add(algo, type, CUDNN_LSTM, "lstm");
    for (const Type type : {Type::Tf32, Type::Bf16})
      add(algo, type, CUDNN_GRU, "gru"), add(algo, type, CUDNN_RNN_TANH, "tanh");
  }
  return all;
}

}  // namespace stm::probe
