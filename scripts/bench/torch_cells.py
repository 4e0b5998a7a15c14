"""Times variants of LSTM and GRU step by step in PyTorch, as one writes them there.

usage: torch_cells.py N T D H THREADS. Each line of standard input names a variant; a train step of it is run, and its
milliseconds are the answer's line.
"""

import sys
import time

import torch
from torch.nn import functional

rows, steps, features, hidden, threads = map(int, sys.argv[1:])
torch.set_num_threads(threads)
torch.manual_seed(1)
x = torch.randn(rows, steps, features)


def weights(gates):
    sizes = [(gates * hidden, features), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,)]
    return [(torch.rand(size) - 0.5).div_(hidden**0.5).requires_grad_() for size in sizes]


LSTM, COUPLED, GRU = weights(4), weights(3), weights(3)
PEEPHOLE = torch.zeros(3, hidden, requires_grad=True)
GAINS = {gates: [torch.ones(gates * hidden, requires_grad=True) for _ in range(2)] for gates in (3, 4)}
CELL_GAIN, CELL_BIAS = torch.ones(hidden, requires_grad=True), torch.zeros(hidden, requires_grad=True)


def sums(w, variant, gates):
    """The input's part of all steps, and a function for that of h."""
    w_ih, w_hh, b_ih, b_hh = w
    if "layerNorm" not in variant:
        return functional.linear(x, w_ih, b_ih), lambda h: functional.linear(h, w_hh, b_hh)
    ih, hh = GAINS[gates]
    norm = lambda values, gain, bias: functional.layer_norm(values, [gates * hidden], gain, bias)
    return norm(functional.linear(x, w_ih), ih, b_ih), lambda h: norm(functional.linear(h, w_hh), hh, b_hh)


def lstm(variant):
    coupled = "coupledGates" in variant
    of_x, of_h = sums(COUPLED if coupled else LSTM, variant, 3 if coupled else 4)
    h = c = torch.zeros(rows, hidden)
    mask = functional.dropout(torch.ones(rows, hidden), 0.3) if "recurrentDropout" in variant else None
    told = []
    for t in range(steps):
        parts = (of_x[:, t] + of_h(h if mask is None else h * mask)).chunk(3 if coupled else 4, 1)
        of_f, of_g, of_o = parts[-3:]
        if "peephole" in variant:
            of_f = of_f + c * PEEPHOLE[1]
        f = torch.sigmoid(of_f)
        of_i = parts[0] + c * PEEPHOLE[0] if "peephole" in variant else parts[0]
        i = 1 - f if coupled else torch.sigmoid(of_i)
        fresh = f * c + i * torch.tanh(of_g)
        if "peephole" in variant:
            of_o = of_o + fresh * PEEPHOLE[2]
        shown = functional.layer_norm(fresh, [hidden], CELL_GAIN, CELL_BIAS) if "layerNorm" in variant else fresh
        out = torch.sigmoid(of_o) * torch.tanh(shown)
        if "zoneout" in variant:
            h = torch.where(torch.rand(rows, hidden) < 0.1, h, out)
            c = torch.where(torch.rand(rows, hidden) < 0.1, c, fresh)
        else:
            h, c = out, fresh
        told.append(h)
    return torch.stack(told, 1)


def gru(variant):
    of_x, of_h = sums(GRU, variant, 3)
    _, w_hh, _, b_hh = GRU
    h = torch.zeros(rows, hidden)
    mask = functional.dropout(torch.ones(rows, hidden), 0.3) if "recurrentDropout" in variant else None
    told = []
    for t in range(steps):
        xr, xz, xn = of_x[:, t].chunk(3, 1)
        before = h if mask is None else h * mask
        if "resetAfter" in variant:
            hr, hz = functional.linear(before, w_hh[: 2 * hidden], b_hh[: 2 * hidden]).chunk(2, 1)
            r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
            n = torch.tanh(xn + functional.linear(r * before, w_hh[2 * hidden :], b_hh[2 * hidden :]))
        else:
            hr, hz, hn = of_h(before).chunk(3, 1)
            r, z = torch.sigmoid(xr + hr), torch.sigmoid(xz + hz)
            n = torch.tanh(xn + r * hn)
        h = n + z * (h - n)
        told.append(h)
    return torch.stack(told, 1)


for line in sys.stdin:
    name = line.strip()
    start = time.perf_counter()
    (gru(name) if name.startswith("gru") else lstm(name)).sum().backward()
    print((time.perf_counter() - start) * 1000, flush=True)
