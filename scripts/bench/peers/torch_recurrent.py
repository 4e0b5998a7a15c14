"""LSTM and GRU on one batch, as scripts/bench/jobs/recurrent.ts runs them."""
import torch

from torch_waves import samples, state_of, wave


class Recurrent:
    def __init__(self, shape, cell, kind, precision=None):
        steps, rows, width, hidden, layers = (shape[name] for name in "TNDHL")
        directions = 2 if shape["bidirectional"] else 1
        made = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
        self.model = made(width, hidden, layers, bidirectional=directions == 2)
        self.kind = kind
        self.x = wave([steps, rows, width], 0.37)
        self.gradient = wave([steps, rows, hidden * directions], 0.11)
        zeros = torch.zeros(layers * directions, rows, hidden)
        self.state = (zeros, zeros) if cell == "lstm" else zeros
        self.cast = torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16")

    def load(self, tensors):
        self.model.load_state_dict(state_of(tensors))

    def check(self):
        if self.kind != "train":
            with torch.inference_mode(), self.cast:
                return samples(self.model(self.x, self.state)[0].float())
        self.run(lambda: 0)
        gradients = [self.x.grad, *(parameter.grad for parameter in self.model.parameters())]
        return [value for gradient in gradients for value in samples(gradient, 13)]

    def run(self, clock):
        if self.kind == "train":
            self.model.zero_grad(set_to_none=True)
            self.x = self.x.detach().requires_grad_()
            start = clock()
            with self.cast:
                output = self.model(self.x, self.state)[0]
            output.backward(self.gradient.to(output.dtype))
            return clock() - start
        with torch.inference_mode(), self.cast:
            start = clock()
            output = self.model(self.x, self.state)[0]
            if self.kind == "read":
                output.float().numpy().copy()
            return clock() - start


def make(options):
    return Recurrent(**options)
