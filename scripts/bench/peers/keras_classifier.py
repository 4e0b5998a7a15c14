"""Training steps of a classifier of texts, as scripts/bench/jobs/classifier.ts takes them, by layers of Keras.

Texts are padded with 0, which Embedding masks: tokens are counted from 1. Every step of the padded batch is computed. A
step is one function compiled by jax.jit, for the length of each batch anew; all are compiled before the clock runs.
"""
import jax
import keras
import numpy as np

from keras_weights import to_keras


def padded(texts):
    tokens = np.zeros((len(texts), max(map(len, texts))), np.int32)
    for row, text in zip(tokens, texts):
        row[: len(text)] = np.array(text) + 1
    return jax.numpy.asarray(tokens)


class Classifier:
    def __init__(self, vocabulary, hidden, classes, batches):
        self.model = keras.Sequential([
            keras.Input(shape=(None,), dtype="int32"),
            keras.layers.Embedding(vocabulary + 1, hidden, mask_zero=True),
            keras.layers.Bidirectional(keras.layers.LSTM(hidden)),
            keras.layers.Dense(classes),
        ])
        self.optimizer = keras.optimizers.Adam(1e-3, epsilon=1e-8)
        self.optimizer.build(self.model.trainable_variables)
        self.batches = [
            (padded(batch["texts"]), jax.numpy.asarray(batch["labels"], "int32")) for batch in batches
        ]
        self.taken = 0
        self.take_weights()

        def loss_of(weights, texts, labels):
            logits, _ = self.model.stateless_call(weights, self.fixed, texts)
            return keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True).mean()

        def step(weights, optimizer, texts, labels):
            loss, gradients = jax.value_and_grad(loss_of)(weights, texts, labels)
            return loss, *self.optimizer.stateless_apply(optimizer, gradients, weights)

        donating = jax.jit(step, donate_argnums=(0, 1))
        self.compiled = {}
        for texts, labels in self.batches:
            if texts.shape not in self.compiled:
                lowered = donating.lower(self.weights, self.updates, texts, labels)
                self.compiled[texts.shape] = lowered.compile()

    def take_weights(self):
        self.weights = [jax.numpy.array(variable.value) for variable in self.model.trainable_variables]
        self.fixed = [variable.value for variable in self.model.non_trainable_variables]
        self.updates = [jax.numpy.array(variable.value) for variable in self.optimizer.variables]

    def load(self, tensors):
        """Parameters by the places of stmnet's Sequential: embedding, LSTM, last step, linear."""
        embedding = np.pad(tensors["0.weight"], ((1, 0), (0, 0)))
        recurrent = {name.removeprefix("1."): values for name, values in tensors.items()}
        cells = [value for end in ("_l0", "_l0_reverse") for value in to_keras(recurrent, "lstm", end)]
        self.model.layers[0].set_weights([embedding])
        self.model.layers[1].set_weights(cells)
        self.model.layers[2].set_weights([tensors["3.weight"].T, tensors["3.bias"]])
        self.take_weights()

    def check(self):
        return [self.step(lambda: 0)[1] for _ in range(3)]

    def run(self, clock):
        return self.step(clock)[0]

    def step(self, clock):
        texts, labels = self.batches[self.taken % len(self.batches)]
        self.taken += 1
        start = clock()
        loss, self.weights, self.updates = jax.block_until_ready(
            self.compiled[texts.shape](self.weights, self.updates, texts, labels)
        )
        value = float(loss)
        return clock() - start, value


def make(options):
    return Classifier(**options)
