// What a call costs: per layer or per stack, per algorithm, per layout.
#include <algorithm>
#include <map>
#include <memory>

#include "question.h"
#include "rnn.h"

namespace stm::probe {
namespace {

struct Shape {
  const char* name;
  int T, N, D, H, L, K;
};

std::vector<Shape> shapes() {
  std::vector<Shape> all = {{"S1", 64, 32, 128, 256, 1, 1},          {"S2", 20, 20, 200, 200, 2, 1},
                            {"S3", 35, 20, 650, 650, 2, 1},          {"S4", 100, 64, 128, 128, 1, 2},
                            {"S5", 50, 64, 512, 512, 2, 1},          {"S6", 25, 64, 1024, 1024, 1, 1},
                            {"PTB-large", 35, 20, 1500, 1500, 2, 1}, {"DeepBench", 25, 128, 1024, 1024, 1, 1},
                            {"AWD", 70, 80, 1150, 1150, 3, 1},       {"streaming", 1, 1, 512, 512, 2, 1}};
  if (small())
    for (Shape& shape : all)
      shape.T = std::min(shape.T, 5), shape.N = std::min(shape.N, 4), shape.D = shape.D % 7 + 12,
      shape.H = shape.H % 16 + 16;
  return all;
}

Setting setting_of(const Shape& shape, cudnnRNNAlgo_t algo, Type type) {
  Setting s;
  s.algo = algo, s.type = type, s.T = shape.T, s.N = shape.N, s.D = shape.D, s.H = shape.H, s.L = shape.L,
  s.K = shape.K;
  return s;
}

Json described(const Shape& shape) {
  return Json()
      .number("T", shape.T)
      .number("N", shape.N)
      .number("D", shape.D)
      .number("H", shape.H)
      .number("L", shape.L)
      .number("directions", shape.K);
}

Json case_of(Type type, cudnnRNNAlgo_t algo) {
  return Json().text("type", name_of(type)).text("algorithm", name_of(algo));
}

Json algorithms(const Shape& shape) {
  std::map<Type, std::vector<double>> standard;
  for (const cudnnRNNAlgo_t algo : kAlgorithms)
    for (const Type type : {Type::F32, Type::Tf32, Type::F16, Type::Bf16})
      tell_case(tried(case_of(type, algo), [&](Json& json) {
        const Rnn rnn(setting_of(shape, algo, type));
        rnn.step();
        const std::vector<double> gradients = rnn.weight_gradients();
        const std::vector<double>& expected = standard.try_emplace(type, gradients).first->second;
        json.number("ms", milliseconds([&] { rnn.step(); }))
            .number("forward ms", milliseconds([&] { rnn.forward(); }))
            .number("gradients against standard", distance(gradients, expected))
            .number("reserve MiB", static_cast<double>(rnn.reserve.bytes()) / 1048576)
            .number("workspace MiB", static_cast<double>(rnn.work.bytes()) / 1048576);
      }));
  return described(shape);
}

Json per_layer(const Shape& shape) {
  for (const cudnnRNNAlgo_t algo : kAlgorithms)
    for (const Type type : {Type::F32, Type::Tf32, Type::Bf16})
      tell_case(tried(case_of(type, algo), [&](Json& json) {
        const Rnn stack(setting_of(shape, algo, type));
        std::vector<std::unique_ptr<Rnn>> layers;
        for (int layer = 0; layer < shape.L; ++layer) {
          Setting s = setting_of(shape, algo, type);
          s.L = 1;
          if (layer > 0) s.D = shape.K * shape.H;
          layers.push_back(std::make_unique<Rnn>(s));
        }
        // Each layer reads a buffer of its own: the cost is the same as of one that reads the layer below.
        const double whole = milliseconds([&] { stack.step(); });
        const double parts = milliseconds([&] {
          for (const auto& layer : layers) layer->dweights.fill(0), layer->forward();
          for (auto layer = layers.rbegin(); layer != layers.rend(); ++layer)
            (*layer)->backward_data(), (*layer)->backward_weights();
        });
        json.number("one call ms", whole).number("a call per layer ms", parts).number("ratio", parts / whole);
      }));
  return described(shape);
}

/// The numbers of a [T, N, width] tensor as [N, T, width], or the other way.
std::vector<double> turned(const std::vector<double>& values, int outer, int inner, int width) {
  std::vector<double> out(values.size());
  for (int i = 0; i < outer; ++i)
    for (int j = 0; j < inner; ++j)
      std::copy_n(values.begin() + (static_cast<long>(i) * inner + j) * width, width,
                  out.begin() + (static_cast<long>(j) * outer + i) * width);
  return out;
}

/// Both layouts on the same numbers.
void compare_layouts(Setting s, Json& json) {
  const Rnn time(s);
  s.layout = CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED;
  time.step();
  json.number("time-major ms", milliseconds([&] { time.step(); }))
      .number("time-major workspace", static_cast<double>(time.work.bytes()));
  const Rnn batch(s);
  const int width = s.K * s.width();
  put(batch.x, s.type, turned(get(time.x, s.type), s.T, s.N, s.D));
  put(batch.dy, s.type, turned(get(time.dy, s.type), s.T, s.N, width));
  batch.step();
  wait();
  json.number("y against time-major", distance(turned(get(batch.y, s.type), s.N, s.T, width), get(time.y, s.type)))
      .number("dx against time-major", distance(turned(get(batch.dx, s.type), s.N, s.T, s.D), get(time.dx, s.type)))
      .number("gradients against time-major", distance(batch.weight_gradients(), time.weight_gradients()))
      .number("batch-major ms", milliseconds([&] { batch.step(); }))
      .number("batch-major workspace", static_cast<double>(batch.work.bytes()));
}

Json batch_major(const Shape& shape) {
  for (const cudnnRNNAlgo_t algo : kAlgorithms)
    for (const Type type : {Type::F32, Type::Tf32, Type::Bf16})
      tell_case(tried(case_of(type, algo), [&](Json& json) { compare_layouts(setting_of(shape, algo, type), json); }));
  return described(shape);
}

Json small_h() {
  for (const Type type : {Type::F32, Type::Tf32, Type::F16, Type::Bf16})
    for (const int H : small() ? std::vector<int>{32, 64} : std::vector<int>{32, 64, 128, 192})
      tell_case(tried(Json().text("type", name_of(type)).number("H", H), [&](Json& json) {
        Setting s;
        s.type = type, s.H = s.D = H, s.T = small() ? 5 : 30, s.N = small() ? 4 : 20, s.L = 2;
        const Rnn standard(s);
        s.algo = CUDNN_RNN_ALGO_PERSIST_STATIC_SMALL_H;
        const Rnn of_small(s);
        standard.step();
        of_small.step();
        json.number("y against standard", distance(get(of_small.y, type), get(standard.y, type)))
            .number("gradients against standard", distance(of_small.weight_gradients(), standard.weight_gradients()))
            .number("ms", milliseconds([&] { of_small.step(); }))
            .number("standard ms", milliseconds([&] { standard.step(); }));
      }));
  return {};
}

Json dynamic_batches() {
  Setting s;
  s.algo = CUDNN_RNN_ALGO_PERSIST_DYNAMIC, s.H = s.D = small() ? 32 : 256, s.T = 10, s.N = 32;
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
  std::vector<Question> all = {
      {"small-h", "does PERSIST_STATIC_SMALL_H take every type, is it right, is it faster",
       "which types and widths the tuner tries it for", small_h, true},
      {"dynamic-batches", "what does PERSIST_DYNAMIC do with a last smaller batch, and what does building it cost",
       "whether the tuner may try it where batches differ in size", dynamic_batches, true}};
  for (const Shape& shape : shapes()) {
    const std::string name = shape.name;
    all.push_back({"algorithms-" + name, "what does each algorithm take for a training step",
                   "which algorithm the tuner should come to, and which are not worth a trial",
                   [=] { return algorithms(shape); }, true});
    all.push_back({"batch-major-" + name,
                   "does each algorithm compute batch-major rows, are they right, what do both layouts take",
                   "refused or slower: the layout is a choice of the tuner, and rows are turned before the call",
                   [=] { return batch_major(shape); }, true});
    if (shape.L > 1)
      all.push_back({"per-layer-" + name, "what do calls per layer cost against one for the stack",
                     "a ratio near 1: dropout between layers may keep a call per layer; else it wants one call",
                     [=] { return per_layer(shape); }, true});
  }
  return all;
}

}  // namespace stm::probe
