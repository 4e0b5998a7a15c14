"""PyTorch's side of `npm run bench -- seq2seq-step`: reads a request a line from stdin, prints an answer a line.

The first line has the sizes and the batches: {"sizes": ..., "pairs": [{"sources", "targets"}, ...]}. Then:

{"kind": "train" | "check", "steps": n}  ->  [{"ms", "loss"} of each step], with dropout or without
{"kind": "weights", "file": path}        ->  {}, the parameters read from a file that stmnet has written

A step is forward, loss, backward, clipping by the norm, and Adam. The first line printed is {"version", "threads"}.
Argument: the number of threads.
"""
import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

END = 0
PASSED_OVER = -100  # what cross_entropy does not count


class Seq2Seq(nn.Module):
    """The model of scripts/bench/seq2seq-worker.ts, with the same names."""

    def __init__(self, sizes):
        super().__init__()
        tokens, width, hidden, layers = (sizes[name] for name in ("tokens", "embeddingDim", "hiddenSize", "numLayers"))
        between = sizes["dropout"] if layers > 1 else 0
        self.source, self.target = nn.Embedding(tokens, width), nn.Embedding(tokens, width)
        each = (hidden + 1) // 2
        options = {"num_layers": layers, "dropout": between, "batch_first": True}
        self.encoder = nn.LSTM(width, each, bidirectional=True, **options)
        self.decoder = nn.LSTM(width, hidden, **options)
        self.attention = {"additive": Additive, "multiplicative": Multiplicative}[sizes["attention"]](hidden, 2 * each)
        self.combine = nn.Linear(hidden + 2 * each, hidden)
        self.head = nn.Linear(hidden, tokens)
        self.before, self.behind = nn.Dropout(sizes["dropout"] / 2), nn.Dropout(sizes["dropout"])

    def forward(self, source, lengths, previous):
        vectors = self.before(self.source(source))
        packed, (h, c) = self.encoder(pack_padded_sequence(vectors, lengths, batch_first=True, enforce_sorted=False))
        memory = self.behind(pad_packed_sequence(packed, batch_first=True)[0])
        output, _ = self.decoder(self.before(self.target(previous)), (side_by_side(h), side_by_side(c)))
        padding = torch.arange(source.shape[1]) >= lengths[:, None]
        weights = self.attention(output, memory).masked_fill(padding[:, None], float("-inf")).softmax(-1)
        seen = torch.tanh(self.combine(torch.cat([output, weights @ memory], -1)))
        return self.head(self.behind(seen))


class Additive(nn.Module):
    def __init__(self, hidden, keys):
        super().__init__()
        self.query_weight = nn.Parameter(torch.empty(hidden, hidden))
        self.key_weight = nn.Parameter(torch.empty(hidden, keys))
        self.score_weight = nn.Parameter(torch.empty(hidden))

    def forward(self, query, key):
        queries, keys = functional.linear(query, self.query_weight), functional.linear(key, self.key_weight)
        return torch.tanh(queries[:, :, None] + keys[:, None]) @ self.score_weight


class Multiplicative(nn.Module):
    def __init__(self, hidden, keys):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(hidden, keys))

    def forward(self, query, key):
        return query @ functional.linear(key, self.weight).transpose(1, 2)


def side_by_side(states):
    """Both directions of each layer as one state: [L * 2, N, H / 2] to [L, N, H]."""
    both, rows, width = states.shape
    return states.reshape(both // 2, 2, rows, width).transpose(1, 2).reshape(both // 2, rows, 2 * width)


def batch_of(pair):
    source = [torch.tensor(tokens) for tokens in pair["sources"]]
    previous = [torch.tensor([END, *tokens]) for tokens in pair["targets"]]
    target = [torch.tensor([*tokens, END]) for tokens in pair["targets"]]
    return (
        pad_sequence(source, batch_first=True),
        torch.tensor([len(tokens) for tokens in source]),
        pad_sequence(previous, batch_first=True),
        pad_sequence(target, batch_first=True, padding_value=PASSED_OVER),
    )


def read_safetensors(path):
    with open(path, "rb") as file:
        header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    offsets = {name: entry["data_offsets"] for name, entry in header.items()}
    return {
        name: torch.frombuffer(data, dtype=torch.float32, count=(end - start) // 4, offset=start).reshape(
            header[name]["shape"]
        )
        for name, (start, end) in offsets.items()
    }


def take_step(model, optimizer, batch):
    source, lengths, previous, target = batch
    start = time.perf_counter()
    loss = functional.cross_entropy(model(source, lengths, previous).flatten(0, 1), target.flatten())
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1)
    optimizer.step()
    value = loss.item()
    return {"ms": (time.perf_counter() - start) * 1e3, "loss": value}


def main():
    torch.set_num_threads(int(sys.argv[1]))
    torch.manual_seed(1)
    print(json.dumps({"version": torch.__version__, "threads": torch.get_num_threads()}), flush=True)
    first = json.loads(sys.stdin.readline())
    model = Seq2Seq(first["sizes"])
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    batches = [batch_of(pair) for pair in first["pairs"]]
    print("{}", flush=True)
    taken = 0
    for line in sys.stdin:
        request = json.loads(line)
        if request["kind"] == "weights":
            model.load_state_dict(read_safetensors(request["file"]))
            print("{}", flush=True)
            continue
        model.train()
        if request["kind"] == "check":
            for part in (model.before, model.behind):
                part.eval()
            model.encoder.dropout = model.decoder.dropout = 0.0
        answers = []
        for _ in range(request["steps"]):
            answers.append(take_step(model, optimizer, batches[taken % len(batches)]))
            taken += 1
        model.encoder.dropout = model.decoder.dropout = first["sizes"]["dropout"]
        print(json.dumps(answers), flush=True)


main()
