#include "backend/cpu/recurrent/sequence.h"

#include <algorithm>

#include "backend/check_recurrent.h"

namespace stm {

namespace {

constexpr int64_t kRowsWorthOwning =
    5;  // with fewer, tiles of rows are so flat that sharing units is faster in spite of the rounds
constexpr int64_t kUnitsWorthOwning = 16;  // a panel
constexpr int64_t kWorkWorthOwning = int64_t{1}
                                     << 16;  // multiplications a step: about a microsecond, as long as a round

constexpr int64_t kBytesWorthDividing =
    int64_t{4} << 20;  // weights that no cache of a core holds: by units, a member reads its own part of them alone
constexpr int64_t kWorkWorthDividing = int64_t{1} << 20;  // multiplications of a member, beside which a round is little

struct Choice {
  bool by_rows;
  int owners;
};

Choice choose(const RecurrentProblem& p, const Sequence& s, int members) {
  const int64_t weights = p.weight_elements() / (p.L * p.K), work = s.batch * weights, one = 1;
  const int64_t by_rows = std::clamp<int64_t>(s.batch / kRowsWorthOwning, 1, members);
  const int64_t by_units = std::max(
      one, std::min({int64_t{members}, (p.H + kUnitsWorthOwning - 1) / kUnitsWorthOwning, work / kWorkWorthOwning}));
  const int64_t bytes = weights * static_cast<int64_t>(p.quantized ? sizeof(int8_t) : sizeof(float));
  const bool streams = bytes >= kBytesWorthDividing && by_units == members && work >= members * kWorkWorthDividing;
  const bool rows = !streams && (by_rows == members || 2 * by_units <= 3 * by_rows);
  return {rows, static_cast<int>(rows ? by_rows : by_units)};
}

}  // namespace

Status Sequence::assign(const RecurrentProblem& p) {
  const Status status = check_lengths(p);
  if (!status.is_ok()) return status;
  batch = p.N;
  row_step_ = p.batch_first ? p.T : 1;
  time_step_ = p.batch_first ? 1 : p.N;
  order.resize(static_cast<size_t>(batch));
  lengths.resize(static_cast<size_t>(batch));
  sorted = true;
  for (int64_t b = 0; b < batch; ++b) {
    const int32_t length = p.lengths ? p.lengths[b] : static_cast<int32_t>(p.T);
    order[b] = static_cast<int32_t>(b);
    lengths[b] = length;
    if (b > 0 && length > lengths[b - 1]) sorted = false;
  }
  if (!sorted) {
    std::sort(order.begin(), order.end(),
              [&](int32_t a, int32_t b) { return p.lengths[a] != p.lengths[b] ? p.lengths[a] > p.lengths[b] : a < b; });
    for (int64_t row = 0; row < batch; ++row) lengths[row] = p.lengths[order[row]];
  }
  steps = batch ? lengths[0] : 0;
  live.resize(static_cast<size_t>(steps));
  first.resize(static_cast<size_t>(steps));
  rows = 0;
  for (int64_t t = 0, alive = batch; t < steps; ++t) {
    while (lengths[alive - 1] <= t) --alive;  // rows that have ended, from the shortest
    live[t] = static_cast<int32_t>(alive);
    first[t] = rows;
    rows += alive;
  }
  return Status::ok();
}

int64_t live_rows(const RecurrentProblem& p) {
  if (!p.lengths) return p.N * p.T;
  int64_t rows = 0;
  for (int64_t b = 0; b < p.N; ++b) rows += std::clamp<int64_t>(p.lengths[b], 0, p.T);
  return rows;
}

void Split::assign(const RecurrentProblem& p, const Sequence& s, int members) {
  Choice choice = choose(p, s, members);
  apart = false;
  if (p.K == 2 && members > 1 && !(choice.by_rows && choice.owners == members)) {
    const Choice half = choose(p, s, members / 2);
    if (2 * half.owners >= choice.owners) {
      choice = half;
      apart = true;
    }
  }
  by_rows = choice.by_rows;
  owners = choice.owners;
  for (Rounds& rounds : steps) rounds.begin(owners);
  bounds.assign(static_cast<size_t>(owners) + 1, s.batch);
  int64_t sum = 0;
  for (int64_t row = 0, owner = 0; row < s.batch; ++row) {
    while (owner < owners && sum * owners >= s.rows * owner) bounds[owner++] = row;
    sum += s.lengths[row];
  }
}

}  // namespace stm
