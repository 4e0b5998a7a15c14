// Checked by `npm run types`: a line marked ts-expect-error that has no error is one.
import { GRU, LSTM, Linear, LastStep, Module, RNN, detach, load, type LSTMState, type PaddedSequence, type Parameter, type Sequence, type Sequential, type Tensor } from 'stmnet';

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

// What load gives is a Sequential unless said otherwise.
export async function loaded(): Promise<void> {
  const model = (await load('model.safetensors')).eval();
  model satisfies Sequential;
  (await model.forward(padded).argmax(-1).data()) satisfies ArrayLike<number>;
  const tagger = await load<Tagger>('tagger.safetensors', { classes: { Tagger } });
  tagger.forward(padded) satisfies PaddedSequence;
}
