"""Variants of LSTM and GRU step by step in PyTorch, as one writes them there."""
import torch
from torch.nn import functional


class Variant:
    """A train step of a variant, from the sum of its output."""

    def __init__(self, variant, rows, steps, features, hidden):
        self.variant, self.rows, self.hidden = variant, rows, hidden
        self.x = torch.randn(rows, steps, features)
        gates = 3 if "coupledGates" in variant or variant.startswith("gru") else 4
        sizes = [(gates * hidden, features), (gates * hidden, hidden), (gates * hidden,), (gates * hidden,)]
        self.weights = [(torch.rand(size) - 0.5).div_(hidden**0.5).requires_grad_() for size in sizes]
        self.peephole = torch.zeros(3, hidden, requires_grad=True)
        self.gains = [torch.ones(gates * hidden, requires_grad=True) for _ in range(2)]
        self.cell_gain = torch.ones(hidden, requires_grad=True)
        self.cell_bias = torch.zeros(hidden, requires_grad=True)

    def run(self, clock):
        start = clock()
        (self.gru() if self.variant.startswith("gru") else self.lstm()).sum().backward()
        return clock() - start

    def sums(self):
        """The input's part of all steps, and a function for that of h."""
        w_ih, w_hh, b_ih, b_hh = self.weights
        if "layerNorm" not in self.variant:
            return functional.linear(self.x, w_ih, b_ih), lambda h: functional.linear(h, w_hh, b_hh)
        ih, hh = self.gains
        norm = lambda values, gain, bias: functional.layer_norm(values, gain.shape, gain, bias)
        return norm(functional.linear(self.x, w_ih), ih, b_ih), lambda h: norm(functional.linear(h, w_hh), hh, b_hh)

    def mask(self):
        dropped = "recurrentDropout" in self.variant
        return functional.dropout(torch.ones(self.rows, self.hidden), 0.3) if dropped else None

    def lstm(self):
        variant = self.variant
        coupled = "coupledGates" in variant
        of_x, of_h = self.sums()
        h = c = torch.zeros(self.rows, self.hidden)
        mask = self.mask()
        told = []
        for t in range(self.x.shape[1]):
            parts = (of_x[:, t] + of_h(h if mask is None else h * mask)).chunk(3 if coupled else 4, 1)
            of_f, of_g, of_o = parts[-3:]
            if "peephole" in variant:
                of_f = of_f + c * self.peephole[1]
            f = torch.sigmoid(of_f)
            of_i = parts[0] + c * self.peephole[0] if "peephole" in variant else parts[0]
            i = 1 - f if coupled else torch.sigmoid(of_i)
            fresh = f * c + i * torch.tanh(of_g)
            if "peephole" in variant:
                of_o = of_o + fresh * self.peephole[2]
            shown = fresh
            if "layerNorm" in variant:
                shown = functional.layer_norm(fresh, [self.hidden], self.cell_gain, self.cell_bias)
            out = torch.sigmoid(of_o) * torch.tanh(shown)
            if "zoneout" in variant:
                h = torch.where(torch.rand(self.rows, self.hidden) < 0.1, h, out)
                c = torch.where(torch.rand(self.rows, self.hidden) < 0.1, c, fresh)
            else:
                h, c = out, fresh
            told.append(h)
        return torch.stack(told, 1)

    def gru(self):
        variant = self.variant
        of_x, of_h = self.sums()
        _, w_hh, _, b_hh = self.weights
        hidden = self.hidden
        h = torch.zeros(self.rows, self.hidden)
        mask = self.mask()
        told = []
        for t in range(self.x.shape[1]):
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


def make(options):
    return Variant(**options)
