"""Training steps of a classifier of texts, as scripts/bench/jobs/classifier.ts takes them, in two ways.

packed: pack_padded_sequence. masked: every step of the padded batch is computed; the backward direction reads each text
from its own end, and what is behind a text's length is left out by gathering. Both come to the same losses.
"""
import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence

from torch_waves import state_of


class Packed(nn.Module):
    def __init__(self, vocabulary, hidden, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.lstm = nn.LSTM(hidden, hidden, batch_first=True, bidirectional=True)
        self.linear = nn.Linear(2 * hidden, classes)

    def forward(self, texts, lengths):
        packed = pack_padded_sequence(self.embedding(texts), lengths, batch_first=True, enforce_sorted=False)
        _, (h, _) = self.lstm(packed)
        return self.linear(torch.cat([h[0], h[1]], 1))


class Masked(nn.Module):
    def __init__(self, vocabulary, hidden, classes):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.forwards = nn.LSTM(hidden, hidden, batch_first=True)
        self.backwards = nn.LSTM(hidden, hidden, batch_first=True)
        self.linear = nn.Linear(2 * hidden, classes)

    def forward(self, texts, lengths):
        steps = torch.arange(texts.shape[1])
        turned = torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)
        rows, last = torch.arange(len(texts)), lengths - 1
        ends = [self.forwards(self.embedding(texts))[0], self.backwards(self.embedding(texts.gather(1, turned)))[0]]
        return self.linear(torch.cat([end[rows, last] for end in ends], 1))


class Classifier:
    def __init__(self, vocabulary, hidden, classes, batches, way):
        self.model = {"packed": Packed, "masked": Masked}[way](vocabulary, hidden, classes)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.batches = [
            (
                pad_sequence([torch.tensor(text) for text in batch["texts"]], batch_first=True),
                torch.tensor([len(text) for text in batch["texts"]]),
                torch.tensor(batch["labels"]),
            )
            for batch in batches
        ]
        self.taken = 0

    def load(self, tensors):
        """Parameters by the places of stmnet's Sequential: embedding, LSTM, last step, linear."""
        names = {"0": "embedding", "1": "lstm", "3": "linear"}
        state = {}
        for name, values in state_of(tensors).items():
            place, rest = name.split(".", 1)
            part = names[place]
            if part == "lstm" and isinstance(self.model, Masked):
                part = "backwards" if rest.endswith("_reverse") else "forwards"
                rest = rest.removesuffix("_reverse")
            state[f"{part}.{rest}"] = values
        self.model.load_state_dict(state)

    def check(self):
        return [self.step(lambda: 0)[1] for _ in range(3)]

    def run(self, clock):
        return self.step(clock)[0]

    def step(self, clock):
        texts, lengths, labels = self.batches[self.taken % len(self.batches)]
        self.taken += 1
        start = clock()
        loss = nn.functional.cross_entropy(self.model(texts, lengths), labels)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        value = loss.item()
        return clock() - start, value


def make(options):
    return Classifier(**options)
