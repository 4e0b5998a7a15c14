"""Losses: the value, and the gradient of the input; read by loss-cases.ts."""
import torch

from golden_case import GoldenCase, drawn, f32, gradients


def loss(run, name, config, code, input, **given):
    """
    A loss of `input`, a function that draws it, and of other tensors, which the file holds by their names.

    `config` has the name of stmnet's function, without `Loss` at its end, and its options; tensors among the options,
    such as `weight`, and lengths are taken from `given`, tensors or functions that draw them.
    """
    case = GoldenCase(run, "loss", name, config)
    given = drawn(given)
    case.names |= given
    case.names["input"] = input = input().requires_grad_(True)
    case.run(f"result = {code}")
    results = case.backward("result")
    case.save({"input": input, **given, **results, **gradients({"input": input})})


def first_cases(run):
    classes = torch.randint(0, 6, (5,))
    weight = f32(6).abs() + 0.1
    table, matrix = lambda: f32(5, 6), lambda: f32(5, 3)

    for reduction in ("mean", "sum", "none"):
        loss(run, f"cross-entropy-{reduction}", dict(loss="crossEntropy", reduction=reduction),
             f"F.cross_entropy(input, target, reduction={reduction!r})", table, target=classes)
    cross_entropy = dict(loss="crossEntropy", reduction="mean")
    ignored = classes.clone()
    ignored[1] = -100
    loss(run, "cross-entropy-ignore-index", dict(cross_entropy, ignoreIndex=-100),
         "F.cross_entropy(input, target)", table, target=ignored)
    loss(run, "cross-entropy-label-smoothing", dict(cross_entropy, labelSmoothing=0.1),
         "F.cross_entropy(input, target, label_smoothing=0.1)", table, target=classes)
    loss(run, "cross-entropy-weight", cross_entropy,
         "F.cross_entropy(input, target, weight=weight)", table, target=classes, weight=weight)
    loss(run, "cross-entropy-large-logits", cross_entropy,
         "F.cross_entropy(input, target)", lambda: f32(5, 6, scale=300.0), target=classes)
    tags = torch.randint(0, 6, (4, 5))
    loss(run, "cross-entropy-padded", dict(cross_entropy, layout="N T C"),
         "F.cross_entropy(input[torch.arange(5) < lengths[:, None]], target[torch.arange(5) < lengths[:, None]])",
         lambda: f32(4, 5, 6), target=tags, lengths=torch.tensor([3, 5, 1, 0]))

    binary = (torch.rand(5, 3) > 0.5).double()
    with_logits = dict(loss="binaryCrossEntropyWithLogits", reduction="mean")
    loss(run, "bce-with-logits", with_logits,
         "F.binary_cross_entropy_with_logits(input, target)", matrix, target=binary)
    positive = f32(3).abs() + 0.5
    loss(run, "bce-with-logits-pos-weight", with_logits,
         "F.binary_cross_entropy_with_logits(input, target, pos_weight=posWeight)",
         lambda: f32(5, 3, scale=40.0), target=binary, posWeight=positive)
    loss(run, "bce", dict(loss="binaryCrossEntropy", transform="sigmoid", reduction="mean"),
         "F.binary_cross_entropy(torch.sigmoid(input), target)", matrix, target=binary)

    real = f32(5, 3)
    for name, function in (("mse", "mse"), ("l1", "l1"), ("smoothL1", "smooth_l1"), ("huber", "huber")):
        loss(run, name, dict(loss=name, reduction="mean"), f"F.{function}_loss(input, target)", matrix, target=real)

    labels = torch.randint(1, 6, (4, 5))
    labels[3, 1] = labels[3, 0]  # a repeated label needs a blank between
    lengths = dict(inputLengths=torch.tensor([12, 10, 12, 7]), targetLengths=torch.tensor([5, 3, 1, 4]))
    for name, reduction in (("ctc", "none"), ("ctc-mean", "mean")):
        loss(run, name, dict(loss="ctc", transform="logSoftmax", blank=0, reduction=reduction),
             f"F.ctc_loss(input.log_softmax(-1), target, inputLengths, targetLengths, reduction={reduction!r})",
             lambda: f32(12, 4, 6), target=labels, **lengths)
    probabilities = torch.softmax(f32(5, 6), -1).float().double()
    loss(run, "kl-divergence", dict(loss="klDivergence", transform="logSoftmax", reduction="batchmean"),
         'F.kl_div(input.log_softmax(-1), target, reduction="batchmean")', table, target=probabilities)


def new_cases(run):
    """A case more: loss(run, NAME, dict(loss="mse"), "F.mse_loss(input, target)", lambda: f32(5, 3), target=…)."""
