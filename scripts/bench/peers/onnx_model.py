"""Writes an ONNX model of a stack of LSTM or GRU layers from weights with PyTorch's names.

    python3 onnx_model.py WEIGHTS.safetensors MODEL.onnx T N [--states]

The model takes x [T, N, D] and gives y [T, N, K * H]. With --states (an LSTM in one direction) it takes the states h0,
c0, h1, c1, ... [1, N, H] and gives those after it, hn0, cn0, ...; else it begins with zeros. Gates are i, f, g, o in
the weights of an LSTM and i, o, f, c in ONNX; r, z, n in those of a GRU and z, r, h in ONNX.
"""
import sys

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from safetensors_file import read_safetensors

ORDER = {4: ("LSTM", [0, 3, 1, 2]), 3: ("GRU", [1, 0, 2])}


def build(weights, steps, rows, states):
    layers = sum(name.startswith("weight_hh_l") and not name.endswith("_reverse") for name in weights)
    gates = weights["weight_hh_l0"].shape[0] // weights["weight_hh_l0"].shape[1]
    kind, order = ORDER[gates]
    hidden = weights["weight_hh_l0"].shape[1]
    ends = ["", "_reverse"] if "weight_hh_l0_reverse" in weights else [""]
    reordered = lambda name: np.concatenate([np.split(weights[name], gates)[gate] for gate in order])
    nodes, constants = [], [numpy_helper.from_array(np.array([steps, rows, len(ends) * hidden]), "shape")]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [steps, rows, weights["weight_ih_l0"].shape[1]])]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, [steps, rows, len(ends) * hidden])]
    x = "x"
    for layer in range(layers):
        parts = {
            "W": np.stack([reordered(f"weight_ih_l{layer}{end}") for end in ends]),
            "R": np.stack([reordered(f"weight_hh_l{layer}{end}") for end in ends]),
            "B": np.stack(
                [np.concatenate([reordered(f"bias_{side}_l{layer}{end}") for side in ("ih", "hh")]) for end in ends]
            ),
        }
        constants += [numpy_helper.from_array(part, f"{name}{layer}") for name, part in parts.items()]
        attributes = {"hidden_size": hidden, "direction": "bidirectional" if len(ends) == 2 else "forward"}
        if kind == "GRU":
            attributes["linear_before_reset"] = 1
        before, after = ([f"h{layer}", f"c{layer}"], [f"hn{layer}", f"cn{layer}"]) if states else ([], [])
        names = [f"{name}{layer}" for name in parts]
        nodes.append(helper.make_node(kind, [x, *names, "", *before], [f"Y{layer}", *after], **attributes))
        y = "y" if layer == layers - 1 else f"y{layer}"
        if len(ends) == 2:  # [T, K, N, H] to [T, N, K * H]
            nodes.append(helper.make_node("Transpose", [f"Y{layer}"], [f"turned{layer}"], perm=[0, 2, 1, 3]))
            nodes.append(helper.make_node("Reshape", [f"turned{layer}", "shape"], [y]))
        else:
            nodes.append(helper.make_node("Reshape", [f"Y{layer}", "shape"], [y]))
        x = y
        inputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, rows, hidden]) for name in before]
        outputs += [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, rows, hidden]) for name in after]
    graph = helper.make_graph(nodes, "recurrent", inputs, outputs, constants)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)


if __name__ == "__main__":
    source, target, steps, rows, *rest = sys.argv[1:]
    onnx.save(build(read_safetensors(source), int(steps), int(rows), rest == ["--states"]), target)
