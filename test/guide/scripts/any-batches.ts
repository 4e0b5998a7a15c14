import {
  Accuracy,
  Adam,
  DataLoader,
  Embedding,
  Linear,
  LSTM,
  Module,
  Sequential,
  Trainer,
  crossEntropy,
  CrossEntropyLoss,
  manualSeed,
  tensor,
  type Sequence,
} from 'stmnet';

manualSeed(3);
/** Four texts that count up, in pieces of 15. */
const pieces = Array.from({ length: 6 }, (_, piece) => {
  const text = (shift: number) =>
    Array.from({ length: 4 }, (__, row) => Array.from({ length: 15 }, (___, t) => (row + piece * 15 + t + shift) % 10));
  return { input: tensor(text(0), { dtype: 'i32' }), target: tensor(text(1), { dtype: 'i32' }) };
});

// ---- as in the guide
class Translator extends Module {
  embedding = new Embedding({ numEmbeddings: 12, embeddingDim: 16 });
  encoder = new LSTM({ inputSize: 16, hiddenSize: 32 });
  decoder = new LSTM({ inputSize: 16, hiddenSize: 32 });
  hidden2word = new Linear({ inFeatures: 32, outFeatures: 12 });

  forward(source: Sequence, previous: Sequence): Sequence {
    const { h, c } = this.encoder.forward(this.embedding.forward(source));
    return this.hidden2word.forward(this.decoder.forward(this.embedding.forward(previous), { h, c }).output);
  }
}

/** Numbers, and the same backwards: what comes before each word, and the word itself. */
const pairs = Array.from({ length: 64 }, (_, i) => {
  const source = Array.from({ length: 2 + (i % 3) }, (__, t) => 1 + ((i + t * t) % 9));
  const reversed = source.toReversed();
  return {
    source: Int32Array.from(source),
    previous: Int32Array.from([10, ...reversed]), // 10 begins
    next: Int32Array.from([...reversed, 11]), // 11 ends
  };
});

const model = new Translator();
const trainer = new Trainer({
  model,
  optimizer: new Adam(model.parameters(), { learningRate: 5e-3 }),
  forward: (model, batch: { source: Sequence; previous: Sequence; next: Sequence }) =>
    model.forward(batch.source, batch.previous),
  loss: (output, batch) => crossEntropy(output, batch.next),
  metrics: [{ metric: new Accuracy(), name: 'words', from: (output, batch) => [output, batch.next] }],
});
const loader = new DataLoader(pairs, { batchSize: 16, shuffle: true });
await trainer.fit(loader, { epochs: 20, progress: false });
const { loss, words } = await trainer.evaluate(loader);

// A language model: the state goes from each piece of a text to the next.
const letters = new Sequential(
  new Embedding({ numEmbeddings: 10, embeddingDim: 8 }),
  new LSTM({ inputSize: 8, hiddenSize: 32 }),
  new Linear({ inFeatures: 32, outFeatures: 10 }),
);
const reader = new Trainer({
  model: letters,
  loss: new CrossEntropyLoss(),
  optimizer: new Adam(letters.parameters(), { learningRate: 1e-2 }),
  carryState: true,
});
const history = await reader.fit(pieces, { epochs: 10, progress: false }); // pieces: { input, target }, each [4, 15]

// ---- what the test looks at
export { history, loss, words };
