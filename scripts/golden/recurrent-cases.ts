import { GRU, LSTM, PaddedSequence, RNN, type Sequence, type Tensor } from 'stmnet';
import { backwardFrom, type Comparison } from './comparison';
import type { GoldenCase } from './golden-case';

/** The layer of a case by its `mode`, with fresh weights. */
export function recurrentLayer(golden: GoldenCase): LSTM | GRU | RNN {
  const mode = golden.text('mode');
  const sizes = { inputSize: golden.number('inputSize'), hiddenSize: golden.number('hiddenSize') };
  const options = { ...sizes, ...golden.options('numLayers', 'bidirectional', 'bias', 'batchFirst') };
  if (mode === 'lstm') return new LSTM({ ...options, ...golden.options('projSize') });
  if (mode === 'gru') return new GRU(options);
  if (mode === 'rnn_tanh') return new RNN(options);
  if (mode === 'rnn_relu') return new RNN({ ...options, nonlinearity: 'relu' });
  throw new Error(`${golden.path}: got mode ${mode}, expected lstm, gru, rnn_tanh or rnn_relu`);
}

interface Run {
  output: Sequence;
  h: Tensor;
  c?: Tensor;
}

function run(layer: LSTM | GRU | RNN, input: Sequence, states: { h0?: Tensor; c0?: Tensor }): Run {
  if (states.h0 === undefined) return layer.forward(input);
  if (layer instanceof LSTM) return layer.forward(input, { h: states.h0, c: states.c0 ?? states.h0 });
  return layer.forward(input, { h: states.h0 });
}

/** A recurrent layer: outputs, last states, and the gradients of input, states and weights. */
export async function runRecurrentCase(golden: GoldenCase, comparison: Comparison): Promise<void> {
  const layer = recurrentLayer(golden);
  const parameters = Object.fromEntries(layer.namedParameters());
  layer.loadStateDict(Object.fromEntries(Object.keys(parameters).map((name) => [name, golden.tensor(name)])));
  const input = golden.leaf('input');
  const states: { h0?: Tensor; c0?: Tensor } = {};
  if (golden.hasArray('h0')) states.h0 = golden.leaf('h0');
  if (golden.hasArray('c0')) states.c0 = golden.leaf('c0');

  // A PaddedSequence is batch-first always; the time-major cases are turned for it, and back.
  const turned = (x: Tensor): Tensor => (golden.flag('batchFirst') ? x : x.transpose(0, 1));
  const sequence = golden.has('lengths') ? new PaddedSequence(turned(input), golden.list('lengths')) : input;
  const { output, h, c } = run(layer, sequence, states);
  const results = {
    output: output instanceof PaddedSequence ? turned(output.values) : output,
    hn: h,
    ...(c === undefined ? {} : { cn: c }),
  };
  for (const [name, result] of Object.entries(results)) await comparison.check(name, result);
  backwardFrom(golden, results);
  await comparison.checkGradients({ input, ...states, ...parameters });
}
