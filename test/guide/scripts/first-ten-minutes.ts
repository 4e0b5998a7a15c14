import {
  Accuracy,
  Adam,
  CrossEntropyLoss,
  DataLoader,
  LastStep,
  Linear,
  LSTM,
  Sequential,
  Softmax,
  Standardize,
  Trainer,
  load,
  manualSeed,
  noGrad,
  pad,
  save,
} from 'stmnet';
import { japaneseVowels } from 'stmnet/datasets';

manualSeed(7);
const { train, test } = await japaneseVowels(); // items: { input: HostArray [T, 12], target: 0..8 }, T from 7 to 29
const model = new Sequential(
  new Standardize().fit(train), // mean and deviation of the training steps, saved with the model
  new LSTM({ inputSize: 12, hiddenSize: 64, bidirectional: true }),
  new LastStep({ bidirectional: true }), // the last real step forwards, the first one backwards
  new Linear({ inFeatures: 128, outFeatures: 9 }),
);
const trainer = new Trainer({
  model,
  loss: new CrossEntropyLoss(),
  optimizer: new Adam(model.parameters(), { learningRate: 2e-3 }),
  metrics: [new Accuracy()],
});
// progress on a terminal
const history = await trainer.fit(new DataLoader(train, { batchSize: 16, shuffle: true }), { epochs: 60 });
const { loss, accuracy } = await trainer.evaluate(new DataLoader(test, { batchSize: 64 }));
await save(model, 'speakers.safetensors'); // weights and configuration, one file

const copy = (await load('speakers.safetensors')).eval(); // rebuilt from its configuration
const scores = noGrad(() => copy.forward(pad([test.at(0).input]))); // a PaddedSequence of one
console.log(await scores.argmax(-1).data()); // Int32Array [ 0 ]
console.log(await new Softmax().forward(scores).data()); // Float32Array [ 0.99…, … ], nine probabilities

// ---- what the test looks at
export { accuracy, history, loss };
