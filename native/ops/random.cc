#include <cmath>
#include <utility>

#include "backend/philox.h"
#include "core/op_table.h"
#include "core/session.h"
#include "ops/ops.h"

namespace stm::ops {
namespace {

/// Where the generator stands; JavaScript's numbers hold both exactly.
struct RandomState {
  int64_t seed, offset;
};

/// The random numbers of one op. In a step that is being recorded `base` is where the stream begins at each replay.
struct Draw {
  PhiloxStream stream;
  Tensor base;
};

/// Reserves what one op needs. `words` 32-bit numbers an element.
Draw take(int64_t elements, int64_t words, Device& device) {
  Session& session = Session::current();
  if (Recording* recording = session.recording())
    return {{0, recording->take_random(elements * words)}, recording->random_base(device)};
  const Generator::Ticket ticket = session.generator.take(elements * words);
  return {{ticket.seed, ticket.offset}, {}};
}

/// Queues `work(Backend&, PhiloxStream, Views)`.
template <class Work>
void enqueue_drawing(const char* op, const Draw& draw, std::vector<Tensor> in, const std::vector<Tensor>& out,
                     Work work, Access out_access = Access::Write) {
  in.push_back(draw.base);
  enqueue(
      op, in, out,
      [stream = draw.stream, last = in.size() - 1, work](Backend& b, Views v) {
        return work(b, PhiloxStream{stream.seed, stream.offset, v.in(last).template as<const uint64_t>()}, v);
      },
      0, out_access);
}

int64_t words_of(DType dtype) { return dtype == DType::F32 ? 1 : 2; }

void check_place(const char* what, int64_t value) {
  STM_CHECK(value >= 0, Kind::Option, "random", fmt::format("{} {}", what, value), "a whole number of at least 0",
            "pass one such as 7");
}

RandomState random_state() {
  refuse_while_recording("getRandomState()", "call it outside the step");
  const Generator& generator = Session::current().generator;
  return {static_cast<int64_t>(generator.seed), static_cast<int64_t>(generator.offset)};
}

void set_random_state(int64_t seed, int64_t offset) {
  check_place("seed", seed);
  check_place("offset", offset);
  refuse_while_recording("setRandomState() or manualSeed()", "call it outside the step");
  Session::current().generator = {static_cast<uint64_t>(seed), static_cast<uint64_t>(offset)};
}

Tensor fresh(const char* op, const Shape& shape, DType dtype, const std::string& device, bool floating) {
  STM_CHECK(is_floating(dtype) == floating, Kind::DType, op, fmt::format("dtype {}", dtype),
            fmt::format("{}", floating ? "f32 or f64" : "i32"), "choose that dtype, or cast() the result");
  return empty(shape, dtype, Session::current().device(device));
}

/// Whether a dtype holds a number without its becoming infinite.
bool is_finite(DType dtype, double value) {
  return dtype == DType::F32 ? std::isfinite(static_cast<float>(value)) : std::isfinite(value);
}

void check_bounds(const char* op, DType dtype, double low, double high) {
  STM_CHECK(is_finite(dtype, low) && is_finite(dtype, high) && low <= high && is_finite(dtype, high - low),
            Kind::Option, op, fmt::format("low {} and high {}", low, high), "finite numbers, low not above high",
            fmt::format("correct the bounds; {} has to hold them and their difference", dtype));
}

void check_normal(const char* op, DType dtype, double mean, double std) {
  STM_CHECK(is_finite(dtype, mean) && is_finite(dtype, std) && std >= 0, Kind::Option, op,
            fmt::format("mean {} and std {}", mean, std), "finite numbers, std at least 0",
            fmt::format("correct them; {} has to hold them", dtype));
}

Tensor rand(const Shape& shape, DType dtype, const std::string& device) {
  Tensor x = fresh("rand", shape, dtype, device, true);
  enqueue_drawing("rand", take(x.size(), words_of(dtype), x.device()), {}, {x},
                  [](Backend& b, PhiloxStream stream, Views v) { return b.random().uniform(stream, 0, 1, v.out(0)); });
  return x;
}

Tensor randn(const Shape& shape, DType dtype, const std::string& device) {
  Tensor x = fresh("randn", shape, dtype, device, true);
  enqueue_drawing("randn", take(x.size(), words_of(dtype), x.device()), {}, {x},
                  [](Backend& b, PhiloxStream stream, Views v) { return b.random().normal(stream, 0, 1, v.out(0)); });
  return x;
}

Tensor randint(int64_t low, int64_t high, const Shape& shape, const std::string& device) {
  STM_CHECK(low >= INT32_MIN && high <= int64_t{INT32_MAX} + 1 && low < high && high - low <= int64_t{UINT32_MAX},
            Kind::Option, "randint", fmt::format("low {} and high {}", low, high),
            "low below high, both within 32 bits, and fewer than 2^32 numbers",
            "high itself is never drawn: pass one more than the largest number wanted");
  Tensor x = fresh("randint", shape, DType::I32, device, false);
  enqueue_drawing("randint", take(x.size(), 2, x.device()), {}, {x},
                  [low, range = static_cast<uint32_t>(high - low)](Backend& b, PhiloxStream stream, Views v) {
                    return b.random().integers(stream, static_cast<int32_t>(low), range, v.out(0));
                  });
  x->storage->set_host_range({low, high - 1});
  return x;
}

/// Runs `fill(Backend&, PhiloxStream, View)` on a dense tensor in place of `x`, whose elements it becomes.
template <class Fill>
void refill(const char* op, const Tensor& x, int64_t words, Fill fill) {
  check_floating(op, "x", x);
  check_in_place(op, x, {});
  const Draw draw = take(x.size(), words, x.device());
  const auto filled = [fill](Backend& b, PhiloxStream stream, Views v) { return fill(b, stream, v.out(0)); };
  if (x.contiguous()) return enqueue_drawing(op, draw, {}, {x}, filled, Access::Update);
  const Tensor dense = empty_like(x);
  enqueue_drawing(op, draw, {}, {dense}, filled);
  enqueue_update(op, {dense}, {x}, [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
}

void uniform_fill(const Tensor& x, double low, double high) {
  check_floating("uniform_", "x", x);
  check_bounds("uniform_", x.dtype(), low, high);
  refill("uniform_", x, words_of(x.dtype()), [low, high](Backend& b, PhiloxStream stream, const View& out) {
    return b.random().uniform(stream, low, high, out);
  });
}

void normal_fill(const Tensor& x, double mean, double std) {
  check_floating("normal_", "x", x);
  check_normal("normal_", x.dtype(), mean, std);
  refill("normal_", x, words_of(x.dtype()), [mean, std](Backend& b, PhiloxStream stream, const View& out) {
    return b.random().normal(stream, mean, std, out);
  });
}

void orthogonal_fill(const Tensor& x, double gain) {
  STM_CHECK(x.rank() >= 2, Kind::Shape, "orthogonal_", fmt::format("{}", x), "at least two axes",
            "orthogonal vectors need a matrix; use normal_() for a bias");
  STM_CHECK(std::isfinite(gain), Kind::Option, "orthogonal_", fmt::format("gain {}", gain), "a finite number",
            "pass 1, or leave it out");
  if (x.size() == 0) return;
  const int64_t rows = x.extent(0), columns = x.size() / rows;
  refill("orthogonal_", x, 2, [gain, rows, columns](Backend& b, PhiloxStream stream, const View& out) {
    return b.random().orthogonal(stream, gain, rows, columns, out);
  });
}

Tensor bernoulli(const Tensor& p) {
  check_floating("bernoulli", "p", p);
  const Tensor dense = contiguous(p), y = empty_like(p);
  enqueue_drawing(
      "bernoulli", take(y.size(), words_of(y.dtype()), y.device()), {dense}, {y},
      [](Backend& b, PhiloxStream stream, Views v) { return b.random().bernoulli(stream, v.in(0), v.out(0)); });
  return y;
}

/// Weights […, V], looked at for `multinomial`: one that is none, or a row with fewer above 0, `possible` […], than
/// `least`, rejects the next read.
Tensor checked_weights(const Tensor& weights, const Tensor& possible, int64_t least) {
  check_floating("multinomial", "probabilities", weights);
  const Tensor dense = contiguous(weights), y = empty_like(weights);
  enqueue("multinomial", {dense, contiguous(possible)}, {y},
          [least](Backend& b, Views v) { return b.random().check_weights(v.in(0), v.in(1), least, v.out(0)); });
  return y;
}

Tensor gaussian_noise(const Tensor& x, double std) {
  check_floating("gaussianNoise", "x", x);
  check_normal("gaussianNoise", x.dtype(), 0, std);
  const Tensor noise = empty_like(x);
  enqueue_drawing(
      "gaussianNoise", take(x.size(), words_of(x.dtype()), x.device()), {}, {noise},
      [std](Backend& b, PhiloxStream stream, Views v) { return b.random().normal(stream, 0, std, v.out(0)); });
  return add(x, noise);
}

constexpr int64_t kMostListed = int64_t{1} << 26;

/// A shuffled 0..count-1, drawn on the host by Fisher and Yates's method.
std::vector<int64_t> permutation(int64_t count) {
  STM_CHECK(count >= 0 && count <= kMostListed, Kind::Option, "permutation", fmt::format("{}", count),
            fmt::format("0..{}, as many as an array holds well", kMostListed), "shuffle parts");
  refuse_while_recording("a permutation on the host", "shuffle outside the step");
  const Generator::Ticket ticket = Session::current().generator.take(count * 2);
  const PhiloxStream stream{ticket.seed, ticket.offset};
  std::vector<int64_t> order(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) order[i] = i;
  for (int64_t i = count - 1; i > 0; --i) {
    const PhiloxBlock block = philox_block(stream, static_cast<uint64_t>(i / 2));
    const uint32_t* words = block.word + 2 * (i % 2);
    std::swap(order[i], order[below(static_cast<uint32_t>(i + 1), words[0], words[1])]);
  }
  return order;
}

}  // namespace

Tensor dropout(const Tensor& x, double p) {
  check_floating("dropout", "x", x);
  STM_CHECK(p >= 0 && p < 1, Kind::Option, "dropout", fmt::format("p {}", p), "a probability in [0, 1)",
            "pass 0 to switch it off, or a fraction such as 0.5");
  const Tensor dense = contiguous(x), y = empty_like(x);
  const Draw draw = take(x.size(), words_of(x.dtype()), x.device());
  const auto masked = [p](Backend& b, PhiloxStream stream, Views v) {
    return b.random().dropout(stream, p, v.in(0), v.out(0));
  };
  enqueue_drawing("dropout", draw, {dense}, {y}, masked);
  // The mask is not kept: the same part of the stream makes it again.
  on_backward("dropout", y, {x}, {}, [masked, draw](const Tensor& dy, const SavedTensors&) -> std::vector<Tensor> {
    const Tensor dx = empty_like(dy);
    enqueue_drawing("dropout", draw, {contiguous(dy)}, {dx}, masked);
    return {dx};
  });
  return y;
}

}  // namespace stm::ops

namespace stm {
template <>
struct RecordFields<ops::RandomState> {
  static constexpr auto fields =
      std::tuple{std::pair{"seed", &ops::RandomState::seed}, std::pair{"offset", &ops::RandomState::offset}};
};
}  // namespace stm

namespace stm::ops {

void declare_random(OpTable& table) {
  table.add("randomState", &random_state, "Where the generator stands: its seed, and how much of the stream is used.");
  table.add("setRandomState", &set_random_state, {"seed", "offset"}, "Puts the generator at a place of a stream.");
  table.add("rand", &rand, {"shape", "dtype", "device"}, "Uniform numbers in [0, 1).");
  table.add("randn", &randn, {"shape", "dtype", "device"}, "Numbers of the standard normal distribution.");
  table.add("randint", &randint, {"low", "high", "shape", "device"}, "Whole numbers from low to high - 1, as i32.");
  table.add("uniform_", &uniform_fill, {"x", "low", "high"}, "Overwrites x with uniform numbers in [low, high).");
  table.add("normal_", &normal_fill, {"x", "mean", "std"}, "Overwrites x with normal numbers.");
  table.add("orthogonal_", &orthogonal_fill, {"x", "gain"},
            "Overwrites x, taken as a matrix [first axis, the rest], with orthonormal rows or columns times gain.");
  table.add("bernoulli", &bernoulli, {"p"}, "1 with the probability that stands in p, else 0.");
  table.add("checkedWeights", &checked_weights, {"weights", "possible", "least"},
            "weights to draw from: finite, at least 0, and as many above 0 in each row, possible, as are wanted.");
  table.add("gaussianNoise", &gaussian_noise, {"x", "std"}, "x plus normal numbers of mean 0.");
  table.add("dropout", &dropout, {"x", "p"}, "x / (1 - p) with probability 1 - p, else 0, element by element.");
  table.add("permutation", &permutation, {"count"}, "0..count-1 in random order.");
}

}  // namespace stm::ops
