import {
  Adam,
  beamSearch,
  crossEntropy,
  ctcBeamSearch,
  ctcGreedyDecode,
  Embedding,
  greedySearch,
  Linear,
  LSTM,
  manualSeed,
  noGrad,
  pad,
  sample,
  selectRows,
  tensor,
  type DecodeStep,
  type LSTMState,
} from 'stmnet';

manualSeed(5);
const [startToken, endToken] = [10, 11];
const embedding = new Embedding({ numEmbeddings: 12, embeddingDim: 16 });
const encoder = new LSTM({ inputSize: 16, hiddenSize: 48 });
const decoder = new LSTM({ inputSize: 16, hiddenSize: 48 });
const head = new Linear({ inFeatures: 48, outFeatures: 12 });
const layers = [embedding, encoder, decoder, head];

// It learns to write numbers backwards.
const pairs = Array.from({ length: 60 }, (_, i) =>
  Array.from({ length: 2 + (i % 3) }, (__, t) => (i * 7 + t * t) % 10),
);
const optimizer = new Adam(
  layers.flatMap((layer) => layer.parameters()),
  { learningRate: 1e-2 },
);
for (let epoch = 0; epoch < 120; epoch++) {
  const before = encoder.forward(embedding.forward(pad(pairs.map((one) => Int32Array.from(one)))));
  const previous = pad(pairs.map((one) => Int32Array.from([startToken, ...one.toReversed()])));
  const next = pad(pairs.map((one) => Int32Array.from([...one.toReversed(), endToken])));
  const { output } = decoder.forward(embedding.forward(previous), { h: before.h, c: before.c });
  optimizer.zeroGrad();
  crossEntropy(head.forward(output), next).backward();
  optimizer.step();
}
const sources = [Int32Array.of(7, 8), Int32Array.of(4, 5, 8), Int32Array.of(1, 2, 5, 0)];
const text = { decode: ([token]: number[]) => ` ${token}` };
const printed: string[] = [];
const write = (piece: string): void => void printed.push(piece);
const logits = tensor([
  [
    [2, 1.9, 0],
    [2, 1.9, 0],
    [0, 0, 3],
  ],
]);
const bigrams = [
  [0, 0.5, 0.5],
  [0, 0.1, 0.9],
  [0, 0.9, 0.1],
];

// ---- as in the guide
// A step of any model: reads the last token of B sequences, and says which may come next.
const step: DecodeStep<LSTMState> = (tokens, before) => {
  const { output, ...next } = decoder.forward(embedding.forward(tokens.unsqueeze(1)), before);
  return { scores: head.forward(output.squeeze(1)), state: next }; // [B, V], before softmax
};
const { h, c } = noGrad(() => encoder.forward(embedding.forward(pad(sources))));
const state = { h, c }; // of all sentences

const options = { startToken, endToken, maxLength: 60 };
const best = await beamSearch(step, { start: state, beamSize: 5, lengthPenalty: 0.6, nBest: 3, ...options });
const written = best.map(([hypothesis]) => hypothesis?.tokens); // of each sentence the best of its three
const greedy = await greedySearch(step, { start: state, ...options }); // a hypothesis for each

const start = selectRows(state, [0]); // the first sentence alone
for await (const token of sample(step, { start, temperature: 0.8, topK: 40, topP: 0.95, seed: 7, ...options }))
  write(text.decode([token]));

// A model trained by CTC: logits [N, T, C] or a PaddedSequence of them.
const labels = await ctcGreedyDecode(logits); // number[][]
const heard = await ctcBeamSearch(logits, {
  languageModel: (prefix, token) => Math.log(bigrams[prefix.at(-1) ?? 0]?.[token] ?? 0),
  alpha: 0.5, // its weight
  beta: 1, // for each label
});

// ---- what the test looks at
export { best, greedy, heard, labels, printed, written };
