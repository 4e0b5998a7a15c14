// What a call costs: per layer or per stack, per algorithm, per layout.
#include <cstdlib>
#include <memory>

#include "rnn.h"

namespace stm::probe {
namespace {

struct Shape {
  const char* name;
  int T, N, D, H, L, K;
};

/// STMNET_PROBE_SHAPES=small: for a device that computes on the CPU.
std::vector<Shape> shapes() {
  const char* wanted = std::getenv("STMNET_PROBE_SHAPES");
  if (wanted && std::string(wanted) == "small") return {{"small", 6, 4, 16, 32, 2, 1}, {"small-both", 5, 4, 16, 32, 1, 2}};
  return {{"S1", 64, 32, 128, 256, 1, 1},          {"S2", 20, 20, 200, 200, 2, 1},           {"S3", 35, 20, 650, 650, 2, 1},
          {"S4", 100, 64, 128, 128, 1, 2},         {"S5", 50, 64, 512, 512, 2, 1},           {"S6", 25, 64, 1024, 1024, 1, 1},
          {"PTB-large", 35, 20, 1500, 1500, 2, 1}, {"DeepBench", 25, 128, 1024, 1024, 1, 1}, {"AWD", 70, 80, 1150, 1150, 3, 1},
          {"streaming", 1, 1, 512, 512, 2, 1}};
}

Setting setting_of(const Shape& shape, cudnnRNNAlgo_t algo, Type type) {
  Setting s;
  s.algo = algo, s.type = type, s.T = shape.T, s.N = shape.N, s.D = shape.D, s.H = shape.H, s.L = shape.L, s.K = shape.K;
  return s;
}

Json algorithms(const Shape& shape) {
  std::vector<Json> cases;
  for (const Type type : {Type::F32, Type::Tf32, Type::F16, Type::Bf16}) {
    std::vector<double> expected;
    for (const cudnnRNNAlgo_t algo : kAlgorithms) {
      Json json;
      json.text("type", name_of(type)).text("algorithm", name_of(algo));
      const std::string result = outcome([&] {
        const Rnn rnn(setting_of(shape, algo, type));
        rnn.step();
        const std::vector<double> gradients = rnn.weight_gradients();
        if (expected.empty()) expected = gradients;
        json.number("ms", milliseconds([&] { rnn.step(); }))
            .number("forward ms", milliseconds([&] { rnn.forward(); }))
            .number("gradients against standard", distance(gradients, expected));
        json.number("reserve MiB", static_cast<double>(rnn.reserve.bytes()) / 1048576).number("workspace MiB", static_cast<double>(rnn.work.bytes()) / 1048576);
      });
      cases.push_back(json.text("outcome", result));
    }
  }
  return Json()
      .number("T", shape.T)
      .number("N", shape.N)
      .number("D", shape.D)
      .number("H", shape.H)
      .number("L", shape.L)
      .number("directions", shape.K)
      .list("cases", cases);
}

Json per_layer(const Shape& shape) {
  std::vector<Json> cases;
  for (const Type type : {Type::F32, Type::Tf32, Type::Bf16})
    for (const cudnnRNNAlgo_t algo : kAlgorithms) {
      Json json;
      json.text("type", name_of(type)).text("algorithm", name_of(algo));
      const std::string result = outcome([&] {
        const Rnn stack(setting_of(shape, algo, type));
        std::vector<std::unique_ptr<Rnn>> layers;
        for (int layer = 0; layer < shape.L; ++layer) {
          Setting s = setting_of(shape, algo, type);
          s.L = 1;
          if (layer > 0) s.D = shape.K * shape.H;
          layers.push_back(std::make_unique<Rnn>(s));
        }
        // Each layer reads a buffer of its own: the cost is the same as of one that reads the layer below.
        const double whole = milliseconds([&] { stack.step(); }), parts = milliseconds([&] {
                                                                    for (const auto& layer : layers) layer->dweights.fill(0), layer->forward();
                                                                    for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer)
                                                                      (*layer)->backward_data(), (*layer)->backward_weights();
                                                                  });
        json.number("one call ms", whole).number("a call per layer ms", parts).number("ratio", parts / whole);
      });
      cases.push_back(json.text("outcome", result));
    }
  return Json().number("L", shape.L).list("cases", cases);
}

Json batch_major(const Shape& shape) {
  std::vector<Json> cases;
  for (const Type type : {Type::F32, Type::Tf32, Type::Bf16}) {
    Json json;
    json.text("type", name_of(type));
    Setting s = setting_of(shape, CUDNN_RNN_ALGO_STANDARD, type);
    const std::string result = outcome([&] {
      const Rnn time(s);
      s.layout = CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED;
      const Rnn batch(s);
      json.number("time-major ms", milliseconds([&] { time.step(); })).number("batch-major ms", milliseconds([&] { batch.step(); }));
      json.number("time-major workspace", static_cast<double>(time.work.bytes())).number("batch-major workspace", static_cast<double>(batch.work.bytes()));
    });
    cases.push_back(json.text("outcome", result));
  }
  return Json().list("cases", cases);
}

Json small_h() {
  std::vector<Json> cases;
  for (const Type type : {Type::F32, Type::Tf32, Type::F16, Type::Bf16})
    for (const int H : {32, 64, 128, 192}) {
      Setting s;
      s.type = type, s.H = s.D = H, s.T = 30, s.N = 20, s.L = 2;
      Json json;
      json.text("type", name_of(type)).number("H", H);
      const std::string result = outcome([&] {
        const Rnn standard(s);
        s.algo = CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H;
        const Rnn small(s);
        standard.step();
        small.step();
        json.number("y against standard", distance(get(small.y, type), get(standard.y, type)));
        json.number("gradients against standard", distance(small.weight_gradients(), standard.weight_gradients()));
        json.number("ms", milliseconds([&] { small.step(); })).number("standard ms", milliseconds([&] { standard.step(); }));
      });
      cases.push_back(json.text("outcome", result));
    }
  return Json().list("cases", cases);
}

Json dynamic_batches() {
  Setting s;
  s.algo = CUDNN_RNN_ALGO_PERSIST_DYNAMIC, s.H = s.D = 256, s.T = 10, s.N = 32;
  Json json;
  json.number("first build ms", milliseconds([&] { const Rnn rnn(s); }, 1, 0));
  const Rnn whole(s);
  s.N = 17;
  const Rnn part(s);
  json.number("building again for another batch ms", milliseconds([&] { part.build_dynamic(17); }, 3, 0));
  json.text("a batch of 17 on a descriptor built for 17", outcome([&] { part.step(); }));
  const std::vector<double> expected = part.weight_gradients();
  part.build_dynamic(32);
  json.text("a batch of 17 on a descriptor built for 32", outcome([&] { part.step(); }));
  json.number("its gradients against the right build", distance(part.weight_gradients(), expected));
  s.algo = CUDNN_RNN_ALGO_STANDARD;
  const Rnn standard(s);
  standard.step();
  return json.number("the right build against standard", distance(expected, standard.weight_gradients()));
}

}  // namespace

std::vector<Question> speed_questions() {
  std::vector<Question> all = {{"small-h", "does PERSIST_STATIC_SMALL_H take every type, is it right, is it faster", small_h},
                               {"dynamic-batches", "what does PERSIST_DYNAMIC do with a last smaller batch", dynamic_batches}};
  for (const Shape& shape : shapes()) {
    all.push_back({std::string("algorithms-") + shape.name, "what does each algorithm take for a training step", [=] { return algorithms(shape); }});
    all.push_back({std::string("batch-major-") + shape.name, "what does the batch-major layout cost", [=] { return batch_major(shape); }});
    if (shape.L > 1)
      all.push_back({std::string("per-layer-") + shape.name, "what do calls per layer cost against one for the stack", [=] { return per_layer(shape); }});
  }
  return all;
}

}  // namespace stm::probe
