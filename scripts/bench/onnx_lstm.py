"""Writes an ONNX model of one step of a stacked LSTM, for a batch of one, from weights with PyTorch's names.

    python3 onnx_lstm.py WEIGHTS.safetensors MODEL.onnx

The model takes x [1, 1, D] and h0, c0, h1, c1, ... [1, 1, H], and gives y [1, 1, H] and the states after the step, hn0,
cn0, ... Gates are i, f, g, o in the weights and i, o, f, c in ONNX.
"""
import json
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper


def read_safetensors(path):
    with open(path, "rb") as file:
        size = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    tensors = {}
    for name, entry in header.items():
        start, end = entry["data_offsets"]
        tensors[name] = np.frombuffer(data[start:end], np.float32).reshape(entry["shape"])
    return tensors


def reordered(rows):
    i, f, g, o = np.split(rows, 4)
    return np.concatenate([i, o, f, g])


def build(weights):
    layers = sum(name.startswith("weight_hh_l") for name in weights)
    hidden = weights["weight_hh_l0"].shape[1]
    shape = [1, 1, hidden]
    nodes, constants = [], [numpy_helper.from_array(np.array([1]), "axis")]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, weights["weight_ih_l0"].shape[1]])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)]
    x = "x"
    for layer in range(layers):
        kinds = {"W": "weight_ih", "R": "weight_hh", "B": None}
        parts = {kind: reordered(weights[f"{name}_l{layer}"]) for kind, name in kinds.items() if name}
        parts["B"] = np.concatenate([reordered(weights[f"bias_{kind}_l{layer}"]) for kind in ("ih", "hh")])
        constants += [numpy_helper.from_array(part[None].copy(), f"{kind}{layer}") for kind, part in parts.items()]
        names = [f"{kind}{layer}" for kind in ("W", "R", "B")]
        states, after = [f"h{layer}", f"c{layer}"], [f"hn{layer}", f"cn{layer}"]
        nodes.append(helper.make_node("LSTM", [x, *names, "", *states], [f"Y{layer}", *after], hidden_size=hidden))
        x = "y" if layer == layers - 1 else f"y{layer}"
        nodes.append(helper.make_node("Squeeze", [f"Y{layer}", "axis"], [x]))
        inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in states]
        outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in after]
    graph = helper.make_graph(nodes, "lstm", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


onnx.save(build(read_safetensors(sys.argv[1])), sys.argv[2])
