"""A training of a Seq2Seq, as scripts/bench/jobs/seq2seq.ts has it: forward, loss, backward, clipping, and Adam."""
import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

from torch_waves import state_of

END = 0
PASSED_OVER = -100  # what cross_entropy does not count


class Seq2Seq(nn.Module):
    """The model of src/tasks/seq2seq-network.ts, with the same names."""

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


class Training:
    def __init__(self, sizes, pairs):
        self.model = Seq2Seq(sizes)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.batches = [batch_of(pair) for pair in pairs]
        self.dropout = sizes["dropout"] if sizes["numLayers"] > 1 else 0.0
        self.taken = 0

    def load(self, tensors):
        self.model.load_state_dict(state_of(tensors))

    def check(self):
        """Losses of three steps without dropout."""
        parts = [self.model.before, self.model.behind]
        for part in parts:
            part.eval()
        self.model.encoder.dropout = self.model.decoder.dropout = 0.0
        losses = [self.take_step(lambda: 0)[1] for _ in range(3)]
        for part in parts:
            part.train()
        self.model.encoder.dropout = self.model.decoder.dropout = self.dropout
        return losses

    def run(self, clock):
        return self.take_step(clock)[0]

    def take_step(self, clock):
        source, lengths, previous, target = self.batches[self.taken % len(self.batches)]
        self.taken += 1
        start = clock()
        loss = functional.cross_entropy(self.model(source, lengths, previous).flatten(0, 1), target.flatten())
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 1)
        self.optimizer.step()
        value = loss.item()
        return clock() - start, value


def make(options):
    return Training(**options)
