"""PyTorch's side of `npm run bench:gpu`: reads a request a line from stdin, times it, prints a line.

{"case": {...}, "mode": "fma" | "tf32" | "bf16" | "f16", "graph": bool, "steps": n}
  ->  {"ms": milliseconds of n steps} or {"error": why not}
{"release": true}  ->  {}

A case is one of scripts/bench/gpu-cases.ts. Steps are timed from an idle device to an idle device; `graph` replays one
captured step. The first line printed says what runs here. Argument: the device, cuda or cpu.
"""
import json
import subprocess
import sys
import time

import torch
from torch import nn

device = torch.device(sys.argv[1])
on_gpu = device.type == "cuda"
held = {}  # steps by what was asked for


def synchronize():
    if on_gpu:
        torch.cuda.synchronize()


def set_mode(mode):
    torch.backends.cuda.matmul.allow_tf32 = mode != "fma"
    torch.backends.cudnn.allow_tf32 = mode != "fma"


def autocast(mode):
    kind = {"bf16": torch.bfloat16, "f16": torch.float16}.get(mode)
    return torch.autocast(device.type, dtype=kind or torch.bfloat16, enabled=kind is not None)


def recurrent_step(case, mode):
    directions = 2 if case["bidirectional"] else 1
    model = nn.LSTM(case["D"], case["H"], case["L"], bidirectional=directions == 2).to(device)
    kind = case["kind"]
    x = torch.randn(case["T"], case["N"], case["D"], device=device)
    state = tuple(torch.zeros(case["L"] * directions, case["N"], case["H"], device=device) for _ in range(2))
    if kind in ("infer", "latency"):
        model.eval()

        def infer():
            with torch.no_grad(), autocast(mode):
                return model(x, state)[0]

        return infer
    x.requires_grad_()
    gradient = torch.randn(case["T"], case["N"], case["H"] * directions, device=device)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, fused=on_gpu)

    def train():
        optimizer.zero_grad(set_to_none=True)
        x.grad = None
        with autocast(mode):
            output = model(x, state)[0]
        output.backward(gradient.to(output.dtype))
        if kind == "train":
            optimizer.step()

    return train


class LanguageModel(nn.Module):
    def __init__(self, case):
        super().__init__()
        self.embedding = nn.Embedding(case["vocabulary"], case["D"])
        self.dropout = nn.Dropout(case["dropout"])
        self.lstm = nn.LSTM(case["D"], case["H"], case["L"], dropout=case["dropout"], batch_first=True)
        self.decoder = nn.Linear(case["H"], case["vocabulary"])

    def forward(self, words, state):
        output, state = self.lstm(self.dropout(self.embedding(words)), state)
        return self.decoder(self.dropout(output)), state


def language_step(case, mode):
    model = LanguageModel(case).to(device)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6, fused=on_gpu)
    words, targets = (torch.randint(case["vocabulary"], (case["N"], case["T"]), device=device) for _ in range(2))
    state = tuple(torch.zeros(case["L"], case["N"], case["H"], device=device) for _ in range(2))

    def train():
        with autocast(mode):
            scores, following = model(words, state)
            loss = nn.functional.cross_entropy(scores.flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 5)
        optimizer.step()
        for carried, new in zip(state, following):
            carried.copy_(new.detach())

    return train


def captured(step):
    if not on_gpu:
        raise RuntimeError("graphs need a CUDA device")
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        output = step()

    def replay():
        graph.replay()
        return output

    return replay


def release():
    held.clear()
    if on_gpu:
        torch.cuda.empty_cache()


def prepare(request):
    key = json.dumps([request["case"], request["mode"], request["graph"]])
    set_mode(request["mode"])
    if key not in held:
        make = language_step if request["case"]["kind"] == "language" else recurrent_step
        step = make(request["case"], request["mode"])
        held[key] = captured(step) if request["graph"] else step
    return held[key]


def timed(request):
    step = prepare(request)
    read = request["case"]["kind"] == "latency"
    synchronize()
    start = time.perf_counter()
    for _ in range(request["steps"]):
        output = step()
        if read:
            output.cpu()
    synchronize()
    return {"ms": (time.perf_counter() - start) * 1e3}


def facts():
    found = {"version": torch.__version__, "cudnn": torch.backends.cudnn.version(), "cuda": torch.version.cuda}
    if on_gpu:
        found["device"] = torch.cuda.get_device_name()
        query = ["nvidia-smi", "--query-gpu=name,driver_version,clocks.max.sm", "--format=csv,noheader"]
        try:
            found["nvidia-smi"] = subprocess.run(query, capture_output=True, text=True, timeout=20).stdout.strip()
        except (OSError, subprocess.TimeoutExpired) as error:
            found["nvidia-smi"] = str(error)
    return found


if on_gpu and not torch.cuda.is_available():
    sys.exit("torch.cuda.is_available() is false")
print(json.dumps(facts()), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    try:
        if request.get("release"):
            release()
            answer = {}
        else:
            answer = timed(request)
    except Exception as error:  # the other cases go on
        release()
        answer = {"error": f"{type(error).__name__}: {error}"[:500]}
    print(json.dumps(answer), flush=True)
