#include "backend/cpu/recurrent/rows.h"

#include <algorithm>
#include <cstring>

namespace stm {
namespace {

constexpr int64_t kRowsBetweenStops = 256;

}  // namespace

void gather_rows(const Sequence& s, const float* padded, int64_t width, float* packed, int rank, int members) {
  const Share steps(s.steps, rank, members);
  for (int64_t t = steps.begin; t < steps.end; ++t) {
    stop_point();
    for (int64_t row = 0; row < s.live[t]; ++row)
      copy_row(padded + s.caller_row(t, row) * width, width, packed + (s.first[t] + row) * width);
  }
}

void scatter_rows(const Sequence& s, const float* packed, int64_t width, int64_t steps, float* padded, int rank,
                  int members) {
  const Share share(steps, rank, members);
  for (int64_t t = share.begin; t < share.end; ++t) {
    stop_point();
    const int64_t live = t < s.steps ? s.live[t] : 0;
    for (int64_t row = 0; row < live; ++row)
      copy_row(packed + (s.first[t] + row) * width, width, padded + s.caller_row(t, row) * width);
    for (int64_t row = live; row < s.batch; ++row) clear_row(width, padded + s.caller_row(t, row) * width);
  }
}

void sort_states(const Sequence& s, const float* from, int64_t blocks, int64_t width, float* to, int rank,
                 int members) {
  const Share share(blocks * s.batch, rank, members);
  for (int64_t i = share.begin; i < share.end; ++i) {
    if (i % kRowsBetweenStops == 0) stop_point();
    if (from) {
      copy_row(from + (i - i % s.batch + s.order[i % s.batch]) * width, width, to + i * width);
    } else {
      clear_row(width, to + i * width);
    }
  }
}

void gather_previous(const Sequence& s, bool reverse, const float* out, int64_t ld_out, const float* h0, int64_t width,
                     float* previous, int rank, int members) {
  const Share steps(s.steps, rank, members);
  for (int64_t t = steps.begin; t < steps.end; ++t) {
    stop_point();
    const int64_t before = reverse ? t + 1 : t - 1;
    const int64_t continued = before < 0 || before >= s.steps ? 0 : std::min(s.live[before], s.live[t]);
    for (int64_t row = 0; row < s.live[t]; ++row) {
      float* const to = previous + (s.first[t] + row) * width;
      if (row < continued) {
        copy_row(out + (s.first[before] + row) * ld_out, width, to);
      } else if (h0) {
        copy_row(h0 + row * width, width, to);
      } else {
        clear_row(width, to);
      }
    }
  }
}

}  // namespace stm
