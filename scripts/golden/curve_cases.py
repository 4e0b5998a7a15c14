"""Whole training runs: the loss before each of twenty steps, and the weights after them; read by curve-cases.ts."""
import torch
from torch.nn.utils.rnn import pack_padded_sequence

from golden_case import GoldenCase, f32, round_parameters
from recurrent_cases import MODES

STEP = """\
packed = pack_padded_sequence(input, lengths, batch_first=True, enforce_sorted=False)
state = rnn(packed)[1]
loss = F.cross_entropy(linear((state[0] if isinstance(state, tuple) else state)[-1]), target)
optimizer.zero_grad()
loss.backward()
optimizer.step()"""


def curve(run, mode, steps=20):
    """A recurrent layer, its last state, a linear layer, cross entropy, Adam."""
    N, T, D, H, C = 12, 8, 6, 20, 4
    config = dict(curve=True, mode=mode, inputSize=D, hiddenSize=H, classes=C, batchFirst=True, optimizer="adam",
                  learningRate=0.01, steps=steps, tolerance=1e-4)
    case = GoldenCase(run, "curve", f"curve-{mode}", config)
    names = case.names
    names["pack_padded_sequence"] = pack_padded_sequence
    case.run(f"rnn = torch.nn.{MODES[mode]}({D}, {H}, batch_first=True)")
    case.run(f"linear = torch.nn.Linear({H}, {C})")
    rnn, linear = names["rnn"], names["linear"]
    round_parameters(rnn)
    round_parameters(linear)
    inputs = {"input": f32(N, T, D), "lengths": torch.randint(1, T + 1, (N,)), "target": torch.randint(0, C, (N,))}
    names |= inputs

    parameters = {f"rnn.{name}": p for name, p in rnn.named_parameters()}
    parameters |= {f"linear.{name}": p for name, p in linear.named_parameters()}
    initial = {f"initial.{name}": p.clone() for name, p in parameters.items()}
    case.run("optimizer = torch.optim.Adam([*rnn.parameters(), *linear.parameters()], lr=0.01)")
    losses = []
    for _ in range(steps):
        exec(STEP, names)
        losses.append(names["loss"].detach())
    case.lines += [f"for _ in range({steps}):", *(f"    {line}" for line in STEP.splitlines())]
    final = {f"final.{name}": p for name, p in parameters.items()}
    case.save({**inputs, **initial, "losses": torch.stack(losses), **final})


def first_cases(run):
    for mode in ("lstm", "gru", "rnn_tanh"):
        curve(run, mode)
