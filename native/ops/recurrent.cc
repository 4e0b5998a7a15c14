#include <algorithm>

#include "core/op_table.h"
#include "ops/ops.h"

namespace stm {

template <>
struct EnumNames<Cell> {
  static constexpr const char* names[] = {"lstm", "gru", "rnnTanh", "rnnRelu"};
};
template <>
struct EnumNames<Algorithm> {
  static constexpr const char* names[] = {"auto", "standard", "persistStatic", "persistDynamic", "persistStaticSmallH"};
};

namespace ops {
namespace {

using Lengths = std::shared_ptr<const std::vector<int32_t>>;

/// What one recurrent call computes; RecurrentProblem with its lengths kept alive.
struct Problem {
  RecurrentProblem plain;
  Lengths lengths;
  RecurrentProblem view() const {
    RecurrentProblem problem = plain;
    problem.lengths = lengths ? lengths->data() : nullptr;
    return problem;
  }
  Shape output_shape() const {
    const int64_t width = plain.K * plain.width();
    return plain.batch_first ? Shape{plain.N, plain.T, width} : Shape{plain.T, plain.N, width};
  }
  Shape h_shape() const { return {plain.L * plain.K, plain.N, plain.width()}; }
  Shape c_shape() const { return {plain.L * plain.K, plain.N, plain.H}; }
};

/// Makes a packed buffer large enough; a smaller one loses what it holds.
void make_room(Storage& packed, const RecurrentSizes& sizes) {
  if (packed.bytes() >= sizes.packed) return;
  packed.resize(sizes.packed);
  packed.layout = 0;
}

/// Where a call of the kernels has its packed weights.
constexpr size_t kPacked = 4;

/// A call of the kernels. How it is computed, and how large its scratch outputs must be, the device says when the
/// command is about to run: `choose(backend, operands, problem)` sets the choice, `size(sizes, operands)` sizes the
/// outputs.
template <class Choose, class Size, class Work>
void enqueue_sized(const Problem& problem, const std::vector<Tensor>& in, const std::vector<Tensor>& out, Choose choose,
                   Size size, Work work) {
  struct SizedCommand final : Command {
    SizedCommand(const Problem& problem, std::vector<Operand> operands, size_t outputs_from, Choose choose, Size size,
                 Work work)
        : Command("recurrent", std::move(operands)),
          problem(problem),
          outputs_from(outputs_from),
          choose(std::move(choose)),
          size(std::move(size)),
          work(std::move(work)) {}
    Status prepare(Backend& backend) override {
      RecurrentSizes sizes;
      Status status = choose(backend, operands, problem);
      if (status.is_ok()) status = backend.recurrent().sizes(problem.view(), &sizes);
      if (!status.is_ok()) return status;
      size(sizes, operands);
      make_room(*operands[kPacked].storage, sizes);
      return status;
    }
    Status run(Backend& backend) override { return work(backend, problem.view(), Views(operands, outputs_from)); }
    Problem problem;
    size_t outputs_from;
    Choose choose;
    Size size;
    Work work;
  };
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of("recurrent", in, out, Access::Write, &device);
  device->push(std::make_unique<SizedCommand>(problem, std::move(operands), in.size(), std::move(choose),
                                              std::move(size), std::move(work)));
}

/// Shapes of the named parameters in the order of the blob: for each pseudo-layer W_ih, W_hh, [W_hr]; then for each
/// b_ih, b_hh.
std::vector<Shape> weight_shapes(const RecurrentProblem& p) {
  std::vector<Shape> shapes;
  const int64_t rows = p.gates() * p.H;
  for (int64_t i = 0; i < p.L * p.K; ++i) {
    shapes.push_back({rows, p.input_size(i / p.K)});
    shapes.push_back({rows, p.width()});
    if (p.P) shapes.push_back({p.P, p.H});
  }
  if (p.bias) shapes.resize(shapes.size() + static_cast<size_t>(2 * p.L * p.K), Shape{rows});
  return shapes;
}

void check_weights(const char* op, const std::vector<Tensor>& weights, const RecurrentProblem& p) {
  const int64_t expected = times(p.L, p.K, (p.P ? 3 : 2) + (p.bias ? 2 : 0));  // before a list as long as that is made
  STM_CHECK(static_cast<int64_t>(weights.size()) == expected, Kind::Option,
            "{}: got {} weights, expected {}.\n  Fix: pass W_ih, W_hh (and W_hr) of each layer and direction, then "
            "b_ih, b_hh of each.",
            op, weights.size(), expected);
  const std::vector<Shape> shapes = weight_shapes(p);
  int64_t elements = 0;
  for (size_t i = 0; i < weights.size(); ++i) {
    elements = plus(elements, weights[i].size());
    STM_CHECK(weights[i].shape() == shapes[i] && weights[i].dtype() == p.dtype, Kind::Shape,
              "{}: got weight {} as {}, expected {}{}.\n  Fix: build the layer with the sizes of its weights, and keep "
              "one dtype.",
              op, i, weights[i], p.dtype, shapes[i]);
  }
  STM_CHECK(elements <= kMostElements, Kind::Shape,
            "{}: got weights of {} elements, expected at most 2^40.\n  Fix: use fewer or smaller layers.", op,
            elements);
}

/// Weights that lie behind each other.
struct WeightsInLine {
  size_t end;  ///< the number of the first that does not
  int64_t elements;
};
WeightsInLine in_line(const std::vector<Tensor>& weights, size_t first) {
  WeightsInLine line{first + 1, weights[first].size()};
  const auto follows = [&](const Tensor& w) {
    return w.contiguous() && w->storage == weights[first]->storage &&
           w->offset == weights[first]->offset + line.elements;
  };
  if (!weights[first].contiguous()) return line;
  for (; line.end < weights.size() && follows(weights[line.end]); ++line.end) line.elements += weights[line.end].size();
  return line;
}

/// The weights as one dense vector: a view where they already lie behind each other (as the layers make them), else a
/// copy. Outside the graph.
Tensor blob_of(const std::vector<Tensor>& weights, int64_t elements) {
  const Tensor& first = weights[0];
  if (first.contiguous() && in_line(weights, 0).end == weights.size())
    return alias(first, {elements}, {1}, first->offset);
  const Tensor blob = empty({elements}, first);
  int64_t at = 0;
  for (size_t i = 0; i < weights.size();) {
    const WeightsInLine line = in_line(weights, i);
    const Tensor& w = weights[i];
    const Tensor from = line.end > i + 1 ? alias(w, {line.elements}, {1}, w->offset) : w,
                 to = alias(blob, from.shape(), dense_strides(from.shape()), at);
    enqueue("recurrent", {from}, {to}, [](Backend& b, Views v) { return b.elementwise().copy(v.in(0), v.out(0)); });
    at += line.elements;
    i = line.end;
  }
  return blob;
}

/// Which arrangement of the weights a packed buffer holds: everything of the problem that the blob's own bytes do not
/// say. Problems that differ in the rest, such as T, may still want another layout: see repacked(). In a step that is
/// being recorded they get a buffer each, since what one of them finds there must not depend on which ran before.
uint64_t packing_key(const Problem& problem, int64_t offset, bool one_problem) {
  const RecurrentProblem& p = problem.plain;
  uint64_t key = 1469598103934665603u;
  for (const int64_t part : {static_cast<int64_t>(p.cell), static_cast<int64_t>(p.dtype), p.D, p.H, p.P, p.L, p.K,
                             int64_t{p.bias}, int64_t{p.training}, static_cast<int64_t>(p.math),
                             static_cast<int64_t>(p.algorithm), int64_t{p.lengths != nullptr}, offset})
    key = (key ^ static_cast<uint64_t>(part)) * 1099511628211u;
  if (!one_problem) return key;
  const auto mix = [&key](int64_t part) { key = (key ^ static_cast<uint64_t>(part)) * 1099511628211u; };
  for (const int64_t part : {p.N, p.T, int64_t{p.batch_first}, int64_t{p.deterministic}}) mix(part);
  if (problem.lengths)
    for (const int32_t length : *problem.lengths) mix(length);
  return key;
}

Status pack(Backend& backend, const RecurrentProblem& problem, const void* weights, Storage& packed) {
  RecurrentSizes sizes;
  Status status = backend.recurrent().sizes(problem, &sizes);
  if (!status.is_ok() || sizes.packed == 0) return status;
  make_room(packed, sizes);
  packed.layout = 0;
  status = packed.materialize();
  if (status.is_ok()) status = backend.recurrent().pack(problem, weights, packed.data());
  if (status.is_ok()) packed.layout = sizes.layout;
  return status;
}

/// The packed weights for a problem that is about to run, null if the device takes them as they are: packed if they are
/// not, or for another layout.
Status repacked(Backend& backend, const RecurrentProblem& problem, const void* weights, Storage& packed,
                const void** out) {
  RecurrentSizes sizes;
  Status status = backend.recurrent().sizes(problem, &sizes);
  if (status.is_ok() && sizes.packed != 0 && sizes.layout != packed.layout)
    status = pack(backend, problem, weights, packed);
  *out = sizes.packed == 0 ? nullptr : packed.data();
  return status;
}

/// Packs weights in a recorded step, where what is the same at each replay need not be packed again. The calls that use
/// them are computed as this command chooses at first, or as `reserve` was, if there is one: what is captured of them
/// must find this layout ever after.
void enqueue_pack(const Problem& problem, const Tensor& blob, const Tensor& reserve, const Tensor& packed) {
  struct PackCommand final : Command {
    PackCommand(const Problem& problem, std::vector<Operand> operands)
        : Command("recurrent", std::move(operands)), problem(problem) {}
    Status prepare(Backend& backend) override {
      RecurrentSizes sizes;
      Status status = choose(backend);
      if (status.is_ok()) status = backend.recurrent().sizes(problem.view(), &sizes);
      if (status.is_ok()) make_room(*operands[2].storage, sizes);
      return status;
    }
    Status choose(Backend& backend) {
      uint64_t& choice = problem.plain.choice;
      Status status = Status::ok();
      if (operands[1].storage) choice = operands[1].storage->choice;
      else if (choice == 0) status = backend.recurrent().choose(problem.view(), true, &choice);
      operands[2].storage->choice = choice;
      return status;
    }
    Status run(Backend& backend) override {
      return pack(backend, problem.view(), operands[0].view.data, *operands[2].storage);
    }
    bool worth_keeping() const override { return true; }
    Problem problem;
  };
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of("recurrent", {blob, reserve}, {packed}, Access::Write, &device);
  device->push(std::make_unique<PackCommand>(problem, std::move(operands)));
}

/// Where the weights are as the device wants them, kept beside the blob until it changes. The first call that uses them
/// packs them, but in a recorded step. `reserve`: of the forward call, in backward.
Tensor packed_weights(const Problem& given, const Tensor& blob, const Tensor& reserve) {
  Problem problem = given;
  problem.plain.lengths = given.view().lengths;  // for the key
  const Tensor packed = scratch(0, blob.device());
  Recording* recording = Session::current().recording();
  const uint64_t key = packing_key(problem, blob->offset, recording != nullptr), version = blob->storage->version();
  std::vector<Storage::Derived>& kept = recording ? recording->derived(*blob->storage) : blob->storage->derived;
  const auto found = std::find_if(kept.begin(), kept.end(),
                                  [key](const Storage::Derived& d) { return d.key == key && !d.storage->failed(); });
  if (found != kept.end() && found->version == version) {
    packed->storage = found->storage;
    return packed;
  }
  if (recording) enqueue_pack(given, blob, reserve, packed);
  kept.erase(
      std::remove_if(kept.begin(), kept.end(),
                     [version](const Storage::Derived& d) { return d.version != version || d.storage->failed(); }),
      kept.end());
  kept.push_back({key, version, packed->storage});
  return packed;
}

struct Results {
  Tensor y, h, c, reserve;
};

/// The same bytes again, of scratch whose size only the executor knows.
Tensor copy_of_scratch(const Tensor& x) {
  struct CopyCommand final : Command {
    explicit CopyCommand(std::vector<Operand> operands) : Command("recurrent", std::move(operands)) {}
    Status prepare(Backend&) override {
      operands[1].storage->resize(operands[0].storage->bytes());
      operands[1].storage->choice = operands[0].storage->choice;
      return Status::ok();
    }
    Status run(Backend& backend) override {
      return backend.copy(operands[1].view.data, operands[0].view.data, operands[0].storage->bytes());
    }
  };
  const Tensor copy = scratch(0, x.device());
  Device* device = nullptr;
  std::vector<Operand> operands = operands_of("recurrent", {x}, {copy}, Access::Write, &device);
  device->push(std::make_unique<CopyCommand>(std::move(operands)));
  return copy;
}

Results run_forward(const Problem& problem, const Tensor& x, const Tensor& h0, const Tensor& c0, const Tensor& blob) {
  Device& device = x.device();
  const Tensor packed = packed_weights(problem, blob, Tensor());
  Results r;
  r.y = empty(problem.output_shape(), x);
  r.h = empty(problem.h_shape(), x);
  if (problem.plain.cell == Cell::Lstm) r.c = empty(problem.c_shape(), x);
  if (problem.plain.training) r.reserve = scratch(0, device);
  const Tensor workspace = scratch(0, device);
  const auto choose = [recorded = Session::current().recording() != nullptr](
                          Backend& backend, std::vector<Operand>& operands, Problem& p) {
    uint64_t& choice = p.plain.choice;
    Status status = Status::ok();
    if (recorded) choice = operands[kPacked].storage->choice;
    else if (choice == 0) status = backend.recurrent().choose(p.view(), false, &choice);
    if (choice == 0 && status.is_ok())
      status = Status::fail(StatusKind::Internal, "the weights have not been packed");  // for a fault of theirs
    if (operands[8].storage) operands[8].storage->choice = choice;
    return status;
  };
  const auto size = [](const RecurrentSizes& sizes, std::vector<Operand>& operands) {
    if (operands[8].storage) operands[8].storage->resize(sizes.reserve);
    operands[9].storage->resize(sizes.forward_workspace);
  };
  enqueue_sized(problem, {x, h0, c0, blob, packed}, {r.y, r.h, r.c, r.reserve, workspace}, choose, size,
                [storage = packed->storage.get()](Backend& b, const RecurrentProblem& p, Views v) {
                  RecurrentForward buffers{v.in(0).data,  v.in(1).data,  v.in(2).data,  v.in(3).data,  nullptr,
                                           v.out(0).data, v.out(1).data, v.out(2).data, v.out(3).data, v.out(4).data};
                  const Status status = repacked(b, p, buffers.weights, *storage, &buffers.packed);
                  return status.is_ok() ? b.recurrent().forward(p, buffers) : status;
                });
  return r;
}

/// Gradients of x, h0, c0 and the weights, in this order; `wants` has one flag for each of the first three and one for
/// the weights.
struct Wanted {
  bool x, h0, c0, weights;
};

std::vector<Tensor> run_backward(const Problem& problem, const Wanted& wanted, const std::vector<Tensor>& grads,
                                 const SavedTensors& s) {
  const Tensor &x = s[0], &h0 = s[1], &c0 = s[2], &blob = s[3], &y = s[4], &h = s[5], &c = s[6];
  const auto dense = [](const Tensor& grad) { return grad ? contiguous(grad) : Tensor(); };
  const Tensor dy = dense(grads[0]), dh = dense(grads[1]), dc = grads.size() > 2 ? dense(grads[2]) : Tensor();
  Device& device = x.device();
  const Tensor packed = packed_weights(problem, blob, s[7]);
  // The kernel may overwrite the reserve; a graph that is kept needs it again.
  const Tensor reserve = Session::current().retaining_graph ? copy_of_scratch(s[7]) : s[7];
  const Tensor dx = wanted.x ? empty_like(x) : Tensor();
  const Tensor dh0 = wanted.h0 ? empty(problem.h_shape(), x) : Tensor(),
               dc0 = wanted.c0 ? empty(problem.c_shape(), x) : Tensor();
  const Tensor dweights = wanted.weights ? empty({problem.plain.weight_elements()}, x) : Tensor();
  const Tensor workspace = scratch(0, device);
  const auto choose = [](Backend&, std::vector<Operand>& operands, Problem& p) {
    p.plain.choice = operands[11].storage->choice;
    return Status::ok();
  };
  const auto size = [](const RecurrentSizes& sizes, std::vector<Operand>& operands) {
    operands[16].storage->resize(sizes.backward_workspace);
  };
  enqueue_sized(problem, {x, h0, c0, blob, packed, y, h, c, dy, dh, dc, reserve}, {dx, dh0, dc0, dweights, workspace},
                choose, size, [storage = packed->storage.get()](Backend& b, const RecurrentProblem& p, Views v) {
                  const auto in = [&v](size_t i) -> const void* { return v.in(i).data; };
                  RecurrentBackward buffers{in(0),         in(1),         in(2),         in(3),         nullptr,
                                            in(5),         in(6),         in(7),         in(8),         in(9),
                                            in(10),        v.out(0).data, v.out(1).data, v.out(2).data, v.out(3).data,
                                            v.in(11).data, v.out(4).data};
                  const Status status = repacked(b, p, buffers.weights, *storage, &buffers.packed);
                  return status.is_ok() ? b.recurrent().backward(p, buffers) : status;
                });
  std::vector<Tensor> result{dx, dh0, dc0};
  int64_t at = 0;
  for (const Shape& shape : weight_shapes(problem.plain)) {
    result.push_back(dweights ? alias(dweights, shape, dense_strides(shape), at) : Tensor());
    at += shape.size();
  }
  return result;
}

/// One call of the kernel, in the graph.
std::tuple<Tensor, Tensor, Tensor> run_stack(Problem problem, const Tensor& given_x, const Tensor& given_h0,
                                             const Tensor& given_c0, const std::vector<Tensor>& weights) {
  const auto dense = [](const Tensor& tensor) { return tensor ? contiguous(tensor) : Tensor(); };
  const Tensor x = dense(given_x), h0 = dense(given_h0), c0 = dense(given_c0);
  const Wanted wanted{needs_grad(x), needs_grad(h0), needs_grad(c0),
                      std::any_of(weights.begin(), weights.end(), needs_grad)};
  problem.plain.training = wanted.x || wanted.h0 || wanted.c0 || wanted.weights;
  const Tensor blob = blob_of(weights, problem.plain.weight_elements());
  const Results r = run_forward(problem, x, h0, c0, blob);
  if (!problem.plain.training) return {r.y, r.h, r.c};
  std::vector<Tensor> inputs{x, h0, c0};
  inputs.insert(inputs.end(), weights.begin(), weights.end());
  std::vector<Tensor> outputs{r.y, r.h};
  if (r.c) outputs.push_back(r.c);
  on_backward("recurrent", outputs, inputs, {x, h0, c0, blob, r.y, r.h, r.c, r.reserve},
              [problem, wanted](const std::vector<Tensor>& grads, const SavedTensors& saved) {
                return run_backward(problem, wanted, grads, saved);
              });
  return {r.y, r.h, r.c};
}

void check_state(const char* op, const char* name, const std::optional<Tensor>& state, const Shape& expected,
                 const Tensor& x) {
  if (!state) return;
  STM_CHECK(state->shape() == expected, Kind::Shape,
            "{}: got {} {}, expected {} ([numLayers · directions, N, size]).\n  Fix: make it with zeroState({{ "
            "batchSize }}).",
            op, name, *state, expected);
  check_same_dtype(op, x, *state);
}

Lengths check_lengths(const std::optional<std::vector<int64_t>>& given, const RecurrentProblem& p) {
  if (!given) return nullptr;
  STM_CHECK(static_cast<int64_t>(given->size()) == p.N, Kind::Shape,
            "recurrent: got {} lengths, expected {}, one for each row.\n  Fix: pass one length for each row.",
            given->size(), p.N);
  auto lengths = std::make_shared<std::vector<int32_t>>();
  for (const int64_t length : *given) {
    STM_CHECK(length >= 0 && length <= p.T, Kind::Index,
              "recurrent: got length {}, expected 0..{}.\n  Fix: lengths count the real steps of each row.", length,
              p.T);
    lengths->push_back(static_cast<int32_t>(length));
  }
  return lengths;
}

/// Weights of layer `l` alone, in the blob's order.
std::vector<Tensor> layer_weights(const std::vector<Tensor>& weights, const RecurrentProblem& p, int64_t l) {
  const size_t per = p.P ? 3 : 2, biases_from = per * static_cast<size_t>(p.L * p.K);
  std::vector<Tensor> result;
  for (size_t i = static_cast<size_t>(l * p.K) * per; i < static_cast<size_t>((l + 1) * p.K) * per; ++i)
    result.push_back(weights[i]);
  if (p.bias)
    for (size_t i = static_cast<size_t>(l * p.K) * 2; i < static_cast<size_t>((l + 1) * p.K) * 2; ++i)
      result.push_back(weights[biases_from + i]);
  return result;
}

/// Rows [from, to) of the first axis, as a differentiable view.
Tensor rows(const Tensor& x, int64_t from, int64_t to) { return slice_axis(x, 0, from, to); }

/// One call for each layer, with a dropout mask between them.
std::tuple<Tensor, Tensor, Tensor> run_layers(const Problem& problem, const Tensor& x, const Tensor& h0,
                                              const Tensor& c0, const std::vector<Tensor>& weights, double p_dropout) {
  const RecurrentProblem& p = problem.plain;
  Tensor input = x;
  std::vector<Tensor> hs, cs;
  for (int64_t l = 0; l < p.L; ++l) {
    Problem layer = problem;
    layer.plain.L = 1;
    layer.plain.D = p.input_size(l);
    const Tensor h = h0 ? rows(h0, l * p.K, (l + 1) * p.K) : Tensor(),
                 c = c0 ? rows(c0, l * p.K, (l + 1) * p.K) : Tensor();
    const auto [y, hn, cn] = run_stack(layer, input, h, c, layer_weights(weights, p, l));
    hs.push_back(hn);
    if (cn) cs.push_back(cn);
    input = l + 1 < p.L ? dropout(y, p_dropout) : y;
  }
  return {input, concat(hs, 0), cs.empty() ? Tensor() : concat(cs, 0)};
}

struct Options {
  Cell cell;
  int64_t hidden_size, proj_size, num_layers;
  bool bidirectional, bias, batch_first;
  Algorithm algorithm;
};

Problem make_problem(const Tensor& x, const Options& o, const std::optional<std::vector<int64_t>>& lengths) {
  check_floating("recurrent", "x", x);
  check_rank("recurrent", "x", x, 3);
  Problem problem;
  RecurrentProblem& p = problem.plain;
  p.cell = o.cell;
  p.dtype = x.dtype();
  p.N = x.extent(o.batch_first ? 0 : 1);
  p.T = x.extent(o.batch_first ? 1 : 0);
  p.D = x.extent(2);
  p.H = o.hidden_size;
  p.P = o.proj_size;
  p.L = o.num_layers;
  p.K = o.bidirectional ? 2 : 1;
  p.bias = o.bias;
  p.batch_first = o.batch_first;
  p.math = p.dtype == DType::F32 ? Session::current().math : MathMode::Fma;
  p.algorithm = o.algorithm;
  p.deterministic = Session::current().deterministic;
  STM_CHECK(p.H > 0 && p.L > 0 && p.P >= 0 && p.P < p.H && (p.P == 0 || p.cell == Cell::Lstm), Kind::Option,
            "recurrent: got hiddenSize {}, numLayers {}, projSize {}, expected hiddenSize > projSize >= 0, numLayers > "
            "0 and a projection for LSTM only.\n  "
            "Fix: correct the options.",
            p.H, p.L, p.P);
  STM_CHECK(
      p.N <= INT32_MAX && p.T <= INT32_MAX, Kind::Shape,
      "recurrent: got x {}, expected at most 2147483647 rows and as many steps.\n  Fix: cut the batch into parts.", x);
  // What backward needs of every step, in numbers: no count of bytes that a device makes of it can leave 64 bits.
  STM_CHECK(times(p.N, p.T, p.L, p.K, p.gates() + 4, p.H) <= kMostElements, Kind::Shape,
            "recurrent: got x {} with hiddenSize {} and numLayers {}, expected at most 2^40 numbers in all steps.\n  "
            "Fix: cut the batch into parts.",
            x, p.H, p.L);
  problem.lengths = check_lengths(lengths, p);
  const Status status = x.device().backend.recurrent().check(problem.view());
  STM_CHECK(status.is_ok(), Kind::Option, "recurrent: {}", status.message);
  return problem;
}

std::tuple<Tensor, Tensor, std::optional<Tensor>> recurrent(const Tensor& x, const std::optional<Tensor>& h0,
                                                            const std::optional<Tensor>& c0,
                                                            const std::vector<Tensor>& weights, Cell cell,
                                                            int64_t hidden_size, int64_t proj_size, int64_t num_layers,
                                                            bool bidirectional, bool bias, bool batch_first,
                                                            double dropout, Algorithm algorithm,
                                                            const std::optional<std::vector<int64_t>>& lengths) {
  const Problem problem =
      make_problem(x, {cell, hidden_size, proj_size, num_layers, bidirectional, bias, batch_first, algorithm}, lengths);
  check_weights("recurrent", weights, problem.plain);
  check_state("recurrent", "h", h0, problem.h_shape(), x);
  check_state("recurrent", "c", c0, problem.c_shape(), x);
  const Tensor h = h0.value_or(Tensor()), c = c0.value_or(Tensor());
  const auto [y, hn, cn] = dropout > 0 && num_layers > 1 ? run_layers(problem, x, h, c, weights, dropout)
                                                         : run_stack(problem, x, h, c, weights);
  return {y, hn, cn ? std::optional(cn) : std::nullopt};
}

}  // namespace

void declare_recurrent(OpTable& table) {
  table.add("recurrent", &recurrent,
            {"x", "h0", "c0", "weights", "cell", "hiddenSize", "projSize", "numLayers", "bidirectional", "bias",
             "batchFirst", "dropout", "algorithm", "lengths"},
            "A stack of recurrent layers: [output, h, c (LSTM only)]. Dropout between layers is applied if above 0.");
}

}  // namespace ops
}  // namespace stm
