// How the weights lie, and how wide a layer each algorithm takes.
#include <algorithm>

#include "rnn.h"

namespace stm::probe {
namespace {

/// Offsets in elements as stmnet's blob has them: W_ih, W_hh, [W_hr] of each pseudo-layer, then the biases.
std::vector<Rnn::Place> own_places(const Rnn& rnn) {
  const Setting& s = rnn.setting;
  std::vector<Rnn::Place> places = rnn.places();
  const long element = static_cast<long>(size_of(s.type));
  long next = 0;
  for (Rnn::Place& place : places)
    if (place.matrix >= 0) place.matrix = next, next += place.matrix_size * element;
  for (Rnn::Place& place : places)
    if (place.bias >= 0) place.bias = next, next += place.bias_size * element;
  return places;
}

bool same_places(const std::vector<Rnn::Place>& a, const std::vector<Rnn::Place>& b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](const Rnn::Place& p, const Rnn::Place& q) { return p.matrix == q.matrix && p.bias == q.bias; });
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
  for (const auto& [name, s] : {std::pair{"bidirectional", both}, {"gru", gru}, {"odd sizes", odd}, {"projected", projected}}) all.push_back({name, s});
  return all;
}

Json weight_layout() {
  std::vector<Json> cases;
  std::vector<Rnn::Place> first;
  for (const Variant& variant : variants()) {
    Json json;
    json.text("variant", variant.name);
    const std::string result = outcome([&] {
      const Rnn rnn(variant.setting);
      const long element = static_cast<long>(size_of(variant.setting.type));
      long elements = 0;
      std::vector<Rnn::Place> in_elements = rnn.places();
      for (Rnn::Place& place : in_elements) {
        elements += (place.matrix >= 0 ? place.matrix_size : 0) + (place.bias >= 0 ? place.bias_size : 0);
        if (place.matrix >= 0) place.matrix /= element;
        if (place.bias >= 0) place.bias /= element;
      }
      if (first.empty()) first = in_elements;
      json.number("elements", static_cast<double>(elements))
          .number("slack bytes", static_cast<double>(rnn.weights.bytes()) - static_cast<double>(elements * element));
      json.flag("lies as stmnet's blob", same_places(rnn.places(), own_places(rnn)))
          .flag("offsets in elements as standard f32", same_places(in_elements, first));
      std::vector<Json> places;
      for (const Rnn::Place& place : in_elements)
        if (place.id == 0 || place.id == variant.setting.gates())
          places.push_back(Json()
                               .number("pseudo-layer", place.pseudo_layer)
                               .number("id", place.id)
                               .number("matrix", static_cast<double>(place.matrix))
                               .number("bias", static_cast<double>(place.bias)));
      json.list("first gates", places);
    });
    cases.push_back(json.text("outcome", result));
  }
  return Json().list("variants", cases);
}

/// Why a layer of that width does not train; "ok" if it does.
std::string trains(Setting s, int H) {
  s.H = s.D = H;
  return outcome([&] { Rnn(s).step(); });
}

Json hidden_limit(const Setting& s) {
  const std::vector<int> widths = {32, 64, 100, 128, 192, 256, 384, 512, 640, 768, 896, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 4096};
  int works = 0, fails = 0;
  std::string why, odd;
  for (const int H : widths) {
    const std::string result = trains(s, H);
    if (result == "ok") {
      works = H;
    } else if (H == 100) {
      odd = result;
    } else {
      fails = H, why = result;
      break;
    }
  }
  for (int step = 16; works && fails - works > step;) {  // no algorithm was seen to care for finer steps
    const int middle = (works + fails) / 2 / step * step;
    if (middle <= works) break;
    const std::string result = trains(s, middle);
    if (result == "ok") works = middle;
    else fails = middle, why = result;
  }
  Json json;
  json.number("largest H that trains", works).number("smallest H seen to fail", fails);
  if (!why.empty()) json.text("because", why);
  return json.text("H = 100", odd.empty() ? "ok" : odd);
}

}  // namespace

std::vector<Question> layout_questions() {
  std::vector<Question> all = {{"weight-layout", "is the layout of the weights the same across algorithms, math types, bias modes", weight_layout}};
  const auto add = [&](cudnnRNNAlgo_t algo, Type type, cudnnRNNMode_t mode, const std::string& cell) {
    Setting s;
    s.algo = algo, s.type = type, s.mode = mode, s.T = 4, s.N = 16;
    all.push_back(
        {std::string("hidden-limit-") + name_of(algo) + "-" + cell + "-" + name_of(type), "how wide a layer does it train", [=] { return hidden_limit(s); }});
  };
  for (const cudnnRNNAlgo_t algo : kAlgorithms) {
    if (algo == CUDNN_RNN_ALGO_STANDARD) continue;
    for (const Type type : {Type::F32, Type::Tf32, Type::F64, Type::F16, Type::Bf16}) add(algo, type, CUDNN_LSTM, "lstm");
    for (const Type type : {Type::Tf32, Type::Bf16}) add(algo, type, CUDNN_GRU, "gru"), add(algo, type, CUDNN_RNN_TANH, "tanh");
  }
  return all;
}

}  // namespace stm::probe
