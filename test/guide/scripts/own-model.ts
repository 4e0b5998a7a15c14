/* oxlint-disable typescript/consistent-type-imports -- the script stands as it is in the guide */
import { manualSeed, pad } from 'stmnet';

manualSeed(1);
/** 51 batches of four sentences; the tag of a word follows from the word. */
const batches = Array.from({ length: 51 }, (_, step): [PaddedSequence, PaddedSequence] => {
  const words = [5, 3, 0, 7].map((length, row) => ({
    data: Int32Array.from({ length }, (__, t) => 1 + ((step * 31 + row * 7 + t * 3) % 40)),
    shape: [length],
  }));
  return [pad(words), pad(words.map(({ data, shape }) => ({ data: data.map((word) => word % 17), shape })))];
});

// ---- as in the guide
import { AdamW, Dropout, Embedding, Linear, LSTM, Module, PaddedSequence, clipGradNorm, crossEntropy } from 'stmnet';

class Tagger extends Module {
  embedding = new Embedding({ numEmbeddings: 5000, embeddingDim: 100, paddingIdx: 0 });
  dropout = new Dropout({ p: 0.5 });
  lstm = new LSTM({ inputSize: 100, hiddenSize: 128, numLayers: 2, bidirectional: true, dropout: 0.3 });
  hidden2tag = new Linear({ inFeatures: 256, outFeatures: 17 });

  forward(words: PaddedSequence): PaddedSequence {
    const { output } = this.lstm.forward(this.dropout.forward(this.embedding.forward(words)));
    return this.hidden2tag.forward(output);
  }
}

const model = new Tagger();
const optimizer = new AdamW(model.parameters(), { learningRate: 1e-3, weightDecay: 0.01 });
// tags: PaddedSequence of i32 [N, T]
for (const [words, tags] of batches) {
  const loss = crossEntropy(model.forward(words), tags); // mean over real steps
  optimizer.zeroGrad();
  loss.backward();
  clipGradNorm(model.parameters(), { maxNorm: 1 });
  optimizer.step();
  if (optimizer.steps % 50 === 0) console.log(await loss.item());
}
model.summary(); // table: name, output shape, parameters
// lstm.weight_ih_l0_reverse f32[512, 100] on cpu
console.log([...model.namedParameters()].map(([name, p]) => `${name} ${p}`));
