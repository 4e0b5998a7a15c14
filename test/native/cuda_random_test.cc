// The random CUDA kernels against the CPU's: the same numbers, from any place of a stream, in dense memory of any size
// and alignment. usage: cuda_random_test [seed]
#include <limits>

#include "backend/cpu/backend.h"
#include "backend/cuda/random.h"
#include "cuda_kernels.h"

namespace {

using namespace stm;
using namespace stm::cuda;
using namespace stm::cuda::test;

using Kernels = RandomKernels;

constexpr Tolerance kLibrary{1e-5, 1e-12, 1e-6, 1e-14};  // the device's own logarithm, sine and cosine
constexpr Tolerance kBasis{1e-5, 1e-9, 1e-6, 1e-10};     // rounding, raised by the condition of a random matrix

const std::vector<DType> kFloating{DType::F32, DType::F64};

/// A dense operand of `size` elements, sometimes after a first element, so that it has no alignment but an element's.
struct Dense {
  Operand whole;
  View host, device;
  Dense(DType dtype, int64_t size) : whole(dtype, {size + 1}, Lies::Dense) {
    const int64_t skipped = chance(0.3) ? 1 : 0;
    host = part(whole.host, size, skipped);
    device = part(whole.device, size, skipped);
    first = skipped;
  }
  static View part(View view, int64_t size, int64_t skipped) {
    view.data = view.as<char>() + static_cast<size_t>(skipped) * size_of(view.dtype);
    view.extent[0] = size;
    return view;
  }
  const View& at(const Side& side) const { return side.on_device ? device : host; }
  void set(int64_t index, double value) { whole.set(first + index, value); }
  int64_t first = 0;
};

int64_t some_size() {
  return chance(0.1) ? 0 : chance(0.2) ? draw(1, 5) : chance(0.1) ? draw(5'000, 20'000) : draw(1, 600);
}

/// A place in a stream, given as it is or, as in a recorded op, by two words in device memory.
class Place {
 public:
  explicit Place(Device& device) : memory_(sizeof words_) {
    recorded_ = chance(0.4);
    const uint64_t seed = generator(), offset = chance(0.2) ? ~uint64_t{0} - 5 : generator() >> draw(0, 60),
                   before = static_cast<uint64_t>(draw(0, 1'000));
    words_[0] = seed;
    words_[1] = offset;
    device.upload(memory_.data(), words_, sizeof words_);
    stream_ = recorded_ ? PhiloxStream{0, before} : PhiloxStream{seed, offset};
  }
  PhiloxStream at(const Side& side) const {
    PhiloxStream stream = stream_;
    if (recorded_) stream.base = side.on_device ? static_cast<const uint64_t*>(memory_.data()) : words_;
    return stream;
  }

 private:
  bool recorded_;
  uint64_t words_[2];
  Memory memory_;
  PhiloxStream stream_;
};

void numbers(Device& device, Kernels& cpu, Kernels& cuda) {
  for (int round = 0; round < 150; ++round) {
    const DType dtype = one_of(kFloating);
    const Place place(device);
    Dense out(dtype, some_size()), whole(DType::I32, some_size());
    const double low = draw_real(-3, 3), high = chance(0.1)   ? low
                                                : chance(0.2) ? std::nextafter(static_cast<float>(low), 9.0f)
                                                              : low + draw_real(0, 5);
    agree(device, cpu, cuda, "uniform", {&out.whole}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.uniform(place.at(at), low, high, out.at(at)); });
    agree(device, cpu, cuda, "normal", {&out.whole}, kLibrary,
          [&](Kernels& kernels, const Side& at) { return kernels.normal(place.at(at), low, 0.7, out.at(at)); });
    const bool all = chance(0.2);
    const int32_t least = all ? INT32_MIN : static_cast<int32_t>(draw(-100, 100));
    const uint32_t range = all ? UINT32_MAX : static_cast<uint32_t>(draw(1, 1'000));
    agree(device, cpu, cuda, "integers", {&whole.whole}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.integers(place.at(at), least, range, whole.at(at)); });
  }
}

void masks(Device& device, Kernels& cpu, Kernels& cuda) {
  for (int round = 0; round < 150; ++round) {
    const DType dtype = one_of(kFloating);
    const int64_t size = some_size();
    const Place place(device);
    Dense x(dtype, size), p(dtype, size), out(dtype, size);
    p.whole.fill([] { return chance(0.2) ? static_cast<double>(draw(0, 1)) : draw_real(0, 1); });
    if (chance(0.3))
      x.whole.fill([] { return chance(0.2) ? std::numeric_limits<double>::infinity() : draw_real(-1, 1); });
    agree(device, cpu, cuda, "bernoulli", {&p.whole, &out.whole}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.bernoulli(place.at(at), p.at(at), out.at(at)); });
    const double dropped = one_of<double>({0, 0.1, 0.5, 0.9});
    agree(device, cpu, cuda, "dropout", {&x.whole, &out.whole}, kExact, [&](Kernels& kernels, const Side& at) {
      return kernels.dropout(place.at(at), dropped, x.at(at), out.at(at));
    });
  }
}

/// A number that is drawn lies below its probability, or it does not: the bound itself counts as kept.
void bounds(Device& device, Kernels& cpu, Kernels& cuda) {
  for (const DType dtype : kFloating) {
    const Place place(device);
    Operand drawn(dtype, {1'000}, Lies::Dense), out(dtype, {1'000}, Lies::Dense);
    agree(device, cpu, cuda, "uniform", {&drawn}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.uniform(place.at(at), 0, 1, at(drawn)); });
    agree(device, cpu, cuda, "bernoulli at the bound", {&drawn, &out}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.bernoulli(place.at(at), at(drawn), at(out)); });
    const double p = drawn.at(7);
    agree(device, cpu, cuda, "dropout at the bound", {&drawn, &out}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.dropout(place.at(at), p, at(drawn), at(out)); });
    require(out.at(7) > 0, "dropout at the bound on the CPU");
  }
}

/// A number that is no probability is reported, its result is NaN, and the others are as ever.
void no_probability(Device& device, Kernels& cpu, Kernels& cuda) {
  for (const double wrong :
       {1.5, -0.25, 7.0, std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity()}) {
    for (const DType dtype : kFloating) {
      const Place place(device);
      Dense p(dtype, 41), out(dtype, 41);
      p.whole.fill([] { return 1.0; });
      p.set(13, wrong);
      const DeviceFault fault = agree(
          device, cpu, cuda, "bernoulli of " + std::to_string(wrong), {&p.whole, &out.whole}, kExact,
          [&](Kernels& kernels, const Side& at) { return kernels.bernoulli(place.at(at), p.at(at), out.at(at)); });
      require((fault.number == wrong || (std::isnan(wrong) && std::isnan(fault.number))) && fault.place == 13,
              "what bernoulli reports of " + std::to_string(wrong));
      const std::vector<char> bytes = out.whole.from_device(device);
      const size_t width = size_of(dtype);
      for (int64_t i = 0; i < 41; ++i) {
        const char* from = bytes.data() + static_cast<size_t>(out.first + i) * width;
        float narrow = 0;
        double wide = 0;
        std::memcpy(&narrow, from, sizeof narrow);
        std::memcpy(&wide, from, width);
        const double value = dtype == DType::F32 ? static_cast<double>(narrow) : wide;
        require(i == 13 ? std::isnan(value) : value == 1, "bernoulli beside " + std::to_string(wrong));
      }
    }
  }
}

/// Weights to draw from are copied; one that is none, and a row with too few above 0, is reported.
void weights(Device& device, Kernels& cpu, Kernels& cuda) {
  constexpr int64_t kRows = 3, kExtent = 7, kLeast = 2;
  for (const DType dtype : kFloating) {
    const auto check = [&](const char* what, double element, double possible) {
      Dense weights(dtype, kRows * kExtent), above(DType::I32, kRows), out(dtype, kRows * kExtent);
      weights.whole.fill([] { return 0.5; });
      above.whole.fill([] { return 7.0; });
      weights.set(9, element);
      above.set(2, possible);
      return agree(device, cpu, cuda, what, {&weights.whole, &above.whole, &out.whole}, kExact,
                   [&](Kernels& kernels, const Side& at) {
                     return kernels.check_weights(weights.at(at), above.at(at), kLeast, out.at(at));
                   });
    };
    check("weights", 1e30, 2);
    const DeviceFault few = check("too few weights", 1, 1);
    require(few.value == 1 && few.sequence == 2 && few.greatest == kLeast, "what is reported of too few weights");
    for (const double wrong : {-0.5, std::numeric_limits<double>::infinity()}) {
      const DeviceFault fault = check("a weight that is none", wrong, 2);
      require(fault.number == wrong && fault.place == 9, "what is reported of a weight that is none");
    }
  }
}

void bases(Device& device, Kernels& cpu, Kernels& cuda) {
  for (int round = 0; round < 40; ++round) {
    const bool large = round % 10 == 0;  // and square: of these a single pass would leave something
    const DType dtype = large ? DType::F64 : one_of(kFloating);
    const int64_t rows = large ? 160 : draw(1, 70), columns = large || chance(0.3) ? rows : draw(1, 70),
                  longer = std::max(rows, columns), shorter = std::min(rows, columns);
    const double gain = draw_real(0.5, 2);
    const Place place(device);
    Dense out(dtype, rows * columns);
    const std::string what = "orthogonal " + std::to_string(rows) + " x " + std::to_string(columns);
    agree(device, cpu, cuda, what, {&out.whole}, kBasis, [&](Kernels& kernels, const Side& at) {
      return kernels.orthogonal(place.at(at), gain, rows, columns, out.at(at));
    });
    if (dtype != DType::F64) continue;
    const std::vector<char> bytes = out.whole.from_device(device);
    const double* y = reinterpret_cast<const double*>(bytes.data()) + out.first;
    for (int64_t a = 0; a < shorter; ++a) {
      for (int64_t b = 0; b <= a; ++b) {
        double dot = 0;
        for (int64_t i = 0; i < longer; ++i)
          dot += rows > columns ? y[i * columns + a] * y[i * columns + b] : y[a * columns + i] * y[b * columns + i];
        require(std::abs(dot / gain / gain - (a == b)) < 1e-14,
                what + ": vectors " + std::to_string(a) + " and " + std::to_string(b));
      }
    }
  }
}

/// An op with a place in device memory draws what the same op draws that has it as numbers.
void places(Kernels& kernels) {
  const uint64_t words[2] = {77, 1'000};
  std::vector<double> given(9), recorded(9);
  View view;
  view.dtype = DType::F64;
  view.rank = 1;
  view.extent[0] = 9;
  view.stride[0] = 1;
  view.data = given.data();
  require(kernels.uniform({77, 1'005}, 0, 1, view), "uniform on the CPU");
  view.data = recorded.data();
  require(kernels.uniform({1, 5, words}, 0, 1, view), "uniform on the CPU, recorded");
  require(given == recorded, "the CPU's stream from a base");
}

}  // namespace

int main(int argc, char** argv) {
  begin(argc, argv);
  Device device;
  CudaRandom cuda(device.context);
  Kernels& cpu = cpu_random();
  places(cpu);
  numbers(device, cpu, cuda);
  masks(device, cpu, cuda);
  bounds(device, cpu, cuda);
  no_probability(device, cpu, cuda);
  weights(device, cpu, cuda);
  bases(device, cpu, cuda);
  return finish("cuda_random_test");
}
