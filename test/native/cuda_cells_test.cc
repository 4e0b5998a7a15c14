// The variants of a cell on the stand-in, against the CPU's: values and all gradients of random problems, with garbage
// in the memory that kernels must fill and NaN behind the lengths. usage: cuda_cells_test [seed]
#include "backend/cuda/cells.h"

#include <limits>

#include "backend/cuda/matmul.h"
#include "cuda_libraries.h"

namespace stm::cuda::test {
namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

/// What kernels leave for each other, in the memory of one side, all of it garbage at first.
class Garbage {
 public:
  Garbage(Device& device, const Side& side, size_t bytes) : host_(bytes + 1, '\xFF') {
    if (!side.on_device) return;
    memory_ = std::make_unique<Memory>(host_.size());
    device.upload(memory_->data(), host_.data(), host_.size());
  }
  void* data() { return memory_ ? memory_->data() : host_.data(); }

 private:
  std::vector<char> host_;
  std::unique_ptr<Memory> memory_;
};

/// A problem with all that it is given and gives.
struct Case {
  CellProblem p;
  std::vector<int32_t> lengths;
  bool with_states = true, with_bias = true, with_peephole = false, with_mask = false, with_updates = false;

  bool lstm() const { return p.cell == GatedCell::Lstm; }
  std::string name() const {
    std::string text = lstm() ? "lstm" : "gru";
    const auto say = [&](bool said, const char* word) { text += said ? std::string(" ") + word : ""; };
    say(p.coupled, "coupled"), say(p.reset_before, "reset before"), say(p.norms, "norms"), say(p.reverse, "reverse");
    say(with_peephole, "peephole"), say(with_mask, "mask"), say(with_updates, "updates"), say(!with_bias, "no bias");
    say(!lengths.empty(), "lengths"), say(p.training, "training"), say(p.dtype == DType::F64, "f64");
    return text + " N " + std::to_string(p.N) + " T " + std::to_string(p.T) + " H " + std::to_string(p.H);
  }
};

/// Of [N, T, width], NaN behind the lengths.
void poison(const Case& c, Operand& steps, int64_t width) {
  for (int64_t n = 0; n < static_cast<int64_t>(c.lengths.size()); ++n)
    for (int64_t t = c.lengths[static_cast<size_t>(n)]; t < c.p.T; ++t)
      for (int64_t j = 0; j < width; ++j) steps.set((n * c.p.T + t) * width + j, kNaN);
}

void check(Device& device, CellKernels& cuda, Case c) {
  CellProblem& p = c.p;
  p.lengths = c.lengths.empty() ? nullptr : c.lengths.data();
  const int64_t G = p.gates(), H = p.H;
  const auto made = [&](const std::vector<int64_t>& extents, double size) {
    auto operand = std::make_unique<Operand>(p.dtype, extents, Lies::Shifted);
    operand->fill([size] { return draw_real(-size, size); });
    return operand;
  };
  const std::vector<int64_t> steps{p.N, p.T, H}, state{p.N, H};
  const double fan = 1 / std::sqrt(static_cast<double>(H));
  auto x = made({p.N, p.T, G * H}, 1), h0 = made(state, 1), c0 = made(state, 1), w = made({G * H, H}, fan),
       b = made({G * H}, 1), gain = made({G * H}, 1), cell_gain = made({H}, 1), cell_bias = made({H}, 1),
       peephole = made({3, H}, 1), mask = made(state, 1), update_h = made(steps, 1), update_c = made(steps, 1),
       dy = made(steps, 1), dcells = made(steps, 1), dhn = made(state, 1), dcn = made(state, 1);
  for (Operand* const one : {update_h.get(), update_c.get()}) one->fill([] { return one_of<double>({0, 1, 0.5}); });
  poison(c, *x, G * H);
  for (Operand* const one : {update_h.get(), update_c.get(), dy.get(), dcells.get()}) poison(c, *one, H);
  auto y = made(steps, 1), cells = made(steps, 1), hn = made(state, 1), cn = made(state, 1);
  auto dx = made({p.N, p.T, G * H}, 1), dh0 = made(state, 1), dc0 = made(state, 1), dw = made({G * H, H}, 1),
       db = made({G * H}, 1), dgain = made({G * H}, 1), dcell_gain = made({H}, 1), dcell_bias = made({H}, 1),
       dpeephole = made({3, H}, 1);
  const auto run = [&](CellKernels& kernels, const Side& at) {
    const auto given = [&](bool present, const auto& one) { return present ? at(*one).data : nullptr; };
    const bool lstm = c.lstm(), norms = p.norms;
    const CellSizes sizes = kernels.sizes(p);
    Garbage reserve(device, at, sizes.reserve), forward(device, at, sizes.forward_workspace),
        backward(device, at, sizes.backward_workspace);
    const CellInputs in{given(true, x),
                        given(c.with_states, h0),
                        given(c.with_states && lstm, c0),
                        given(true, w),
                        given(c.with_bias, b),
                        given(norms, gain),
                        given(norms && lstm, cell_gain),
                        given(norms && lstm, cell_bias),
                        given(c.with_peephole, peephole),
                        given(c.with_mask, mask),
                        given(c.with_updates, update_h),
                        given(c.with_updates && lstm, update_c)};
    STM_TRY(kernels.forward(
        p, {in, at(*y).data, given(lstm, cells), at(*hn).data, given(lstm, cn), reserve.data(), forward.data()}));
    if (at.on_device) device.wait();
    if (!p.training) return Status::ok();
    const Status done = kernels.backward(
        p, {in, at(*y).data, given(lstm, cells), at(*dy).data, given(lstm, dcells), at(*dhn).data, given(lstm, dcn),
            at(*dx).data, given(c.with_states, dh0), given(c.with_states && lstm, dc0), at(*dw).data,
            given(c.with_bias, db), given(norms, dgain), given(norms && lstm, dcell_gain),
            given(norms && lstm, dcell_bias), given(c.with_peephole, dpeephole), reserve.data(), backward.data()});
    if (at.on_device) device.wait();
    return done;
  };
  std::vector<Operand*> all{y.get(),          cells.get(),      hn.get(),       cn.get(), dx.get(),
                            dh0.get(),        dc0.get(),        dw.get(),       db.get(), dgain.get(),
                            dcell_gain.get(), dcell_bias.get(), dpeephole.get()};
  for (const auto* one : {&x, &h0, &c0, &w, &b, &gain, &cell_gain, &cell_bias, &peephole, &mask, &update_h, &update_c,
                          &dy, &dcells, &dhn, &dcn})
    all.push_back(one->get());
  // The CPU's tanh of floats is good to a few units in the last place; a norm of few units multiplies them.
  const double terms = static_cast<double>(std::max<int64_t>(1, p.N * p.T));
  const Tolerance tolerance{2e-4, 1e-9, (p.norms ? 2e-3 : 2e-5) * std::sqrt(terms), 1e-10 * terms};
  (void)agree(device, cpu_backend().cells(), cuda, c.name(), all, tolerance, run);
}

Case draw_case() {
  Case c;
  CellProblem& p = c.p;
  p.cell = chance(0.6) ? GatedCell::Lstm : GatedCell::Gru;
  p.dtype = chance(0.5) ? DType::F64 : DType::F32;
  p.N = draw(1, 6);
  p.T = chance(0.05) ? 0 : draw(1, 6);
  p.H = chance(0.1) ? 1 : one_of<int64_t>({2, 5, 16, 40, 300});
  p.coupled = c.lstm() && chance(0.3);
  p.reset_before = !c.lstm() && chance(0.5);
  p.norms = !p.reset_before && p.H > 2 && chance(0.4);
  p.reverse = chance(0.5);
  p.training = chance(0.8);
  p.update_h = chance(0.5) ? 1 : 0.75;
  p.update_c = chance(0.5) ? 1 : 0.5;
  c.with_states = chance(0.7);
  c.with_bias = chance(0.8);
  c.with_peephole = c.lstm() && chance(0.4);
  c.with_mask = chance(0.4);
  c.with_updates = chance(0.4);
  if (chance(0.6))
    for (int64_t n = 0; n < p.N; ++n) c.lengths.push_back(static_cast<int32_t>(draw(0, p.T)));
  return c;
}

}  // namespace
}  // namespace stm::cuda::test

int main(int argc, char** argv) {
  using namespace stm::cuda::test;
  begin(argc, argv);
  DeviceWithLibraries device;
  stm::cuda::CudaMatmul matmul(device.context);
  stm::cuda::CudaCells cells(device.context, matmul);
  for (int round = 0; round < 200; ++round) check(device, cells, draw_case());
  return finish("cuda_cells_test");
}
