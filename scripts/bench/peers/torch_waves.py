"""The same numbers as scripts/bench/jobs/waves.ts gives, and the same samples of them."""
import numpy as np
import torch


def wave(shape, step):
    return torch.from_numpy(np.sin(step * np.arange(np.prod(shape))).astype(np.float32)).reshape(shape)


def samples(values, most=97):
    flat = values.detach().flatten()
    stride = max(1, flat.numel() // most)
    return flat[::stride][:most].tolist()


def state_of(tensors):
    return {name: torch.from_numpy(values) for name, values in tensors.items()}
