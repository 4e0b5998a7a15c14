import { Module, PaddedSequence, type Tensor } from 'stmnet';
import { backwardFrom, type Comparison } from './comparison';
import { construct, expectTensor } from './exported';
import type { GoldenCase } from './golden-case';

/** The pools, which a case names by what they take. */
const pools: Readonly<Record<string, [name: string, options?: object]>> = {
  lastStep: ['LastStep'],
  lastStepBidirectional: ['LastStep', { bidirectional: true }],
  mean: ['MeanPool'],
  max: ['MaxPool'],
};

/** The layer of a case: the class that it names, of all that the case has more as options. */
function layerOf(golden: GoldenCase): Module {
  const kind = golden.text('layer');
  if (kind === 'activation') return construct(golden, Module, golden.text('activation').replaceAll('-', ''));
  if (kind === 'pool') return construct(golden, Module, ...(pools[golden.text('kind')] ?? [golden.text('kind')]));
  return construct(golden, Module, kind, golden.optionsBut('layer', 'training', 'layout', 'masked', 'tolerance'));
}

/** Gives a layer the parameters and buffers of the file. Buffers stand under `before.NAME`. */
function loadState(golden: GoldenCase, layer: Module): void {
  const stored = Object.keys(layer.stateDict()).map((name): [string, Tensor] => [
    name,
    golden.tensor(golden.hasArray(name) ? name : `before.${name}`),
  ]);
  layer.loadStateDict(Object.fromEntries(stored));
}

/** The tensors that forward takes, one after the other; those of floating numbers are leaves. */
function inputsOf(golden: GoldenCase): Record<string, Tensor> {
  const names = ['input', 'query', 'key', 'value'].filter((name) => golden.hasArray(name));
  return Object.fromEntries(
    names.map((name) => [
      name,
      golden.array(name).data instanceof Float32Array ? golden.leaf(name) : golden.tensor(name),
    ]),
  );
}

/** A layer: its result, the gradients of its inputs and parameters, and its buffers afterwards. */
export async function runLayerCase(golden: GoldenCase, comparison: Comparison): Promise<void> {
  const layer = layerOf(golden);
  loadState(golden, layer);
  if (golden.has('training') && !golden.flag('training')) layer.eval();

  // Features are the last axis here; cases marked "N C L" have them in the middle.
  const middle = golden.has('layout') && golden.text('layout') === 'N C L';
  const turned = (x: Tensor): Tensor => (middle ? x.transpose(1, 2) : x);
  const padded = (x: Tensor): Tensor | PaddedSequence =>
    golden.hasArray('lengths') ? new PaddedSequence(x, golden.numbers('lengths')) : turned(x);
  const inputs = inputsOf(golden);
  const options = golden.hasArray('mask') ? [{ mask: golden.tensor('mask') }] : [];
  const forward = Reflect.get(layer, 'forward') as (...inputs: readonly unknown[]) => unknown;
  const output = forward.apply(layer, [...Object.values(inputs).map(padded), ...options]);
  const result = output instanceof PaddedSequence ? output.values : turned(expectTensor(golden, output));
  await comparison.check('result', result);
  backwardFrom(golden, { result });
  await comparison.checkGradients({ ...inputs, ...Object.fromEntries(layer.namedParameters()) });
  for (const [name, buffer] of layer.namedBuffers()) await comparison.check(`after.${name}`, buffer);
}
