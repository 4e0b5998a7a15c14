"""LSTM and GRU on one batch, as scripts/bench/jobs/recurrent.ts runs them, by layers of Keras.

A run is a function compiled by jax.jit around `stateless_call`: with the gradients of the input it is more than
`train_on_batch` gives, and quicker than `predict_on_batch`, which also copies its output to numpy. The loop over time
is Keras's own, lax.scan; `unroll` takes minutes to compile for 64 steps. The batch comes first, as Keras wants it.
"""
import jax
import keras

from keras_weights import from_keras, to_keras
from waves import samples, wave


def model_of(shape, cell):
    steps, rows, width, hidden, layers = (shape[name] for name in "TNDHL")
    made = {"lstm": keras.layers.LSTM, "gru": keras.layers.GRU}[cell]

    def layer():
        one = made(hidden, return_sequences=True, unroll=steps == 1)
        return keras.layers.Bidirectional(one) if shape["bidirectional"] else one

    return keras.Sequential([keras.Input(batch_shape=(rows, steps, width)), *(layer() for _ in range(layers))])


class Recurrent:
    def __init__(self, shape, cell, kind):
        if kind == "read":
            raise ValueError("it computes outputs, and does not read them")
        steps, rows, width, hidden, layers = (shape[name] for name in "TNDHL")
        ends = ["", "_reverse"] if shape["bidirectional"] else [""]
        self.ends = [f"_l{layer}{end}" for layer in range(layers) for end in ends]
        self.cell, self.kind = cell, kind
        self.model = model_of(shape, cell)
        self.x = jax.numpy.asarray(wave([steps, rows, width], 0.37).swapaxes(0, 1))
        self.gradient = jax.numpy.asarray(wave([steps, rows, hidden * len(ends)], 0.11).swapaxes(0, 1))
        self.take_weights()

        def forward(weights, x):
            return self.model.stateless_call(weights, self.fixed, x)[0]

        def train(weights, x, gradient):
            output, backward = jax.vjp(forward, weights, x)
            return output, *backward(gradient)

        self.forward, self.train = jax.jit(forward), jax.jit(train)
        self.compute()  # compiles

    def take_weights(self):
        self.weights = [variable.value for variable in self.model.trainable_variables]
        self.fixed = [variable.value for variable in self.model.non_trainable_variables]

    def load(self, tensors):
        self.model.set_weights([value for end in self.ends for value in to_keras(tensors, self.cell, end)])
        self.take_weights()

    def check(self):
        if self.kind != "train":
            return samples(self.compute().swapaxes(0, 1))
        _, weights, x = self.compute()
        gradients = [x.swapaxes(0, 1)]
        for at in range(0, len(weights), 3):
            gradients += from_keras(self.cell, *weights[at : at + 3])
        return [value for gradient in gradients for value in samples(gradient, 13)]

    def run(self, clock):
        start = clock()
        self.compute()
        return clock() - start

    def compute(self):
        """JAX returns before it has computed: waits until it has."""
        if self.kind == "train":
            return jax.block_until_ready(self.train(self.weights, self.x, self.gradient))
        return jax.block_until_ready(self.forward(self.weights, self.x))


def make(options):
    return Recurrent(**options)
