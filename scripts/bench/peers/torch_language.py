"""Training steps of a language model, as scripts/bench/jobs/language.ts takes them."""
import torch
from torch import nn

from torch_waves import state_of


class LanguageModel(nn.Module):
    def __init__(self, hidden, layers, vocabulary):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, hidden)
        self.lstm = nn.LSTM(hidden, hidden, layers, batch_first=True)
        self.decoder = nn.Linear(hidden, vocabulary)

    def forward(self, words, state):
        output, after = self.lstm(self.embedding(words), state)
        return self.decoder(output), after


class Language:
    def __init__(self, steps, hidden, layers, vocabulary, text):
        self.model = LanguageModel(hidden, layers, vocabulary)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=1)
        words = torch.tensor(text)
        starts = range(0, words.shape[1] - steps, steps)
        self.pieces = [(words[:, i : i + steps], words[:, i + 1 : i + steps + 1].flatten()) for i in starts]
        self.state = tuple(torch.zeros(layers, len(text), hidden) for _ in range(2))
        self.taken = 0

    def load(self, tensors):
        self.model.load_state_dict(state_of(tensors))

    def check(self):
        return [self.step(lambda: 0)[1] for _ in range(4)]

    def run(self, clock):
        return self.step(clock)[0]

    def step(self, clock):
        words, following = self.pieces[self.taken % len(self.pieces)]
        self.taken += 1
        start = clock()
        logits, after = self.model(words, self.state)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), following)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), 5)
        self.optimizer.step()
        self.state = tuple(part.detach() for part in after)
        value = loss.item()
        return clock() - start, value


def make(options):
    return Language(**options)
