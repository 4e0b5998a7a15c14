"""Calls of one op, as scripts/bench/jobs/elementwise.ts makes them."""
import torch
from torch.nn import functional

from torch_waves import samples, wave

OPS = {
    "tanh": lambda x, y: torch.tanh(y),
    "sigmoid": lambda x, y: torch.sigmoid(y),
    "relu": lambda x, y: torch.relu(y),
    "gelu": lambda x, y: functional.gelu(y),
    "silu": lambda x, y: functional.silu(y),
    "exp": lambda x, y: torch.exp(y),
    "log": lambda x, y: torch.log(x),
    "sqrt": lambda x, y: torch.sqrt(x),
    "add": torch.add,
    "mul": torch.mul,
    "softmax": lambda x, y: torch.softmax(y, -1),
    "log_softmax": lambda x, y: torch.log_softmax(y, -1),
    "layer_norm": lambda x, y: functional.layer_norm(y, y.shape[-1:]),
    "sum": lambda x, y: torch.sum(x),
    "sum of rows": lambda x, y: torch.sum(x, -1),
    "mean": lambda x, y: torch.mean(x),
}


class Elementwise:
    def __init__(self, op, rows, columns, calls):
        self.op, self.calls = OPS[op], calls
        self.y = wave([rows, columns], 0.37).mul(3)
        self.x = self.y.abs().add(0.1)

    @torch.inference_mode()
    def check(self):
        return samples(self.op(self.x, self.y))

    @torch.inference_mode()
    def run(self, clock):
        op, x, y = self.op, self.x, self.y
        start = clock()
        for _ in range(self.calls):
            op(x, y)
        return clock() - start


def make(options):
    return Elementwise(**options)
