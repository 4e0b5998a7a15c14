"""The same numbers as scripts/bench/jobs/waves.ts gives, and the same samples of them, in numpy."""
import numpy as np


def wave(shape, step):
    return np.sin(step * np.arange(np.prod(shape))).astype(np.float32).reshape(shape)


def samples(values, most=97):
    flat = np.asarray(values).flatten()
    stride = max(1, flat.size // most)
    return flat[::stride][:most].tolist()
