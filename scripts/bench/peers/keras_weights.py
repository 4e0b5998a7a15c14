"""Weights and gradients of recurrent layers between the layout of PyTorch's state dict and that of Keras.

Keras multiplies from the left, [D, G·H] in place of [G·H, D]. Its gates of an LSTM are in the same order, with one bias
in place of two; those of a GRU are z, r, n in place of r, z, n, with both biases in one array [2, 3·H].
"""
import numpy as np

parts = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


def swap_gates(values):
    """r, z, n along the first axis to z, r, n, and back."""
    first, second, third = np.split(np.asarray(values), 3)
    return np.concatenate([second, first, third])


def to_keras(tensors, cell, end):
    """Kernel, recurrent kernel and bias of what ends in `end`, such as `_l0_reverse`."""
    values = [tensors[part + end] for part in parts]
    if cell == "gru":
        values = [swap_gates(value) for value in values]
    kernel, recurrent, first, second = values
    return [kernel.T, recurrent.T, first + second if cell == "lstm" else np.stack([first, second])]


def from_keras(cell, kernel, recurrent, bias):
    """Gradients of weight_ih, weight_hh, bias_ih and bias_hh from those of Keras's three."""
    biases = [bias, bias] if cell == "lstm" else list(bias)
    values = [np.asarray(value) for value in (kernel.T, recurrent.T, *biases)]
    return values if cell == "lstm" else [swap_gates(value) for value in values]
