"""The numbers and samples of waves.py for tensors of PyTorch."""
import torch

import waves


def wave(shape, step):
    return torch.from_numpy(waves.wave(shape, step))


def samples(values, most=97):
    return waves.samples(values.detach().numpy(), most)


def state_of(tensors):
    return {name: torch.from_numpy(values) for name, values in tensors.items()}
