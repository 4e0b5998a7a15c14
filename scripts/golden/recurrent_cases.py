"""Recurrent layers: outputs, last states, gradients of input, states and weights; read by recurrent-cases.ts."""
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from golden_case import GoldenCase, f32, gradients, round_parameters


def run_with_lengths(rnn, x, hx, lengths, batch_first, steps):
    """Packed run; a row of length zero, which PyTorch refuses, gives zeros and keeps its initial state."""
    rows = torch.tensor([row for row, length in enumerate(lengths) if length > 0])
    axis = 0 if batch_first else 1
    several = isinstance(hx, tuple)
    pick = lambda state: state.index_select(1, rows)
    some = hx if hx is None else tuple(map(pick, hx)) if several else pick(hx)
    counts = torch.tensor([length for length in lengths if length > 0])
    packed = pack_padded_sequence(x.index_select(axis, rows), counts, batch_first=batch_first, enforce_sorted=False)
    y, state = rnn(packed, some)
    y, _ = pad_packed_sequence(y, batch_first=batch_first, total_length=steps)
    whole = list(y.shape)
    whole[axis] = len(lengths)
    y = torch.zeros(whole).index_copy(axis, rows, y)

    def back(last, initial):
        base = torch.zeros(last.shape[0], len(lengths), last.shape[2]) if initial is None else initial
        return base.index_copy(1, rows, last)

    if isinstance(state, tuple):
        return y, tuple(back(last, initial) for last, initial in zip(state, hx or (None, None)))
    return y, back(state, hx)


MODES = {"lstm": "LSTM", "gru": "GRU", "rnn_tanh": "RNN", "rnn_relu": "RNN"}


def recurrent(run, name, mode, T, B, D, H, L, bidirectional=False, bias=True, lengths=None, proj=0, initial=True,
              batch_first=False):
    """`lengths` may be a function that draws them."""
    config = dict(mode=mode, T=T, B=B, inputSize=D, hiddenSize=H, numLayers=L, bidirectional=bidirectional, bias=bias,
                  projSize=proj, initialState=initial, batchFirst=batch_first)
    case = GoldenCase(run, "rnn", name, config, *([run_with_lengths] if lengths else []))
    names = case.names
    names |= dict(pack_padded_sequence=pack_padded_sequence, pad_packed_sequence=pad_packed_sequence)
    names["lengths"] = lengths = lengths() if callable(lengths) else lengths

    options = dict(num_layers=L, bidirectional=bidirectional, bias=bias, batch_first=batch_first)
    if proj:
        options["proj_size"] = proj
    if mode.startswith("rnn_"):
        options["nonlinearity"] = mode[4:]
    text = ", ".join(f"{key}={value!r}" for key, value in options.items())
    case.run(f"rnn = torch.nn.{MODES[mode]}({D}, {H}, {text})")
    round_parameters(names["rnn"])

    K = 2 if bidirectional else 1
    names["input"] = f32(B, T, D) if batch_first else f32(T, B, D)
    states = {"h0": f32(L * K, B, proj or H, scale=0.5)} if initial else {}
    if initial and mode == "lstm":
        states["c0"] = f32(L * K, B, H, scale=0.5)
    names |= states
    weights = dict(names["rnn"].named_parameters())
    leaves = {"input": names["input"], **states, **weights}
    for leaf in leaves.values():
        leaf.requires_grad_(True)

    state = {0: "None", 1: "h0", 2: "(h0, c0)"}[len(states)]
    last = "(hn, cn)" if mode == "lstm" else "hn"
    call = f"run_with_lengths(rnn, input, {state}, lengths, {batch_first}, {T})" if lengths else f"rnn(input, {state})"
    case.run(f"output, {last} = {call}")
    results = case.backward("output", "hn", *(["cn"] if mode == "lstm" else []))
    counted = {"lengths": torch.tensor(lengths)} if lengths else {}
    case.save({**leaves, **results, **gradients(leaves), **counted}, dict(lengths=lengths))


def first_cases(run):
    T, B, D, H = 6, 4, 5, 7
    for mode in MODES:
        def case(name, *sizes, **options):
            recurrent(run, f"{mode}-{name}", mode, *sizes, **options)

        case("plain", T, B, D, H, 1)
        case("zero-state", T, B, D, H, 1, initial=False)
        case("no-bias", T, B, D, H, 1, bias=False)
        case("two-layers", T, B, D, H, 2)
        case("bidirectional", T, B, D, H, 1, bidirectional=True)
        case("three-layers-bidirectional", T, B, D, H, 3, bidirectional=True)
        case("batch-first", T, B, D, H, 2, batch_first=True)
        case("lengths", T, B, D, H, 1, lengths=[3, 6, 1, 4])
        case("lengths-bidirectional", T, B, D, H, 2, bidirectional=True, lengths=[6, 2, 5, 1])
        case("lengths-batch-first", T, B, D, H, 2, bidirectional=True, lengths=[2, 2, 6, 3], batch_first=True,
             initial=False)
        case("one-step", 1, 1, D, H, 1)
        case("odd-sizes", 11, 3, 17, 33, 2, bidirectional=True, lengths=[11, 7, 9])
        case("wide", 3, 2, 96, 160, 1)
        case("zero-lengths", T, 6, D, H, 2, bidirectional=True, lengths=[0, 6, 3, 0, 1, 6])
        case("all-but-one-zero-length", T, 4, D, H, 1, lengths=[0, 0, 5, 0], batch_first=True, initial=False)
        case("shorter-than-padding", T, 3, D, H, 1, lengths=[2, 4, 1])
        for rows in (5, 9, 33):
            drawn = lambda: torch.randint(1, 8, (rows,)).tolist()
            case(f"rows-{rows}", 7, rows, 17, 33, 1, bidirectional=rows == 33, lengths=drawn)
        case("rows-10-width-129", 4, 10, 31, 129, 1)
        case("width-16", 5, 12, 16, 16, 2)
    recurrent(run, "lstm-projection", "lstm", 6, 4, 5, 9, 1, proj=3)
    recurrent(run, "lstm-projection-two-layers-bidirectional", "lstm", 6, 4, 5, 9, 2, proj=4, bidirectional=True)
    recurrent(run, "lstm-projection-lengths", "lstm", 6, 4, 5, 9, 2, proj=4, bidirectional=True, lengths=[6, 1, 3, 5])
    recurrent(run, "lstm-projection-zero-lengths", "lstm", 6, 5, 5, 9, 2, proj=4, bidirectional=True,
              lengths=[0, 1, 6, 0, 4])
    recurrent(run, "lstm-projection-rows-33", "lstm", 5, 33, 20, 40, 1, proj=24)


def new_cases(run):
    """A case more: recurrent(run, NAME, "gru", T, B, D, H, L)."""
