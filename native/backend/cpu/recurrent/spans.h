#pragma once
#include <algorithm>
#include <cstdint>

#include "backend/cpu/recurrent/steps.h"

namespace stm {

/// Rows [begin, end) of one step which agree on whether they have a previous and a next step in the direction of
/// travel.
struct Span {
  int64_t begin, end;
  bool has_previous, has_next;
};

/// A step, and those before and after it in the direction of travel; outside the sequence there are none.
struct Moment {
  int64_t previous, t, next;
  /// The n-th of the direction's steps.
  Moment(const DirectionGeometry& g, int64_t n) {
    const int64_t direction = g.reverse ? -1 : 1;
    t = g.reverse ? g.sequence->steps - 1 - n : n;
    previous = t - direction;
    next = t + direction;
  }
};

/// One step's rows in at most three spans, limited to batch rows [begin, end).
struct Spans {
  Span span[3];
  int count = 0;
  Spans(const Sequence& s, const Moment& at, int64_t begin, int64_t end) {
    const int64_t t = at.t;
    const auto live_at = [&](int64_t step) {
      return step < 0 || step >= s.steps ? int64_t{0} : int64_t{std::min(s.live[step], s.live[t])};
    };
    const int64_t with_previous = live_at(at.previous), with_next = live_at(at.next);
    const int64_t cuts[4] = {0, std::min(with_previous, with_next), std::max(with_previous, with_next), s.live[t]};
    for (int i = 0; i < 3; ++i) {
      const Span x{std::max(begin, cuts[i]), std::min(end, cuts[i + 1]), cuts[i] < with_previous, cuts[i] < with_next};
      if (x.begin < x.end) span[count++] = x;
    }
  }
  const Span* cbegin() const { return span; }
  const Span* cend() const { return span + count; }
};
inline const Span* begin(const Spans& spans) { return spans.cbegin(); }
inline const Span* end(const Spans& spans) { return spans.cend(); }

}  // namespace stm
