"""PyTorch's side of `npm run bench -- recurrent`: reads a request a line from stdin, times it, prints a line.

{"shape": {"T", "N", "D", "H", "L", "bidirectional"}, "cell": "lstm" | "gru", "kind": "train" | "infer", "runs": n}
  ->  [milliseconds of each run]

A train run is forward and backward from a given gradient of the output, with the gradients of the input and of every
weight. The first line printed is {"version", "threads"}. Arguments: the number of threads, and the clock, wall or cpu.
"""
import json
import sys
import time

import torch

torch.set_num_threads(int(sys.argv[1]))
print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
clock = {"wall": time.perf_counter, "cpu": time.process_time}[sys.argv[2]]
models = {}


def model_of(cell, shape):
    key = (cell, json.dumps(shape))
    if key not in models:
        directions = 2 if shape["bidirectional"] else 1
        kind = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU}[cell]
        model = kind(shape["D"], shape["H"], shape["L"], bidirectional=directions == 2)
        x = torch.randn(shape["T"], shape["N"], shape["D"])
        gradient = torch.randn(shape["T"], shape["N"], shape["H"] * directions)
        zeros = torch.zeros(shape["L"] * directions, shape["N"], shape["H"])
        models[key] = model, x, gradient, (zeros, zeros) if cell == "lstm" else zeros
    return models[key]


def train(model, x, gradient, state):
    model.zero_grad(set_to_none=True)
    x = x.detach().requires_grad_()
    start = clock()
    model(x, state)[0].backward(gradient)
    return clock() - start


def infer(model, x, _, state):
    with torch.inference_mode():
        start = clock()
        model(x, state)
        return clock() - start


for line in sys.stdin:
    request = json.loads(line)
    run = {"train": train, "infer": infer}[request["kind"]]
    case = model_of(request["cell"], request["shape"])
    print(json.dumps([run(*case) * 1e3 for _ in range(request["runs"])]), flush=True)
