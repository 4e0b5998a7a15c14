// What moves around cuDNN's calls, on the stand-in, against plain loops: padded batches of any strides, widths that
// packs of 16 bytes fit and do not fit, arrays that begin anywhere, of all types. usage: cuda_recurrent_copies_test
// [seed]
#include "backend/cuda/recurrent/copies.h"

#include "cuda-standin/numbers.h"
#include "cuda_kernels.h"

namespace stm::cuda::test {
namespace {

constexpr double kBeside = -77;  // what lies where nothing is written, exact in all types

/// The caller's numbers, and cuDNN's.
struct Types {
  DType dtype;
  Element element;
};
constexpr Types kTypes[] = {
    {DType::F32, Element::F32}, {DType::F64, Element::F64}, {DType::F32, Element::Bf16}, {DType::F32, Element::F16}};

standin::Number number_of(DType dtype) { return dtype == DType::F64 ? standin::Number::F64 : standin::Number::F32; }
standin::Number number_of(Element element) {
  switch (element) {
    case Element::F64: return standin::Number::F64;
    case Element::F16: return standin::Number::F16;
    case Element::Bf16: return standin::Number::Bf16;
    case Element::F32: break;
  }
  return standin::Number::F32;
}

/// Numbers in device memory, `before` of them beside, in front and behind.
class Numbers {
 public:
  Numbers(Device& device, standin::Number type, int64_t count, int64_t before)
      : values(static_cast<size_t>(count), kBeside),
        device_(device),
        type_(type),
        before_(before),
        memory_(bytes(count + 2 * before)) {
    put();
  }
  /// Small whole numbers: exact in every type, and so are sums of two.
  void fill() {
    for (double& value : values) value = static_cast<double>(draw(-20, 20));
    put();
  }
  void* data() const { return static_cast<char*>(memory_.data()) + bytes(before_); }
  /// Whether device memory holds `values`, and nothing was written beside them.
  bool holds() const {
    std::vector<char> got(memory_.bytes());
    device_.download(got.data(), memory_.data(), got.size());
    const int64_t count = static_cast<int64_t>(values.size());
    for (int64_t i = 0; i < count + 2 * before_; ++i) {
      const bool inside = i >= before_ && i < before_ + count;
      if (standin::load(got.data(), type_, i) != (inside ? values[static_cast<size_t>(i - before_)] : kBeside))
        return false;
    }
    return true;
  }
  std::vector<double> values;

 private:
  size_t bytes(int64_t count) const { return static_cast<size_t>(count) * standin::size_of(type_); }
  void put() {
    std::vector<char> all(memory_.bytes());
    const int64_t count = static_cast<int64_t>(values.size());
    for (int64_t i = 0; i < count + 2 * before_; ++i) {
      const bool inside = i >= before_ && i < before_ + count;
      standin::store(all.data(), type_, i, inside ? values[static_cast<size_t>(i - before_)] : kBeside);
    }
    device_.upload(memory_.data(), all.data(), all.size());
    device_.wait();
  }
  Device& device_;
  standin::Number type_;
  int64_t before_;
  Memory memory_;
};

int64_t random_beginning() { return chance(0.4) ? draw(1, 9) : 0; }

/// A padded batch of N rows and T steps, of which a window takes some.
struct Batch {
  int64_t N = draw(1, 5), T = draw(1, 6),
          width = chance(0.1)   ? draw(2000, 5000)
                  : chance(0.5) ? 4 * draw(1, 40)
                                : draw(1, 30);
  int64_t total = width + (chance(0.5) ? 0 : draw(0, 9)), offset = draw(0, total - width);
  bool batch_first = chance(0.5), ragged = chance(0.6);
  std::vector<int32_t> lengths, rows;
  Window window{};

  Batch() {
    for (int64_t row = 0; row < N; ++row) lengths.push_back(static_cast<int32_t>(draw(0, T)));
    window.from = draw(0, T - 1);
    window.steps = draw(1, T - window.from);
    if (chance(0.4)) {
      for (int32_t row = 0; row < N; ++row)
        if (chance(0.6)) rows.push_back(row);
    }
    window.batch = rows.empty() ? N : static_cast<int64_t>(rows.size());
    window.width = width;
    window.most = T;
    window.batch_major = chance(0.5);
    window.flipped = chance(0.4);
  }
  int64_t row_stride() const { return batch_first ? T * total : total; }
  int64_t step_stride() const { return batch_first ? total : N * total; }
  int64_t length(int64_t row) const { return ragged ? lengths[static_cast<size_t>(row)] : T; }
  /// Calls `f(first element of the block's step, that of the caller's or -1)`.
  template <class F>
  void each_step(F f) const {
    for (int64_t i = 0; i < window.batch; ++i) {
      for (int64_t s = 0; s < window.steps; ++s) {
        const int64_t row = rows.empty() ? i : rows[static_cast<size_t>(i)], t = window.from + s;
        const int64_t there = row * row_stride() + (window.flipped ? length(row) - 1 - t : t) * step_stride() + offset;
        f((window.batch_major ? i * window.steps + s : s * window.batch + i) * width, t < length(row) ? there : -1);
      }
    }
  }
  /// The window with its numbers in device memory.
  Window on(Device& device) const {
    Window sent = window;
    if (!rows.empty())
      require(device.context.constants(Context::kLengthsToo, rows.data(), window.batch, &sent.rows), "rows");
    if (ragged) require(device.context.constants(Context::kLengths, lengths.data(), N, &sent.lengths), "lengths");
    return sent;
  }
  Steps steps(const Numbers& padded, DType dtype) const {
    return {static_cast<char*>(padded.data()) + static_cast<size_t>(offset) * size_of(dtype), row_stride(),
            step_stride()};
  }
};

void check_moves(Device& device, const Types& types) {
  const Batch b;
  Numbers padded(device, number_of(types.dtype), b.N * b.T * b.total, random_beginning());
  Numbers block(device, number_of(types.element), b.window.batch * b.window.steps * b.width, random_beginning());
  const auto at = [](std::vector<double>& values, int64_t i) -> double& { return values[static_cast<size_t>(i)]; };

  padded.fill();
  require(gather(device.context, types.dtype, types.element, b.steps(padded, types.dtype), b.on(device), block.data()),
          "gather");
  b.each_step([&](int64_t here, int64_t there) {
    for (int64_t j = 0; j < b.width; ++j) at(block.values, here + j) = there < 0 ? 0 : at(padded.values, there + j);
  });
  require(block.holds() && padded.holds(), "gather moves something else");

  for (const bool add : {false, true}) {
    block.fill();
    padded.fill();
    require(scatter(device.context, types.dtype, types.element, block.data(), b.on(device),
                    b.steps(padded, types.dtype), add),
            "scatter");
    b.each_step([&](int64_t here, int64_t there) {
      for (int64_t j = 0; j < b.width && there >= 0; ++j)
        at(padded.values, there + j) = at(block.values, here + j) + (add ? at(padded.values, there + j) : 0);
    });
    require(block.holds() && padded.holds(), "scatter moves something else");
  }

  const int32_t* lengths = nullptr;
  require(device.context.constants(Context::kLengths, b.lengths.data(), b.N, &lengths), "lengths");
  require(clear_padding(device.context, types.dtype, b.steps(padded, types.dtype), b.N, b.T, b.width, lengths),
          "clear_padding");
  for (int64_t row = 0; row < b.N; ++row) {
    for (int64_t t = b.lengths[static_cast<size_t>(row)]; t < b.T; ++t)
      for (int64_t j = 0; j < b.width; ++j)
        at(padded.values, row * b.row_stride() + t * b.step_stride() + b.offset + j) = 0;
  }
  require(padded.holds(), "clear_padding clears something else");
}

/// Many arrays in one go: empty ones, one element, pieces and a rest; gaps, which have no source.
void check_conversions(Device& device, const Types& types) {
  const int64_t count = chance(0.2) ? draw(100, 300) : draw(0, 6);
  std::vector<std::unique_ptr<Numbers>> callers, cudnns;
  std::vector<Conversion> in, out;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t size = chance(0.1)   ? 0
                         : chance(0.1) ? 1
                         : chance(0.1) ? 4096 * draw(1, 2)
                         : chance(0.1) ? draw(4000, 9000)
                                       : draw(2, 300);
    callers.push_back(std::make_unique<Numbers>(device, number_of(types.dtype), size, random_beginning()));
    cudnns.push_back(std::make_unique<Numbers>(device, number_of(types.element), size, random_beginning()));
    callers.back()->fill();
    const bool gap = chance(0.2);
    in.push_back({gap ? nullptr : callers.back()->data(), cudnns.back()->data(), size});
    out.push_back({cudnns.back()->data(), callers.back()->data(), size});
    for (size_t k = 0; k < callers.back()->values.size(); ++k)
      cudnns.back()->values[k] = gap ? 0 : callers.back()->values[k];
  }
  const auto hold = [&](const std::vector<std::unique_ptr<Numbers>>& all) {
    return std::all_of(all.begin(), all.end(),
                       [](const std::unique_ptr<Numbers>& numbers) { return numbers->holds(); });
  };
  require(convert_in(device.context, types.dtype, types.element, in), "convert_in");
  require(hold(callers) && hold(cudnns), "convert_in converts something else");
  const bool add = chance(0.5);
  require(convert_out(device.context, types.dtype, types.element, out, add), "convert_out");
  for (size_t i = 0; i < callers.size(); ++i) {
    for (size_t k = 0; k < callers[i]->values.size(); ++k)
      callers[i]->values[k] = cudnns[i]->values[k] + (add ? callers[i]->values[k] : 0);
  }
  require(hold(callers) && hold(cudnns), "convert_out converts something else");
}

/// What no small whole number shows: that numbers are rounded to the nearest, whether they move in packs or one by one.
void check_rounding(Device& device) {
  for (const Types& types : {Types{DType::F32, Element::Bf16}, Types{DType::F32, Element::F16}}) {
    for (const int64_t before : {0, 1}) {
      std::vector<float> values(37);
      for (float& value : values) value = static_cast<float>(draw_real(-3, 3));
      Memory floats(values.size() * 4 + 64), halves(values.size() * 2 + 64);
      char *const source = static_cast<char*>(floats.data()) + before * 4, *const target =
                                                                               static_cast<char*>(halves.data()) +
                                                                               before * 2;
      device.upload(source, values.data(), values.size() * 4);
      require(convert_in(device.context, types.dtype, types.element,
                         {{source, target, static_cast<int64_t>(values.size())}}),
              "convert_in");
      std::vector<char> got(values.size() * 2), expected(values.size() * 2);
      device.download(got.data(), target, got.size());
      for (size_t i = 0; i < values.size(); ++i)
        standin::store(expected.data(), number_of(types.element), static_cast<int64_t>(i), values[i]);
      require(got == expected, "numbers are rounded in another way");
    }
  }
}

int run() {
  Device device;
  for (const Types& types : kTypes) {
    for (int i = 0; i < 150; ++i) check_moves(device, types);
    for (int i = 0; i < 40; ++i) check_conversions(device, types);
  }
  check_rounding(device);
  return finish("cuda_recurrent_copies_test");
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  stm::cuda::test::begin(argc, argv);
  return stm::cuda::test::run();
}
