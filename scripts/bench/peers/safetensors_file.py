"""Reads safetensors files of f32 into numpy arrays."""
import json

import numpy as np


def read_safetensors(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        data = bytearray(file.read())
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data, np.float32, (end - start) // 4, start).reshape(entry["shape"])
    return tensors
