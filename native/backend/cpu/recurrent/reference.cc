#include "backend/cpu/recurrent/reference.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "backend/check_recurrent.h"
#include "backend/cpu/stopping.h"

namespace stm {
namespace {

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// Weights, or gradients of weights, of one direction of one layer.
template <class Float>
struct Weights {
  Float *w_ih = nullptr, *w_hh = nullptr, *w_hr = nullptr, *b_ih = nullptr, *b_hh = nullptr;
};

template <class Float>
Weights<Float> weights_of(const RecurrentProblem& p, Float* blob, int64_t layer, int64_t k) {
  const int64_t rows = p.gates() * p.H;
  Weights<Float> w;
  for (int64_t l = 0; l <= layer; ++l) {
    for (int64_t d = 0; d < p.K && (l < layer || d <= k); ++d) {
      w.w_ih = blob;
      w.w_hh = w.w_ih + rows * p.input_size(l);
      w.w_hr = w.w_hh + rows * p.width();
      blob = w.w_hr + p.P * p.H;
    }
  }
  if (!p.P) w.w_hr = nullptr;
  if (!p.bias) return w;
  for (int64_t l = layer, d = k + 1; l < p.L; ++l, d = 0) {
    for (; d < p.K; ++d) blob += rows * (p.input_size(l) + p.width()) + p.P * p.H;
  }
  w.b_ih = blob + (layer * p.K + k) * 2 * rows;
  w.b_hh = w.b_ih + rows;
  return w;
}

// Everything a forward call computes, step by step. Index of a row: (pseudo-layer or layer, time, batch row).
struct Record {
  // [L·K][T][N][...]: the gates after their functions (G·H), GRU's W_hn h + b_hn (H), the cell (H), h before the
  // projection (H); [L][T][N][K·O]: outputs.
  double *gates, *state_sum, *cell, *wide, *output;
  size_t bytes;
  const RecurrentProblem& p;

  Record(const RecurrentProblem& problem, void* base) : p(problem) {
    double* at = static_cast<double*>(base);
    const auto take = [&](int64_t count) {
      double* const begin = at;
      bytes += static_cast<size_t>(count) * sizeof(double);
      if (base) at += count;
      return begin;
    };
    bytes = 0;
    const int64_t rows = p.L * p.K * p.T * p.N;
    gates = take(rows * p.gates() * p.H);
    state_sum = take(p.cell == Cell::Gru ? rows * p.H : 0);
    cell = take(p.cell == Cell::Lstm ? rows * p.H : 0);
    wide = take(rows * p.H);
    output = take(rows * p.width());
  }
  int64_t row(int64_t i, int64_t t, int64_t b) const { return (i * p.T + t) * p.N + b; }
  double* output_of(int64_t layer, int64_t t, int64_t b) const { return output + row(layer, t, b) * p.K * p.width(); }
};

int64_t length_of(const RecurrentProblem& p, int64_t b) { return p.lengths ? p.lengths[b] : p.T; }
int64_t caller_row(const RecurrentProblem& p, int64_t t, int64_t b) {
  return p.batch_first ? b * p.T + t : t * p.N + b;
}

// y += matrix [rows, columns] x
void multiply(const double* matrix, int64_t rows, int64_t columns, const double* x, double* y) {
  for (int64_t i = 0; i < rows; ++i) {
    double sum = 0;
    for (int64_t j = 0; j < columns; ++j) sum += matrix[i * columns + j] * x[j];
    y[i] += sum;
  }
}

// y += matrixᵀ x
void multiply_transposed(const double* matrix, int64_t rows, int64_t columns, const double* x, double* y) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) y[j] += matrix[i * columns + j] * x[i];
  }
}

// matrix += x yᵀ
void add_outer(const double* x, int64_t rows, const double* y, int64_t columns, double* matrix) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) matrix[i * columns + j] += x[i] * y[j];
  }
}

void add(const double* x, int64_t count, double* y) {
  for (int64_t i = 0; i < count; ++i) y[i] += x[i];
}

// One step of one row: `from_input` and `from_state` are W_ih x + b_ih and W_hh h + b_hh; h is replaced by what
// precedes the projection, c by the new cell.
void step_forward(const RecurrentProblem& p, const double* from_input, const double* from_state, double* gates,
                  double* state_sum, const double* h, double* c, double* wide) {
  const int64_t H = p.H;
  for (int64_t j = 0; j < H; ++j) {
    const auto sum = [&](int64_t gate) { return from_input[gate * H + j] + from_state[gate * H + j]; };
    switch (p.cell) {
      case Cell::Lstm: {
        const double i = sigmoid(sum(0)), f = sigmoid(sum(1)), g = std::tanh(sum(2)), o = sigmoid(sum(3));
        gates[j] = i, gates[H + j] = f, gates[2 * H + j] = g, gates[3 * H + j] = o;
        c[j] = f * c[j] + i * g;
        wide[j] = o * std::tanh(c[j]);
        break;
      }
      case Cell::Gru: {
        const double r = sigmoid(sum(0)), z = sigmoid(sum(1)),
                     n = std::tanh(from_input[2 * H + j] + r * from_state[2 * H + j]);
        gates[j] = r, gates[H + j] = z, gates[2 * H + j] = n;
        state_sum[j] = from_state[2 * H + j];
        wide[j] = (1 - z) * n + z * h[j];
        break;
      }
      case Cell::RnnTanh: gates[j] = wide[j] = std::tanh(sum(0)); break;
      case Cell::RnnRelu: gates[j] = wide[j] = sum(0) < 0 ? 0 : sum(0); break;
    }
  }
}

// The gradients of a step's two sums, from that of h before the projection (d_wide) and of the cell (d_c, replaced by
// that of the cell before). d_h_before gets what flows to the previous h past the products.
void step_backward(const RecurrentProblem& p, const double* gates, const double* state_sum, const double* c,
                   const double* c_before, const double* h_before, const double* d_wide, double* d_c, double* d_input,
                   double* d_state, double* d_h_before) {
  const int64_t H = p.H;
  for (int64_t j = 0; j < H; ++j) {
    switch (p.cell) {
      case Cell::Lstm: {
        const double i = gates[j], f = gates[H + j], g = gates[2 * H + j], o = gates[3 * H + j], t = std::tanh(c[j]);
        const double d = d_c[j] + d_wide[j] * o * (1 - t * t);
        d_input[j] = d * g * i * (1 - i);
        d_input[H + j] = d * c_before[j] * f * (1 - f);
        d_input[2 * H + j] = d * i * (1 - g * g);
        d_input[3 * H + j] = d_wide[j] * t * o * (1 - o);
        for (int64_t gate = 0; gate < 4; ++gate) d_state[gate * H + j] = d_input[gate * H + j];
        d_c[j] = d * f;
        break;
      }
      case Cell::Gru: {
        const double r = gates[j], z = gates[H + j], n = gates[2 * H + j], d = d_wide[j];
        const double d_n = d * (1 - z) * (1 - n * n);
        d_input[j] = d_state[j] = d_n * state_sum[j] * r * (1 - r);
        d_input[H + j] = d_state[H + j] = d * (h_before[j] - n) * z * (1 - z);
        d_input[2 * H + j] = d_n;
        d_state[2 * H + j] = d_n * r;
        d_h_before[j] += d * z;
        break;
      }
      case Cell::RnnTanh: d_input[j] = d_state[j] = d_wide[j] * (1 - gates[j] * gates[j]); break;
      case Cell::RnnRelu: d_input[j] = d_state[j] = gates[j] > 0 ? d_wide[j] : 0; break;
    }
  }
}

const double* doubles(const void* p) { return static_cast<const double*>(p); }
double* doubles(void* p) { return static_cast<double*>(p); }

void forward_row(const RecurrentProblem& p, const RecurrentForward& buffers, const Record& record, int64_t layer,
                 int64_t k, int64_t b) {
  const int64_t H = p.H, O = p.width(), D = p.input_size(layer), rows = p.gates() * H, i = layer * p.K + k,
                length = length_of(p, b);
  const Weights<const double> w = weights_of(p, doubles(buffers.weights), layer, k);
  std::vector<double> h(O), c(H), from_input(rows), from_state(rows);
  if (buffers.h0) std::copy_n(doubles(buffers.h0) + (i * p.N + b) * O, O, h.begin());
  if (buffers.c0 && p.cell == Cell::Lstm) std::copy_n(doubles(buffers.c0) + (i * p.N + b) * H, H, c.begin());
  for (int64_t n = 0; n < length; ++n) {
    stop_point();
    const int64_t t = k ? length - 1 - n : n, at = record.row(i, t, b);
    const double* const x = layer ? record.output_of(layer - 1, t, b) : doubles(buffers.x) + caller_row(p, t, b) * D;
    std::fill(from_input.begin(), from_input.end(), 0.0);
    std::fill(from_state.begin(), from_state.end(), 0.0);
    if (p.bias) {
      std::copy_n(w.b_ih, rows, from_input.begin());
      std::copy_n(w.b_hh, rows, from_state.begin());
    }
    multiply(w.w_ih, rows, D, x, from_input.data());
    multiply(w.w_hh, rows, O, h.data(), from_state.data());
    double* const wide = record.wide + at * H;
    step_forward(p, from_input.data(), from_state.data(), record.gates + at * rows, record.state_sum + at * H, h.data(),
                 c.data(), wide);
    if (p.cell == Cell::Lstm) std::copy_n(c.data(), H, record.cell + at * H);
    if (p.P) {
      std::fill(h.begin(), h.end(), 0.0);
      multiply(w.w_hr, O, H, wide, h.data());
    } else {
      std::copy_n(wide, H, h.begin());
    }
    std::copy_n(h.data(), O, record.output_of(layer, t, b) + k * O);
  }
  if (buffers.hn) std::copy_n(h.data(), O, doubles(buffers.hn) + (i * p.N + b) * O);
  if (buffers.cn && p.cell == Cell::Lstm) std::copy_n(c.data(), H, doubles(buffers.cn) + (i * p.N + b) * H);
}

// d_output [T][N][K·O]; d_input [T][N][input size], null if not wanted.
void backward_row(const RecurrentProblem& p, const RecurrentBackward& buffers, const Record& record, int64_t layer,
                  int64_t k, int64_t b, const double* d_output, double* d_input) {
  const int64_t H = p.H, O = p.width(), D = p.input_size(layer), rows = p.gates() * H, i = layer * p.K + k,
                length = length_of(p, b), state = i * p.N + b;
  const Weights<const double> w = weights_of(p, doubles(buffers.weights), layer, k);
  const Weights<double> g = weights_of(p, doubles(buffers.dweights), layer, k);
  std::vector<double> h0(O), c0(H), d_h(O), d_h_before(O), d_c(H), d_wide(H), d_from_input(rows), d_from_state(rows);
  if (buffers.h0) std::copy_n(doubles(buffers.h0) + state * O, O, h0.begin());
  if (buffers.c0 && p.cell == Cell::Lstm) std::copy_n(doubles(buffers.c0) + state * H, H, c0.begin());
  if (buffers.dhn) std::copy_n(doubles(buffers.dhn) + state * O, O, d_h.begin());
  if (buffers.dcn && p.cell == Cell::Lstm) std::copy_n(doubles(buffers.dcn) + state * H, H, d_c.begin());
  for (int64_t n = length - 1; n >= 0; --n) {
    stop_point();
    const int64_t t = k ? length - 1 - n : n, before = k ? t + 1 : t - 1, at = record.row(i, t, b), row = t * p.N + b;
    const double* const h_before = n ? record.output_of(layer, before, b) + k * O : h0.data();
    const double* const c_before = n ? record.cell + record.row(i, before, b) * H : c0.data();
    const double* const wide = record.wide + at * H;
    add(d_output + row * p.K * O + k * O, O, d_h.data());
    std::fill(d_h_before.begin(), d_h_before.end(), 0.0);
    if (p.P) {
      std::fill(d_wide.begin(), d_wide.end(), 0.0);
      multiply_transposed(w.w_hr, O, H, d_h.data(), d_wide.data());
      if (buffers.dweights) add_outer(d_h.data(), O, wide, H, g.w_hr);
    } else {
      std::copy_n(d_h.data(), H, d_wide.begin());
    }
    step_backward(p, record.gates + at * rows, record.state_sum + at * H, record.cell + at * H, c_before, h_before,
                  d_wide.data(), d_c.data(), d_from_input.data(), d_from_state.data(), d_h_before.data());
    multiply_transposed(w.w_hh, rows, O, d_from_state.data(), d_h_before.data());
    if (d_input) multiply_transposed(w.w_ih, rows, D, d_from_input.data(), d_input + row * D);
    if (buffers.dweights) {
      const double* const x = layer ? record.output_of(layer - 1, t, b) : doubles(buffers.x) + caller_row(p, t, b) * D;
      add_outer(d_from_input.data(), rows, x, D, g.w_ih);
      add_outer(d_from_state.data(), rows, h_before, O, g.w_hh);
      if (p.bias) add(d_from_input.data(), rows, g.b_ih);
      if (p.bias) add(d_from_state.data(), rows, g.b_hh);
    }
    std::swap(d_h, d_h_before);
  }
  if (buffers.dh0) std::copy_n(d_h.data(), O, doubles(buffers.dh0) + state * O);
  if (buffers.dc0 && p.cell == Cell::Lstm) std::copy_n(d_c.data(), H, doubles(buffers.dc0) + state * H);
}

// Copies [T][N][width] to or from the caller's layout; past a row's length, zeros.
void to_caller(const RecurrentProblem& p, const double* from, int64_t width, double* to) {
  for (int64_t t = 0; t < p.T; ++t) {
    for (int64_t b = 0; b < p.N; ++b) {
      double* const row = to + caller_row(p, t, b) * width;
      if (t < length_of(p, b)) {
        std::copy_n(from + (t * p.N + b) * width, width, row);
      } else {
        std::fill_n(row, width, 0.0);
      }
    }
  }
}

void from_caller(const RecurrentProblem& p, const double* from, int64_t width, double* to) {
  for (int64_t t = 0; t < p.T; ++t) {
    for (int64_t b = 0; b < p.N; ++b)
      std::copy_n(from + caller_row(p, t, b) * width, width, to + (t * p.N + b) * width);
  }
}

int64_t widest_rows(const RecurrentProblem& p) { return p.T * p.N * std::max(p.D, p.K * p.width()); }

}  // namespace

Status reference_sizes(const RecurrentProblem& p, RecurrentSizes* out) {
  const size_t record = Record(p, nullptr).bytes;
  out->reserve = p.training ? record : 0;
  out->forward_workspace = p.training ? 0 : record;
  out->backward_workspace = p.training ? 2 * static_cast<size_t>(widest_rows(p)) * sizeof(double) : 0;
  out->packed = 0;
  return Status::ok();
}

Status reference_forward(const RecurrentProblem& p, const RecurrentForward& buffers) {
  const Status status = check_lengths(p);
  if (!status.is_ok()) return status;
  const Record record(p, p.training ? buffers.reserve : buffers.workspace);
  for (int64_t layer = 0; layer < p.L; ++layer) {
    for (int64_t k = 0; k < p.K; ++k) {
      for (int64_t b = 0; b < p.N; ++b) forward_row(p, buffers, record, layer, k, b);
    }
  }
  if (buffers.y && p.T * p.N > 0) to_caller(p, record.output_of(p.L - 1, 0, 0), p.K * p.width(), doubles(buffers.y));
  return Status::ok();
}

Status reference_backward(const RecurrentProblem& p, const RecurrentBackward& buffers) {
  const Status status = check_lengths(p);
  if (!status.is_ok()) return status;
  const Record record(p, buffers.reserve);
  double *d_output = doubles(buffers.workspace), *d_input = d_output + widest_rows(p);
  std::fill_n(d_output, widest_rows(p), 0.0);
  if (buffers.dy) from_caller(p, doubles(buffers.dy), p.K * p.width(), d_output);
  if (buffers.dweights) std::fill_n(doubles(buffers.dweights), p.weight_elements(), 0.0);
  for (int64_t layer = p.L - 1; layer >= 0; --layer) {
    double* const wanted = layer || buffers.dx ? d_input : nullptr;
    std::fill_n(d_input, widest_rows(p), 0.0);
    for (int64_t k = 0; k < p.K; ++k) {
      for (int64_t b = 0; b < p.N; ++b) backward_row(p, buffers, record, layer, k, b, d_output, wanted);
    }
    std::swap(d_output, d_input);
  }
  if (buffers.dx) to_caller(p, d_output, p.D, doubles(buffers.dx));
  return Status::ok();
}

}  // namespace stm
