"""One golden case: what is drawn for it, the code that computes it, and the safetensors file that it becomes."""
import contextlib
import inspect
import json
import pathlib
import struct
import sys
import zlib

import torch

FOLDER = pathlib.Path(__file__).parents[2] / "test" / "golden"
FIRST_CASES = 160
"""As many cases draw from one stream of random numbers, one after the other; all later ones have a stream each."""


class Run:
    """What this run of the script writes: the wanted cases, or all; or, with `check`, what it compares."""

    def __init__(self, wanted, check):
        self.wanted, self.check = set(wanted), check
        self.seen, self.different, self.one_stream = [], [], False

    @contextlib.contextmanager
    def first_cases(self):
        """Cases in this block go on drawing where the one before has stopped, so that their order is part of them."""
        torch.manual_seed(1)
        self.one_stream = True
        yield
        self.one_stream = False
        if len(self.seen) != FIRST_CASES:
            sys.exit(
                f"make-golden: got {len(self.seen)} cases of one stream, expected {FIRST_CASES}.\n"
                "  Fix: put a new case into the function new_cases of its file; it has a stream of its own there."
            )

    def finish(self):
        unknown = self.wanted - set(self.seen)
        if unknown:
            sys.exit(
                f"make-golden: got {', '.join(sorted(unknown))}, expected names of cases, such as {self.seen[0]}.\n"
                "  Fix: name files of test/golden without .safetensors, or cases that are new in scripts/golden/*.py."
            )
        if self.different:
            sys.exit("\n".join(self.different))
        count = len(self.wanted or self.seen)
        print(f"{count} cases {'are as' if self.check else 'written'} by PyTorch {torch.__version__}")


class GoldenCase:
    """
    A case that is being computed: `run` executes lines of Python and keeps them, as the snippet of the file.

    `helpers` are functions and classes that the lines need; the snippet begins with them. Whatever a case draws is
    drawn when this object is there, since a new case begins with a seed of its own.
    """

    def __init__(self, run, group, name, config, *helpers):
        self.of, self.group, self.name, self.config = run, group, name, config
        self.names = {"torch": torch, "F": torch.nn.functional, **{one.__name__: one for one in helpers}}
        self.lines = [inspect.getsource(one).rstrip() for one in helpers]
        run.seen.append(name)
        if not run.one_stream:
            torch.manual_seed(zlib.crc32(name.encode()))

    def run(self, code):
        exec(code, self.names)
        self.lines.append(code)

    def backward(self, *results):
        """Draws an upstream gradient for each result and goes back from the sum of upstream · result."""
        values = {name: self.names[name] for name in results}
        self.names["upstream"] = upstream = {
            name: f32(*value.shape) if value.dim() else torch.ones(()) for name, value in values.items()
        }
        self.run("(" + " + ".join(f'({name} * upstream["{name}"]).sum()' for name in results) + ").backward()")
        return {**values, **{f"upstream.{name}": value for name, value in upstream.items()}}

    def save(self, tensors, config=()):
        """Writes the case with these tensors, rounded to f32 but for whole numbers and flags."""
        metadata = {
            "config": json.dumps({**self.config, **dict(config)}, sort_keys=True),
            "pytorch": torch.__version__,
            "snippet": "\n".join(self.lines),
        }
        path = FOLDER / self.group / f"{self.name}.safetensors"
        content = safetensors({name: stored(value) for name, value in tensors.items()}, metadata)
        if self.of.wanted and self.name not in self.of.wanted:
            return
        if not self.of.check:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        elif not path.exists() or path.read_bytes() != content:
            self.of.different.append(f"{self.group}/{self.name}: the file in the tree is another one")


def f32(*shape, scale=1.0):
    """Normal numbers that are exact in f32, held in f64."""
    return (torch.randn(*shape) * scale).float().double()


def drawn(tensors):
    """Tensors by name, those drawn that are given as functions: a new case draws with its own seed, so not before."""
    return {name: value() if callable(value) else value for name, value in tensors.items()}


def round_parameters(module):
    """Makes the parameters exact in f32."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.copy_(parameter.float().double())


def gradients(leaves):
    """Entries `grad.NAME` of the leaves that have a gradient."""
    return {f"grad.{name}": leaf.grad for name, leaf in leaves.items() if leaf.is_leaf and leaf.grad is not None}


def stored(value):
    value = value.detach().contiguous()
    return value if value.dtype in (torch.int64, torch.bool) else value.float()


def safetensors(tensors, metadata):
    """A file's bytes, always the same ones: the package safetensors writes metadata in any order."""
    kinds = {torch.int64: "I64", torch.float32: "F32", torch.bool: "BOOL"}
    order = sorted(tensors, key=lambda name: (-tensors[name].element_size(), name))
    header, data = {"__metadata__": metadata}, b""
    for name in order:
        start, data = len(data), data + tensors[name].numpy().tobytes()
        shape = list(tensors[name].shape)
        header[name] = {"dtype": kinds[tensors[name].dtype], "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + data
