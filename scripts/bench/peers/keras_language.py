"""Training steps of a language model, as scripts/bench/jobs/language.ts takes them, by layers of Keras.

A step is one function compiled by jax.jit: the model, Keras's loss, its SGD with the clipping that it does itself, the
new weights in the memory of the old ones.
"""
import jax
import keras
import numpy as np

from keras_weights import to_keras


def model_of(rows, steps, hidden, layers, vocabulary):
    words = keras.Input(batch_shape=(rows, steps), dtype="int32")
    states = [[keras.Input(batch_shape=(rows, hidden)) for _ in range(2)] for _ in range(layers)]
    output = keras.layers.Embedding(vocabulary, hidden)(words)
    after = []
    for state in states:
        output, *new = keras.layers.LSTM(hidden, return_sequences=True, return_state=True)(output, initial_state=state)
        after.append(new)
    return keras.Model([words, states], [keras.layers.Dense(vocabulary)(output), after])


class Language:
    def __init__(self, steps, hidden, layers, vocabulary, text):
        rows, self.layers = len(text), layers
        self.model = model_of(rows, steps, hidden, layers, vocabulary)
        self.optimizer = keras.optimizers.SGD(1.0, global_clipnorm=5.0)
        self.optimizer.build(self.model.trainable_variables)
        words = np.array(text, np.int32)
        starts = range(0, words.shape[1] - steps, steps)
        self.pieces = [
            [jax.numpy.asarray(words[:, i + shift : i + shift + steps]) for shift in (0, 1)] for i in starts
        ]
        self.state = [[jax.numpy.zeros((rows, hidden)) for _ in range(2)] for _ in range(layers)]
        self.taken = 0
        self.take_weights()

        def loss_of(weights, words, following, state):
            (logits, after), _ = self.model.stateless_call(weights, self.fixed, [words, state])
            losses = keras.losses.sparse_categorical_crossentropy(following, logits, from_logits=True)
            return losses.mean(), after

        def step(weights, optimizer, words, following, state):
            (loss, after), gradients = jax.value_and_grad(loss_of, has_aux=True)(weights, words, following, state)
            weights, optimizer = self.optimizer.stateless_apply(optimizer, gradients, weights)
            return loss, weights, optimizer, after

        donating = jax.jit(step, donate_argnums=(0, 1))
        self.compiled = donating.lower(self.weights, self.updates, *self.pieces[0], self.state).compile()

    def take_weights(self):
        self.weights = [jax.numpy.array(variable.value) for variable in self.model.trainable_variables]
        self.fixed = [variable.value for variable in self.model.non_trainable_variables]
        self.updates = [jax.numpy.array(variable.value) for variable in self.optimizer.variables]

    def load(self, tensors):
        recurrent = {name.removeprefix("lstm."): values for name, values in tensors.items()}
        cells = [value for layer in range(self.layers) for value in to_keras(recurrent, "lstm", f"_l{layer}")]
        decoder = [tensors["decoder.weight"].T, tensors["decoder.bias"]]
        self.model.set_weights([tensors["embedding.weight"], *cells, *decoder])
        self.take_weights()

    def check(self):
        return [self.step(lambda: 0)[1] for _ in range(4)]

    def run(self, clock):
        return self.step(clock)[0]

    def step(self, clock):
        piece = self.pieces[self.taken % len(self.pieces)]
        self.taken += 1
        start = clock()
        loss, self.weights, self.updates, self.state = jax.block_until_ready(
            self.compiled(self.weights, self.updates, *piece, self.state)
        )
        value = float(loss)
        return clock() - start, value


def make(options):
    return Language(**options)
