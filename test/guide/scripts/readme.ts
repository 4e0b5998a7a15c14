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

manualSeed(1);
const { train, test } = await japaneseVowels(); // who of nine speakers said it? 270 + 370 utterances of 7 to 29 frames

const model = new Sequential(
  new Standardize().fit(train), // mean 0 and deviation 1, measured on the training data
  new LSTM({ inputSize: 12, hiddenSize: 64, bidirectional: true }),
  new LastStep({ bidirectional: true }), // [N, T, 128] → [N, 128]
  new Linear({ inFeatures: 128, outFeatures: 9 }),
);

const trainer = new Trainer({
  model,
  loss: new CrossEntropyLoss(),
  optimizer: new Adam(model.parameters(), { learningRate: 2e-3 }),
  metrics: [new Accuracy()],
});
await trainer.fit(new DataLoader(train, { batchSize: 16, shuffle: true }), { epochs: 30 });

const { accuracy } = await trainer.evaluate(new DataLoader(test, { batchSize: 64 }));
console.log('accuracy on unseen utterances:', accuracy);

await save(model, 'speakers.safetensors');
const copy = (await load('speakers.safetensors')).eval();

const utterances = pad([test.at(0).input, test.at(369).input]); // of different lengths
const scores = noGrad(() => copy.forward(utterances));
console.log('speakers:', await scores.argmax(-1).data());
console.log('probabilities:', await new Softmax().forward(scores).data());
