// Sequences that end early: zero lengths, and what lies past a length.
#include <algorithm>
#include <limits>

#include "question.h"
#include "rnn.h"

namespace stm::probe {
namespace {

/// Rows `rows` of a [planes, N, width] buffer.
std::vector<double> rows_of(const Rnn& rnn, const Buffer& buffer, const std::vector<int>& rows, int width) {
  const std::vector<double> all = get(buffer, rnn.setting.type);
  std::vector<double> out;
  for (size_t plane = 0; plane * static_cast<size_t>(rnn.setting.N * width) < all.size(); ++plane)
    for (const int row : rows) {
      const auto first = all.begin() + (static_cast<long>(plane) * rnn.setting.N + row) * width;
      out.insert(out.end(), first, first + width);
    }
  return out;
}

/// The same for [T, N, width] or [N, T, width], the steps below each row's length.
std::vector<double> steps_of(const Rnn& rnn, const Buffer& buffer, const std::vector<int>& rows, int width) {
  const std::vector<double> all = get(buffer, rnn.setting.type);
  std::vector<double> out;
  for (const int row : rows)
    for (int t = 0; t < rnn.setting.lengths[static_cast<size_t>(row)]; ++t) {
      const auto first = all.begin() + static_cast<long>(rnn.at(row, t, width));
      out.insert(out.end(), first, first + width);
    }
  return out;
}

/// A stack of the rows that are not empty alone, on the same numbers.
double distance_without_empty_rows(const Rnn& rnn, const std::vector<int>& full) {
  Setting s = rnn.setting;
  s.N = static_cast<int>(full.size());
  s.lengths.clear();
  for (const int row : full) s.lengths.push_back(rnn.setting.lengths[static_cast<size_t>(row)]);
  const Rnn alone(s);
  std::vector<int> own(full.size());
  for (size_t i = 0; i < own.size(); ++i) own[i] = static_cast<int>(i);
  const auto copy_steps = [&](const Buffer& from, const Buffer& to, int width) {
    const std::vector<double> all = get(from, s.type);
    std::vector<double> out(to.bytes() / size_of(s.type));
    for (size_t i = 0; i < full.size(); ++i)
      for (int t = 0; t < s.T; ++t)
        std::copy_n(all.begin() + static_cast<long>(rnn.at(full[i], t, width)), width,
                    out.begin() + static_cast<long>(alone.at(own[i], t, width)));
    put(to, s.type, out);
  };
  copy_steps(rnn.x, alone.x, s.D), copy_steps(rnn.dy, alone.dy, s.K * s.H);
  put(alone.hx, s.type, rows_of(rnn, rnn.hx, full, s.H)), put(alone.cx, s.type, rows_of(rnn, rnn.cx, full, s.H));
  put(alone.dhy, s.type, rows_of(rnn, rnn.dhy, full, s.H)), put(alone.dcy, s.type, rows_of(rnn, rnn.dcy, full, s.H));
  alone.step();
  double most = distance(rnn.weight_gradients(), alone.weight_gradients());
  most = std::max(most, distance(rows_of(rnn, rnn.hy, full, s.H), rows_of(alone, alone.hy, own, s.H)));
  most = std::max(most, distance(rows_of(rnn, rnn.dcx, full, s.H), rows_of(alone, alone.dcx, own, s.H)));
  most = std::max(most, distance(steps_of(rnn, rnn.y, full, s.K * s.H), steps_of(alone, alone.y, own, s.K * s.H)));
  return std::max(most, distance(steps_of(rnn, rnn.dx, full, s.D), steps_of(alone, alone.dx, own, s.D)));
}

Json zero_lengths(const std::vector<int>& lengths, cudnnRNNDataLayout_t layout, int K) {
  Setting s;
  s.layout = layout, s.K = K, s.L = 2, s.lengths = lengths;
  return tried({}, [&](Json& json) {
    const Rnn rnn(s);
    std::vector<int> empty, full;
    for (int n = 0; n < s.N; ++n) (lengths[static_cast<size_t>(n)] == 0 ? empty : full).push_back(n);
    for (const Buffer* buffer : {&rnn.y, &rnn.hy, &rnn.cy, &rnn.dx, &rnn.dhx, &rnn.dcx}) buffer->fill(0xFF);
    rnn.step();
    const auto gap = [&](const Buffer& a, const Buffer& b) {
      return distance(rows_of(rnn, a, empty, s.H), rows_of(rnn, b, empty, s.H));
    };
    json.number("hy of empty rows against hx", gap(rnn.hy, rnn.hx))
        .number("cy of empty rows against cx", gap(rnn.cy, rnn.cx))
        .number("dhx of empty rows against dhy", gap(rnn.dhx, rnn.dhy))
        .number("dcx of empty rows against dcy", gap(rnn.dcx, rnn.dcy));
    if (!full.empty()) json.number("the rest against a run without empty rows", distance_without_empty_rows(rnn, full));
  });
}

const std::vector<cudnnRNNDataLayout_t> kLayouts = {CUDNN_RNN_DATA_LAYOUT_SEQ_MAJOR_UNPACKED,
                                                    CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED};

std::string named(const std::string& name, cudnnRNNDataLayout_t layout, int K) {
  return name + (layout == CUDNN_RNN_DATA_LAYOUT_BATCH_MAJOR_UNPACKED ? "-batch-major" : "-time-major") +
         (K == 2 ? "-both" : "");
}

/// Writes `value` past each row's length.
void spoil(const Rnn& rnn, const Buffer& buffer, int width, double value) {
  std::vector<double> all = get(buffer, rnn.setting.type);
  for (int n = 0; n < rnn.setting.N; ++n)
    for (int t = rnn.setting.lengths[static_cast<size_t>(n)]; t < rnn.setting.T; ++t)
      std::fill_n(all.begin() + static_cast<long>(rnn.at(n, t, width)), width, value);
  put(buffer, rnn.setting.type, all);
}

/// What lies past each row's length: the one value, or "several".
std::string past_lengths(const Rnn& rnn, const Buffer& buffer, int width) {
  const std::vector<double> all = get(buffer, rnn.setting.type);
  std::vector<double> seen;
  for (int n = 0; n < rnn.setting.N; ++n)
    for (int t = rnn.setting.lengths[static_cast<size_t>(n)]; t < rnn.setting.T; ++t)
      for (int i = 0; i < width; ++i) seen.push_back(all[rnn.at(n, t, width) + static_cast<size_t>(i)]);
  if (std::all_of(seen.begin(), seen.end(), [&](double v) { return v == seen[0]; })) return std::to_string(seen[0]);
  return "several values, such as " + std::to_string(seen[0]);
}

Json padding_case(cudnnRNNDataLayout_t layout, int K) {
  Setting s;
  s.T = 6, s.layout = layout, s.K = K, s.L = 2, s.lengths = {6, 2, 4, 1};
  const std::vector<int> rows = {0, 1, 2, 3};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Rnn clean(s);
  const auto results = [&](const Rnn& rnn) {
    std::vector<double> all = rnn.weight_gradients();
    for (const auto& part : {steps_of(rnn, rnn.y, rows, s.K * s.H), steps_of(rnn, rnn.dx, rows, s.D),
                             get(rnn.dhx, s.type), get(rnn.dcx, s.type)})
      all.insert(all.end(), part.begin(), part.end());
    return all;
  };
  clean.y.fill(0x40), clean.dx.fill(0x40);  // 3.0039…
  spoil(clean, clean.x, s.D, 0), spoil(clean, clean.dy, s.K * s.H, 0);
  clean.step();
  const std::vector<double> expected = results(clean);
  Json json;
  json.text("y past the lengths, 3.0039 before", past_lengths(clean, clean.y, s.K * s.H))
      .text("dx past the lengths, 3.0039 before", past_lengths(clean, clean.dx, s.D));
  const auto with = [&](const std::string& what, const std::function<void(const Rnn&)>& before,
                        const std::function<void(const Rnn&)>& between) {
    double gap = nan;
    const std::string result = outcome([&] {
      const Rnn rnn(s);
      spoil(rnn, rnn.x, s.D, 0), spoil(rnn, rnn.dy, s.K * s.H, 0);
      before(rnn);
      rnn.dweights.fill(0);
      rnn.forward();
      between(rnn);
      rnn.backward_data();
      rnn.backward_weights();
      gap = distance(results(rnn), expected);
    });
    if (result == "ok") json.number(what, gap);
    else json.text(what, result);
  };
  const auto nothing = [](const Rnn&) {};
  with(
      "effect of 1000 in dy's padding", [&](const Rnn& rnn) { spoil(rnn, rnn.dy, s.K * s.H, 1000); }, nothing);
  with(
      "effect of NaN in dy's padding", [&](const Rnn& rnn) { spoil(rnn, rnn.dy, s.K * s.H, nan); }, nothing);
  with(
      "effect of 1000 in x's padding", [&](const Rnn& rnn) { spoil(rnn, rnn.x, s.D, 1000); }, nothing);
  with(
      "effect of NaN in x's padding", [&](const Rnn& rnn) { spoil(rnn, rnn.x, s.D, nan); }, nothing);
  with("effect of NaN in y's padding before backward", nothing,
       [&](const Rnn& rnn) { spoil(rnn, rnn.y, s.K * s.H, nan); });
  const float fill = 5;
  s.padding_fill = &fill;
  const Rnn filled(s);
  filled.step();
  return json.text("y past the lengths with paddingFill 5", past_lengths(filled, filled.y, s.K * s.H));
}

}  // namespace

std::vector<Question> length_questions() {
  const std::vector<std::pair<std::string, std::vector<int>>> patterns = {
      {"none", {5, 1, 3, 2}}, {"first", {0, 5, 3, 2}},       {"last", {5, 3, 2, 0}},
      {"two", {2, 0, 5, 0}},  {"all-but-one", {0, 0, 4, 0}}, {"all", {0, 0, 0, 0}}};
  std::vector<Question> all;
  for (const cudnnRNNDataLayout_t layout : kLayouts)
    for (const int K : {1, 2}) {
      for (const auto& [pattern, lengths] : patterns)
        all.push_back({named("zero-lengths-" + pattern, layout, K),
                       "does cuDNN compute rows of length 0: state kept, gradient passed on, no effect on the rest "
                       "(distances: rounding)",
                       "yes, everywhere: arrangement.cc need not keep rows of length 0 away from cuDNN",
                       [lengths = lengths, layout, K] { return zero_lengths(lengths, layout, K); }});
      all.push_back({named("padding", layout, K),
                     "does what lies past a length in x, dy and y matter (0: no), and what does cuDNN leave there",
                     "an effect: that padding must be cleared before the call; what it leaves: whether the plug-in "
                     "clears y and dx itself",
                     [=] { return padding_case(layout, K); }});
    }
  return all;
}

}  // namespace stm::probe
