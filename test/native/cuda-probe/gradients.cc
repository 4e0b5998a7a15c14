// Clipping of the cell, the two modes of the weights' gradient, and forward and backward of two algorithms.
#include <algorithm>

#include "question.h"
#include "rnn.h"

namespace stm::probe {
namespace {

/// Σ y ⊙ dy + hy ⊙ dhy + cy ⊙ dcy after a forward run.
double loss_of(const Rnn& rnn) {
  rnn.forward();
  double sum = 0;
  for (const auto& [value, upstream] : {std::pair{&rnn.y, &rnn.dy}, {&rnn.hy, &rnn.dhy}, {&rnn.cy, &rnn.dcy}}) {
    const std::vector<double> a = get(*value, Type::F64), b = get(*upstream, Type::F64);
    for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  }
  return sum;
}

std::vector<double> differences(const Rnn& rnn, const Buffer& of) {
  const std::vector<double> at = get(of, Type::F64);
  std::vector<double> out(at.size());
  const double step = 1e-5;
  for (size_t i = 0; i < at.size(); ++i) {
    std::vector<double> moved = at;
    moved[i] = at[i] + step;
    put(of, Type::F64, moved);
    const double above = loss_of(rnn);
    moved[i] = at[i] - step;
    put(of, Type::F64, moved);
    out[i] = (above - loss_of(rnn)) / (2 * step);
  }
  put(of, Type::F64, at);
  return out;
}

Json clip_gradient() {
  for (const double clip : {0.0, 0.05, 0.3, 1e6}) {
    Setting s;
    s.type = Type::F64, s.clip = clip, s.T = 3, s.N = 2, s.H = 4, s.D = 3;
    tell_case(tried(Json().number("clip", clip), [&](Json& json) {
      const Rnn rnn(s);
      const std::vector<double> of_c = differences(rnn, rnn.cx), of_h = differences(rnn, rnn.hx),
                                of_x = differences(rnn, rnn.x);
      rnn.step();
      const std::vector<double> cy = get(rnn.cy, Type::F64);
      const auto clipped =
          std::count_if(cy.begin(), cy.end(), [&](double v) { return clip > 0 && std::abs(v) >= clip; });
      json.number("largest |cy|",
                  std::abs(*std::max_element(cy.begin(), cy.end(),
                                             [](double x, double y) { return std::abs(x) < std::abs(y); })))
          .number("share of cy at the clip", static_cast<double>(clipped) / static_cast<double>(cy.size()))
          .number("dcx against differences", distance(get(rnn.dcx, Type::F64), of_c))
          .number("dhx against differences", distance(get(rnn.dhx, Type::F64), of_h))
          .number("dx against differences", distance(get(rnn.dx, Type::F64), of_x));
    }));
  }
  return {};
}

Json wgrad_set() {
  const Setting s;
  const Rnn added(s), set(s);
  added.step();
  Json json;
  set.dweights.fill(0x40);
  set.forward();
  set.backward_data();
  const std::string result = outcome([&] { set.backward_weights(CUDNN_WGRAD_MODE_SET); });
  json.text("outcome of SET", result);
  if (result == "ok")
    json.number("SET over garbage against ADD onto zeros", distance(set.weight_gradients(), added.weight_gradients()));
  added.forward();
  added.backward_data();
  added.backward_weights();
  std::vector<double> twice = added.weight_gradients();
  for (double& value : twice) value /= 2;
  const Rnn once(s);
  once.step();
  return json.number("half of ADD onto itself against ADD onto zeros", distance(twice, once.weight_gradients()));
}

Json backward_twice(const Setting& s) {
  return tried({}, [&](Json& json) {
    const Rnn rnn(s);
    rnn.step();
    const std::vector<double> dx = get(rnn.dx, s.type);
    json.text("a second BackwardData on one reserve", outcome([&] { rnn.backward_data(); }));
    json.number("its dx against the first", distance(get(rnn.dx, s.type), dx));
  });
}

Json mix(Setting s, cudnnRNNAlgo_t back) {
  return tried({}, [&](Json& json) {
    const Rnn forward(s), own(s);
    own.step();
    s.algo = back;
    const Rnn backward(s);
    json.number("reserve of the one", static_cast<double>(forward.reserve.bytes()))
        .number("reserve of the other", static_cast<double>(backward.reserve.bytes()));
    forward.forward();
    backward_with(forward, backward);
    json.number("dx against one algorithm's", distance(get(backward.dx, s.type), get(own.dx, s.type)));
    json.number("dcx against one algorithm's", distance(get(backward.dcx, s.type), get(own.dcx, s.type)));
  });
}

}  // namespace

std::vector<Question> gradient_questions() {
  std::vector<Question> all = {
      {"clip-gradient", "is the gradient zero where the cell is clipped (then it equals differences)",
       "whether a clipped cell may be given to cuDNN at all", clip_gradient},
      {"wgrad-set", "does BackwardWeights take SET, and does ADD add",
       "SET: the memset before BackwardWeights goes; ADD onto itself unequal: gradients may not be accumulated in "
       "place",
       wgrad_set},
  };
  Setting s;
  s.H = s.D = 128, s.N = 8, s.T = 10;
  for (const cudnnRNNAlgo_t ahead : kAlgorithms) {
    s.algo = ahead, s.type = Type::F32;
    all.push_back({std::string("backward-twice-") + name_of(ahead), "does BackwardData spoil the reserve",
                   "no, everywhere: the copy of the reserve under retainGraph goes",
                   [=] { return backward_twice(s); }});
    for (const cudnnRNNAlgo_t back : kAlgorithms)
      for (const Type type : {Type::F32, Type::Bf16}) {
        if (ahead == back) continue;
        s.type = type;
        all.push_back({std::string("mix-") + name_of(ahead) + "-" + name_of(back) + "-" + name_of(type),
                       "may one algorithm go forward and another back",
                       "yes: the tuner may choose forward and backward apart", [=] { return mix(s, back); }});
      }
  }
  return all;
}

}  // namespace stm::probe
