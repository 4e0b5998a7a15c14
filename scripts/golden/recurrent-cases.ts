import { PaddedSequence, RecurrentLayer, type GRU, type LSTM, type RNN, type Sequence, type Tensor } from 'stmnet';
import { backwardFrom, type Comparison } from './comparison';
import { construct } from './exported';
import type { GoldenCase } from './golden-case';

/** The layer of a case by its `mode`, such as gru or rnn_relu, with fresh weights. */
export function recurrentLayer(golden: GoldenCase): LSTM | GRU | RNN {
  const [name = '', nonlinearity] = golden.text('mode').split('_');
  const options = golden.options('inputSize', 'hiddenSize', 'numLayers', 'bidirectional', 'bias', 'batchFirst');
  const projected = golden.has('projSize') && golden.number('projSize') > 0;
  return construct(golden, RecurrentLayer, name, {
    ...options,
    ...(projected ? golden.options('projSize') : {}),
    ...(nonlinearity === undefined ? {} : { nonlinearity }),
  }) as LSTM | GRU | RNN;
}

interface Run {
  output: Sequence;
  h: Tensor;
  c?: Tensor;
}

function run(layer: LSTM | GRU | RNN, input: Sequence, { h0, c0 }: { h0?: Tensor; c0?: Tensor }): Run {
  if (h0 === undefined) return layer.forward(input);
  const states = c0 === undefined ? { h: h0 } : { h: h0, c: c0 };
  return layer.forward(input, states as { h: Tensor; c: Tensor });
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
