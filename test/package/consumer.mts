// A user's TypeScript, checked under strict and run: `consumer.mts train FILE` trains a model of its own and saves it,
// `predict FILE` loads it.
import {
  CrossEntropyLoss,
  LSTM,
  LastStep,
  Linear,
  Module,
  SGD,
  load,
  manualSeed,
  noGrad,
  pad,
  save,
  tensor,
  type PaddedSequence,
  type Tensor,
} from 'stmnet';
import { japaneseVowels } from 'stmnet/datasets';

class Speaker extends Module {
  lstm = new LSTM({ inputSize: 12, hiddenSize: 8 });
  last = new LastStep();
  decide = new Linear({ inFeatures: 8, outFeatures: 9 });

  forward(utterances: PaddedSequence): Tensor {
    const { output }: { output: PaddedSequence } = this.lstm.forward(utterances);
    return this.decide.forward(this.last.forward(output));
  }
}

const [task, file = ''] = process.argv.slice(2);
const { train, test } = await japaneseVowels();
let model: Module;
if (task === 'predict') model = await load(file, { classes: { Speaker } });
else {
  manualSeed(2);
  const speaker = new Speaker();
  const loss = new CrossEntropyLoss();
  const optimizer = new SGD(speaker.parameters(), { learningRate: 0.1, momentum: 0.9 });
  const items = [0, 30, 60, 90, 120].map((index) => train.at(index));
  const utterances = pad(items.map(({ input }) => input));
  const speakers = tensor(Int32Array.from(items, ({ target }) => target));
  const values: number[] = [];
  for (let step = 0; step < 30; step++) {
    const value: Tensor = loss.forward(speaker.forward(utterances), speakers);
    optimizer.zeroGrad();
    value.backward();
    optimizer.step();
    values.push(await value.item());
  }
  if (!(Number(values.at(-1)) < 0.5 * Number(values[0])))
    throw new Error(`loss: got ${values.join(' ')}, expected it to fall to half`);
  await save(speaker, file);
  model = speaker;
}
if (!(model instanceof Speaker)) throw new Error(`got ${model.constructor.name}, expected a Speaker`);
const speaker: Speaker = model.eval();
const scores: Tensor = noGrad(() => speaker.forward(pad([0, 100, 200, 369].map((index) => test.at(index).input))));
console.log(JSON.stringify(await scores.array()));
