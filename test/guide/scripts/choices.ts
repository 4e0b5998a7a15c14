import { CrossEntropyLoss, manualSeed, PaddedSequence, randn, tensor, Trainer } from 'stmnet';

manualSeed(1);
const batches = Array.from({ length: 30 }, () => ({
  input: new PaddedSequence(randn([4, 6, 12]), [6, 2, 0, 5]),
  target: tensor(Int32Array.of(0, 0, 1, 0)),
}));

// ---- as in the guide
import { Adam, init, Linear, LSTM, MaxPool, Sequential } from 'stmnet';

const lstm = new LSTM({ inputSize: 12, hiddenSize: 64, bidirectional: true });
const model = new Sequential(lstm, new MaxPool(), new Linear({ inFeatures: 128, outFeatures: 2 }));

// As Keras begins: glorot_uniform, orthogonal, zeros, and 1 for the forget gates.
for (const [name, parameter] of lstm.namedParameters()) {
  if (name.startsWith('weight_ih')) init.xavierUniform_(parameter);
  else if (name.startsWith('weight_hh')) init.orthogonal_(parameter);
  else init.zeros_(parameter);
}
init.setForgetBias(lstm);

// Classes of 900 and 100 examples: the rare one counts nine times as much.
const weight = tensor([900, 100].map((count) => 1000 / (2 * count)));
const optimizer = new Adam(model.parameters());
const trainer = new Trainer({ model, optimizer, loss: new CrossEntropyLoss({ weight }) });

// A loop of your own around the Trainer's step, with its brake.
for (const batch of batches) {
  const loss = trainer.step(batch);
  await trainer.fence(); // at most two steps ahead of the device
  if (trainer.steps % 10 === 0) console.log(trainer.steps, await loss.item());
}

// ---- what the test looks at
export { lstm, trainer };
