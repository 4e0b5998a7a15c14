#include "ops/recurrent_problem.h"

namespace stm::ops {
namespace {

std::shared_ptr<const std::vector<int32_t>> check_lengths(const char* op, const std::vector<int64_t>& given,
                                                          const RecurrentProblem& p) {
  STM_CHECK(static_cast<int64_t>(given.size()) == p.N, Kind::Shape, op, fmt::format("{} lengths", given.size()),
            fmt::format("{}, one for each row", p.N), "pass one length for each row");
  auto lengths = std::make_shared<std::vector<int32_t>>();
  for (const int64_t length : given) {
    STM_CHECK(length >= 0 && length <= p.T, Kind::Index, op, fmt::format("length {}", length),
              fmt::format("0..{}", p.T), "lengths count the real steps of each row");
    lengths->push_back(static_cast<int32_t>(length));
  }
  return lengths;
}

}  // namespace

StackProblem recurrent_problem(const char* op, const Tensor& x, const RecurrentOptions& o,
                               const std::optional<std::vector<int64_t>>& lengths) {
  check_floating(op, "x", x);
  check_rank(op, "x", x, 3);
  StackProblem p;
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
  STM_CHECK(p.H > 0 && p.L > 0 && p.P >= 0 && p.P < p.H && (p.P == 0 || p.cell == Cell::Lstm), Kind::Option, op,
            fmt::format("hiddenSize {}, numLayers {}, projSize {}", p.H, p.L, p.P),
            "hiddenSize > projSize >= 0, numLayers > 0 and a projection for LSTM only", "correct the options");
  STM_CHECK(p.N <= INT32_MAX && p.T <= INT32_MAX, Kind::Shape, op, fmt::format("x {}", x),
            "at most 2147483647 rows and as many steps", "cut the batch into parts");
  // What backward needs of every step, in numbers: no count of bytes that a device makes of it can leave 64 bits.
  STM_CHECK(times(p.N, p.T, p.L, p.K, p.gates() + 4, p.H) <= kMostElements, Kind::Shape, op,
            fmt::format("x {} with hiddenSize {} and numLayers {}", x, p.H, p.L), "at most 2^40 numbers in all steps",
            "cut the batch into parts");
  if (lengths) {
    p.kept_lengths = check_lengths(op, *lengths, p);
    p.lengths = p.kept_lengths->data();
  }
  const Status status = x.device().backend.recurrent().check(p);
  if (!status.is_ok()) throw Error(Kind::Option, op, status.message());
  return p;
}

}  // namespace stm::ops
