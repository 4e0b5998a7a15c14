"""Prints what the tests of metrics compare with: python3 scripts/metric-references.py FAMILY

Needs scikit-learn 1.9.1, torchmetrics 1.9.0, sacrebleu 2.6.0 and torch 2.13.0, by pip.
"""
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")
ROWS = 40
TRUTH = np.array([(i * i + i // 3) % 4 for i in range(ROWS)])
SCORES = np.array(
    [[(i * 7 + c * 11 + (15 if c == TRUTH[i] and i % 3 else 0)) % 17 / 17 for c in range(5)] for i in range(ROWS)]
)
WEIGHT = np.array([1 + (i % 4) / 2 for i in range(ROWS)])
YES, YES_SCORES = (TRUTH > 1).astype(int), SCORES[:, 1]


def classes():
    import sklearn.metrics as m
    import torch
    import torchmetrics.functional as F

    said, labels = SCORES.argmax(1), range(5)
    answers = (YES_SCORES > 0.5).astype(int)
    for score in (m.precision_score, m.recall_score, m.f1_score):
        for average in ("macro", "micro", "weighted"):
            values = [score(TRUTH, said, average=average, sample_weight=weight) for weight in (None, WEIGHT)]
            print(score.__name__, average, *values)
        print(score.__name__, "each", score(TRUTH, said, average=None, labels=labels).tolist())
        print(score.__name__, "binary", score(YES, answers), score(YES, answers, pos_label=0))
        print(score.__name__, "weighted", score(YES, answers, sample_weight=WEIGHT))
        print(score.__name__, "macro of two", score(YES, answers, average="macro"))
    print("absent", m.f1_score([0, 0, 2], [0, 1, 2], average="macro"), m.f1_score([0, 0], [0, 0], zero_division=1))
    for score in (m.precision_score, m.recall_score, m.f1_score):
        undefined = [
            score([0, 0, 1, 2, 2, 4], [0, 0, 3, 1, 2, 2], average=average, zero_division=np.nan)
            for average in ("macro", "weighted")
        ]
        print(score.__name__, "undefined", *undefined)
    for weight in (None, WEIGHT):
        print("accuracy", m.accuracy_score(TRUTH, said, sample_weight=weight))
        print("balanced", m.balanced_accuracy_score(TRUTH, said, sample_weight=weight))
        print("top 2", m.top_k_accuracy_score(TRUTH, SCORES, k=2, labels=labels, sample_weight=weight))
    scores, truth = torch.tensor(SCORES), torch.tensor(TRUTH)
    for k in (1, 2, 3):
        options = {"task": "multiclass", "num_classes": 5, "average": "micro"}
        print("top", k, F.accuracy(scores, truth, top_k=k, **options).item())
    for normalize in (None, "true", "pred", "all"):
        print(normalize, m.confusion_matrix(TRUTH, said, labels=labels, normalize=normalize).tolist())
    print(m.classification_report(TRUTH, said, labels=labels, digits=4))


CHANCES = SCORES / SCORES.sum(1, keepdims=True)
LABELS = np.where(np.arange(ROWS) % 11 == 5, 4, TRUTH)


def probabilities():
    import sklearn.metrics as m
    import torch
    from torchmetrics.functional.text import perplexity

    for weight in (None, WEIGHT):
        for score in (m.log_loss, m.brier_score_loss):
            values = [score(LABELS, CHANCES, sample_weight=weight), score(YES, YES_SCORES, sample_weight=weight)]
            print(score.__name__, *values)
    print("bounds", m.log_loss([1, 0], [0.0, 0.0], labels=[0, 1]))
    print("two columns", m.brier_score_loss(YES, np.stack([1 - YES_SCORES, YES_SCORES], 1)))
    logits, tokens = torch.tensor(SCORES * 4)[None], torch.tensor(LABELS)[None]
    print("perplexity", perplexity(logits, tokens).item(), perplexity(logits, tokens, ignore_index=3).item())


def ranking():
    import sklearn.metrics as m

    each = np.eye(5)[LABELS]
    for weight in (None, WEIGHT):
        for score in (m.roc_auc_score, m.average_precision_score):
            print(score.__name__, score(YES, YES_SCORES, sample_weight=weight))
        for average in ("macro", "weighted"):
            options = {"average": average, "sample_weight": weight}
            print("roc_auc_score", average, m.roc_auc_score(LABELS, CHANCES, multi_class="ovr", **options))
            print("average_precision_score", average, m.average_precision_score(each, CHANCES, **options))
    print("each", [m.roc_auc_score(each[:, c], CHANCES[:, c]) for c in range(5)])
    for truth in ([1, 1], [0, 0]):
        print(truth, m.roc_auc_score(truth, [0.1, 0.2]), m.average_precision_score(truth, [0.1, 0.2]))
    few = np.array([[0.2, 0.3, 0.5], [0.1, 0.6, 0.3], [0.3, 0.4, 0.3]])
    print("absent", m.roc_auc_score([0, 1, 1], few, multi_class="ovr", labels=[0, 1, 2]))
    print("absent", m.average_precision_score(np.eye(3)[[0, 1, 1]], few))


def regression():
    import sklearn.metrics as m
    import torch
    from torchmetrics.functional import symmetric_mean_absolute_percentage_error as smape

    targets = np.array([[(i * 5 % 13 - 6) * 1.5 + c for c in range(2)] for i in range(ROWS)])
    outputs = targets + np.array([[np.sin(i + c) for c in range(2)] for i in range(ROWS)])
    target, output = targets[:, 0], outputs[:, 0]
    for weight in (None, WEIGHT):
        for score in (m.mean_absolute_error, m.mean_squared_error, m.root_mean_squared_error, m.r2_score):
            print(score.__name__, score(target, output, sample_weight=weight))
        print("10 more", m.mean_absolute_percentage_error(target + 10, output + 10, sample_weight=weight))
        for average in ("uniform_average", "variance_weighted", "raw_values"):
            print("r2_score", average, m.r2_score(targets, outputs, sample_weight=weight, multioutput=average))
    print("zeros", m.mean_absolute_percentage_error([0, 2], [1, 1]))
    print("symmetric", smape(torch.tensor(output), torch.tensor(target)).item())
    print("equal", m.r2_score([1, 1, 1], [1, 1, 1]), m.r2_score([1, 1, 1], [1, 2, 1]), m.r2_score([1], [1]))
    print("large", m.r2_score(target + 1e9, output + 1e9))


OUTPUTS = [
    'The quick brown fox jumped over the lazy dog.',
    "It costs $1,000.50 - or 3-4 times more, doesn't it?",
    'Ein Haus am See',
    'naïve café — “quoted” & &amp; fine',
    'a b',
]
REFERENCES = [
    'The fast brown fox jumps over the lazy dog.',
    "It cost $1,000.50, or 3-4 times as much, didn't it?",
    'Ein Haus an einem See',
    'a naïve café - "quoted" & & fine!',
    'a b c d',
]
OTHERS = [
    'A quick brown fox jumped over a lazy dog!',
    'That costs $1,000.50: 3-4 times more.',
    'Das Haus am See',
    'naïve cafés “quoted” and fine',
    'b',
]


def texts():
    import sacrebleu
    import torchmetrics.functional.text as T

    for references in ([REFERENCES], [REFERENCES, OTHERS]):
        print("bleu", sacrebleu.corpus_bleu(OUTPUTS, references).score)
        print("chrf", [sacrebleu.corpus_chrf(OUTPUTS, references, word_order=order).score for order in (0, 2)])
    for tokenize in ("char", "none"):
        print("bleu", tokenize, sacrebleu.corpus_bleu(OUTPUTS, [REFERENCES], tokenize=tokenize).score)
    pairs = [("Ein Haus am See", "Ein Haus an einem See"), ("the cat sat on it", "the cat lay at it"), ("a b", "a b")]
    for output, reference in pairs:
        print(output, sacrebleu.corpus_bleu([output], [[reference]]).score)
    for references in (REFERENCES, [list(pair) for pair in zip(REFERENCES, OTHERS)]):
        print("rouge", T.rouge_score(OUTPUTS, references, rouge_keys="rougeL")["rougeL_fmeasure"].item())
    for score in (T.word_error_rate, T.char_error_rate, T.edit_distance):
        print(score.__name__, score(OUTPUTS, REFERENCES).item())


if __name__ == "__main__":
    globals()[sys.argv[1]]()
