"""Layers: the result, the gradients of inputs and parameters, and buffers before and after; read by layer-cases.ts."""
import torch

from golden_case import GoldenCase, drawn, f32, gradients, round_parameters

F = torch.nn.functional


def layer(run, name, config, code, inputs, *helpers, **given):
    """
    A layer of `inputs`, a function that draws them. `helpers` are what `code` needs of this file; `given` are
    tensors that the file holds beside them: `lengths` of padded rows.

    `config` has stmnet's class, its first letter small, and its options; beside them `training`, and `layout` "N C L"
    where the features are not last.
    """
    case = GoldenCase(run, "layer", name, config, *helpers)
    given = drawn(given)
    case.names |= {"f32": f32, **given}
    case.run(f"layer = {code}")
    module = case.names["layer"]
    round_parameters(module)
    operands = inputs()
    case.names |= operands
    for leaf in operands.values():
        if leaf.is_floating_point():
            leaf.requires_grad_(True)

    before = {f"before.{inner(key)}": value.clone() for key, value in module.named_buffers()}
    case.run(f"result = layer({', '.join(operands)})")
    results = case.backward("result")
    after = {f"after.{inner(key)}": value for key, value in module.named_buffers()}
    parameters = {inner(key): value for key, value in module.named_parameters()}
    leaves = {**operands, **parameters}
    case.save({**leaves, **results, **before, **after, **given, **gradients(leaves)})


def inner(name):
    """A name as it is in the layer that OverRealSteps holds."""
    return name.removeprefix("function.")


class ScaledDotProduct(torch.nn.Module):
    def forward(self, query, key, value, mask=None):
        return F.scaled_dot_product_attention(query, key, value, attn_mask=mask)


class AdditiveAttention(torch.nn.Module):
    """softmax(v · tanh(W_q q + W_k k)) over the keys, times the values (Bahdanau et al., 2015)."""

    def __init__(self, query_size, key_size, hidden_size):
        super().__init__()
        self.query_weight = torch.nn.Parameter(f32(hidden_size, query_size, scale=0.5))
        self.key_weight = torch.nn.Parameter(f32(hidden_size, key_size, scale=0.5))
        self.score_weight = torch.nn.Parameter(f32(hidden_size, scale=0.5))

    def forward(self, query, key, value, mask):
        hidden = torch.tanh((query @ self.query_weight.T)[:, :, None] + (key @ self.key_weight.T)[:, None])
        return (hidden @ self.score_weight).masked_fill(~mask, -torch.inf).softmax(-1) @ value


class MultiplicativeAttention(torch.nn.Module):
    """softmax(q W k) over the keys, times the values (Luong et al., 2015, 'general')."""

    def __init__(self, query_size, key_size):
        super().__init__()
        self.weight = torch.nn.Parameter(f32(query_size, key_size, scale=0.5))

    def forward(self, query, key, value, mask):
        return (query @ self.weight @ key.transpose(1, 2)).masked_fill(~mask, -torch.inf).softmax(-1) @ value


class OverRealSteps(torch.nn.Module):
    """Applies a function to the real steps [sum(lengths), D] of a padded batch [N, T, D]; padding gives zeros."""

    def __init__(self, function, lengths):
        super().__init__()
        self.function, self.lengths = function, lengths

    def forward(self, input):
        real = torch.arange(input.shape[1])[None, :] < self.lengths[:, None]
        result = self.function(input[real])
        return torch.zeros_like(input).masked_scatter(real[:, :, None].expand_as(input), result)


class Pool(torch.nn.Module):
    """Takes [N, T, D] to [N, D] over the real steps; a row without any gives zeros."""

    def __init__(self, kind, lengths):
        super().__init__()
        self.kind, self.lengths = kind, lengths

    def forward(self, input):
        return torch.stack([self.pooled(row, n) for row, n in zip(input, self.lengths.tolist())])

    def pooled(self, row, n):
        if n == 0:
            return row.sum(0) * 0
        if self.kind == "lastStep":
            return row[n - 1]
        if self.kind == "lastStepBidirectional":
            half = row.shape[-1] // 2
            return torch.cat([row[n - 1, :half], row[0, half:]])
        return row[:n].mean(0) if self.kind == "mean" else row[:n].max(0).values


def evaluated_batch_norm():
    norm = torch.nn.BatchNorm1d(6).eval()
    norm.running_mean.copy_(f32(6))
    norm.running_var.copy_(f32(6).abs() + 0.2)
    return norm


def first_cases(run):
    layer(run, "linear", dict(layer="linear", inFeatures=5, outFeatures=3),
          "torch.nn.Linear(5, 3)", lambda: dict(input=f32(2, 4, 5)))
    layer(run, "linear-no-bias", dict(layer="linear", inFeatures=5, outFeatures=3, bias=False),
          "torch.nn.Linear(5, 3, bias=False)", lambda: dict(input=f32(4, 5)))
    embedding = dict(layer="embedding", numEmbeddings=9, embeddingDim=4)
    layer(run, "embedding", embedding,
          "torch.nn.Embedding(9, 4)", lambda: dict(input=torch.randint(0, 9, (3, 5))))
    layer(run, "embedding-padding-idx", dict(embedding, paddingIdx=0),
          "torch.nn.Embedding(9, 4, padding_idx=0)",
          lambda: dict(input=torch.tensor([[0, 1, 2], [8, 0, 0], [3, 3, 3]])))
    layer(run, "layer-norm", dict(layer="layerNorm", normalizedShape=6),
          "torch.nn.LayerNorm(6)", lambda: dict(input=f32(3, 2, 6)))
    batch_norm = dict(layer="batchNorm1d", numFeatures=6, training=True)
    layer(run, "batch-norm-train", batch_norm, "torch.nn.BatchNorm1d(6)", lambda: dict(input=f32(8, 6)))
    layer(run, "batch-norm-sequence-train", dict(batch_norm, layout="N C L"),
          "torch.nn.BatchNorm1d(6)", lambda: dict(input=f32(4, 6, 5)))
    layer(run, "batch-norm-eval", dict(batch_norm, training=False),
          "evaluated_batch_norm()", lambda: dict(input=f32(8, 6)), evaluated_batch_norm)
    layer(run, "conv1d", dict(layer="conv1d", inChannels=4, outChannels=6, kernelSize=3, padding=1, layout="N C L"),
          "torch.nn.Conv1d(4, 6, 3, padding=1)", lambda: dict(input=f32(2, 4, 9)))

    key_mask = torch.tensor([[1, 1, 1, 0, 0], [1, 1, 1, 1, 1]]).bool().unsqueeze(1)
    scaled = lambda: dict(query=f32(2, 3, 4), key=f32(2, 5, 4), value=f32(2, 5, 4))
    wider = lambda: dict(query=f32(2, 3, 4), key=f32(2, 5, 6), value=f32(2, 5, 6), mask=key_mask)
    layer(run, "scaled-dot-product-attention", dict(layer="scaledDotProductAttention"),
          "ScaledDotProduct()", scaled, ScaledDotProduct)
    layer(run, "scaled-dot-product-attention-mask", dict(layer="scaledDotProductAttention", masked=True),
          "ScaledDotProduct()", lambda: dict(scaled(), mask=key_mask), ScaledDotProduct)
    sizes = dict(querySize=4, keySize=6, masked=True)
    layer(run, "additive-attention", dict(layer="additiveAttention", hiddenSize=7, **sizes),
          "AdditiveAttention(4, 6, 7)", wider, AdditiveAttention)
    layer(run, "multiplicative-attention", dict(layer="multiplicativeAttention", **sizes),
          "MultiplicativeAttention(4, 6)", wider, MultiplicativeAttention)

    rows = dict(lengths=torch.tensor([4, 0, 1, 5]))
    layer(run, "batch-norm-lengths-train", dict(batch_norm, layout="N T C"),
          "OverRealSteps(torch.nn.BatchNorm1d(6), lengths)", lambda: dict(input=f32(4, 5, 6)), OverRealSteps, **rows)
    for kind in ("lastStep", "lastStepBidirectional", "mean", "max"):
        layer(run, f"pool-{kind}", dict(layer="pool", kind=kind, layout="N T C"),
              f"Pool({kind!r}, lengths)", lambda: dict(input=f32(4, 5, 6)), Pool, **rows)
    for name, code in (
        ("relu", "ReLU()"), ("sigmoid", "Sigmoid()"), ("tanh", "Tanh()"), ("gelu", "GELU()"), ("silu", "SiLU()"),
        ("softplus", "Softplus()"), ("elu", "ELU()"), ("leaky-relu", "LeakyReLU(0.01)"),
        ("softmax", "Softmax(-1)"), ("log-softmax", "LogSoftmax(-1)"),
    ):
        layer(run, f"activation-{name}", dict(layer="activation", activation=name),
              f"torch.nn.{code}", lambda: dict(input=f32(4, 7, scale=3.0)))


def new_cases(run):
    """A case more: layer(run, NAME, dict(layer="linear", inFeatures=2, outFeatures=3), "torch.nn.Linear(2, 3)", …)."""
