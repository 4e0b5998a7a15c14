// Checked by `npm run types`: a line marked ts-expect-error that has no error is one.
import {
  ArrayDataset,
  DataLoader,
  GRU,
  LSTM,
  Linear,
  LastStep,
  Module,
  RNN,
  Subset,
  detach,
  kFold,
  load,
  randomSplit,
  splitDataset,
  type Dataset,
  type LSTMState,
  type PaddedSequence,
  type Parameter,
  type Sequence,
  type Sequential,
  type Tensor,
} from 'stmnet';

declare const tensor: Tensor;
declare const padded: PaddedSequence;
declare const either: Sequence;

// The kind that goes in comes out.
const lstm = new LSTM({ inputSize: 3, hiddenSize: 4 });
lstm.forward(tensor).output satisfies Tensor;
lstm.forward(padded).output satisfies PaddedSequence;
lstm.forward(either).output satisfies Sequence;
new Linear({ inFeatures: 3, outFeatures: 4 }).forward(padded) satisfies PaddedSequence;
new LastStep().forward(padded) satisfies Tensor;
// @ts-expect-error a PaddedSequence is not a Tensor
lstm.forward(padded).output satisfies Tensor;

// States: h and c for an LSTM, h for the others.
let state: LSTMState = lstm.zeroState({ batchSize: 2 });
const { output, ...next } = lstm.forward(tensor, state);
state = detach(next);
output satisfies Tensor;
new GRU({ inputSize: 3, hiddenSize: 4 }).forward(tensor, { h: tensor }).h satisfies Tensor;
// @ts-expect-error a GRU has no cell state
new GRU({ inputSize: 3, hiddenSize: 4 }).forward(tensor).c satisfies Tensor;
// @ts-expect-error an LSTM needs both states
lstm.forward(tensor, { h: tensor });

// A parameter's place is a parameter's.
const layer = new Linear({ inFeatures: 3, outFeatures: 4 });
layer.weight = new Linear({ inFeatures: 3, outFeatures: 4 }).weight;
layer.bias = undefined;
// @ts-expect-error a plain tensor is neither trained nor saved
layer.weight = tensor;

// Options.
// @ts-expect-error hiddenSize is required
new LSTM({ inputSize: 3 });
// @ts-expect-error unknown option
new LSTM({ inputSize: 3, hiddenSize: 4, hidden: 3 });
// @ts-expect-error no positional booleans
new LSTM({ inputSize: 3, hiddenSize: 4 }, true);
// @ts-expect-error only an LSTM projects
new RNN({ inputSize: 3, hiddenSize: 4, projSize: 2 });
// @ts-expect-error neither tanh nor relu
new RNN({ inputSize: 3, hiddenSize: 4, nonlinearity: 'sigmoid' });

// Weights by their PyTorch names.
lstm.weight_ih_l0 satisfies Parameter | undefined;
lstm.bias_hh_l3_reverse satisfies Parameter | undefined;
// @ts-expect-error no such name
lstm.wieght_ih_l0 satisfies Parameter | undefined;

// A model of one's own takes and gives what it says.
class Tagger extends Module {
  forward(words: PaddedSequence): PaddedSequence {
    return words;
  }
}
new Tagger().forward(padded) satisfies PaddedSequence;
// @ts-expect-error takes a PaddedSequence
new Tagger().forward(tensor);
// @ts-expect-error forward is missing
class Incomplete extends Module {}
export type { Incomplete };

// What load gives is one of the classes, or a Sequential; a type parameter says otherwise.
class Encoder extends Module {
  readonly width = 3;

  forward(words: Tensor): Tensor {
    return words;
  }
}
const several = (): Readonly<Record<string, new () => Tagger>> => ({ Tagger });
export async function loaded(): Promise<void> {
  const model = (await load('model.safetensors')).eval();
  model satisfies Sequential;
  (await model.forward(padded).argmax(-1).data()) satisfies ArrayLike<number>;
  (await load('model.safetensors', { device: 'cuda' })) satisfies Sequential;
  (await load('model.safetensors', { classes: {} })).forward(padded) satisfies Sequence;

  const tagger = await load('tagger.safetensors', { classes: { Tagger } });
  tagger.forward(padded) satisfies PaddedSequence;
  // @ts-expect-error a Tagger takes a PaddedSequence
  tagger.forward(tensor);
  (await load('tagger.safetensors', { classes: several() })).forward(padded) satisfies PaddedSequence;
  const either = await load('tagger.safetensors', { classes: { Tagger, Encoder } });
  (either instanceof Encoder ? either.width : either.forward(padded)) satisfies number | PaddedSequence;

  const named = await load<Tagger>('tagger.safetensors', { classes: { Tagger } });
  named.forward(padded) satisfies PaddedSequence;
  const outer = await load<Sequential>('model.safetensors', { classes: { Tagger } });
  outer.forward(padded) satisfies Sequence;
  const annotated: Sequential = await load('model.safetensors', { classes: { Tagger } });
  annotated[0] satisfies Module | undefined;
  // @ts-expect-error no class of a module
  await load('model.safetensors', { classes: { Date } });
}

// What a part of an array gives is what the array holds.
const words = ['a', 'b', 'c'];
const [train, rest] = randomSplit(words, [2, 1]);
train?.at(0) satisfies string | undefined;
if (train !== undefined && rest !== undefined) {
  train.at(0) satisfies string;
  for (const word of train) word satisfies string;
  [...train, ...rest] satisfies string[];
  new DataLoader(train, { collate: (batch) => batch.join('') }) satisfies DataLoader<string, string>;
  new Subset(train, [0]).at(0) satisfies string;
}
const halves = splitDataset(words, { train: 0.5, test: 0.5 }, { stratifyBy: (word) => word.length });
halves.test.at(0) satisfies string;
// @ts-expect-error a part that was not asked for
void halves.validation;
for (const { train: most, validation } of kFold(words, 3)) [most.at(0), validation.at(0)] satisfies string[];
new Subset(words, [0]).at(0) satisfies string;
randomSplit(new ArrayDataset(words), [2, 1])[0]?.at(0) satisfies string | undefined;
declare const dataset: Dataset<{ input: number[]; target: number }>;
for (const { target } of new Subset(dataset, [0])) target satisfies number;
