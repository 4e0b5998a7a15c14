import { Embedding, Linear, LSTM, SGD, crossEntropy, detach, manualSeed, tensor } from 'stmnet';

manualSeed(2);
const embedding = new Embedding({ numEmbeddings: 11, embeddingDim: 200 });
const decoder = new Linear({ inFeatures: 200, outFeatures: 11 });
/** Twenty texts, each counting up from a number of its own, in pieces of 35. */
const stream = Array.from({ length: 4 }, (_, piece) => {
  const letters = (shift: number) =>
    tensor({
      data: Int32Array.from(
        { length: 20 * 35 },
        (__, place) => (Math.floor(place / 35) + piece * 35 + (place % 35) + shift) % 11,
      ),
      shape: [20, 35],
    });
  return { inputs: letters(0), targets: letters(1) };
});
const optimizer = new SGD([...embedding.parameters(), ...decoder.parameters()], { learningRate: 0.5 });
const before = await decoder.weight.data();

// ---- as in the guide
const lstm = new LSTM({ inputSize: 200, hiddenSize: 200, numLayers: 2, dropout: 0.5 });
let state = lstm.zeroState({ batchSize: 20 }); // { h, c }, each [L·K, N, H]
// [20, 35] consecutive pieces of one text
for (const { inputs, targets } of stream) {
  const { output, ...next } = lstm.forward(embedding.forward(inputs), state); // { output, h, c }
  const loss = crossEntropy(decoder.forward(output), targets);
  loss.backward();
  optimizer.step();
  optimizer.zeroGrad();
  state = detach(next); // truncated back-propagation through time
}

// ---- what the test looks at
export { before, decoder, embedding, state };
