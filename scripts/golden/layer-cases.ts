import {
  AdditiveAttention,
  BatchNorm1d,
  Conv1d,
  ELU,
  Embedding,
  GELU,
  LastStep,
  LayerNorm,
  LeakyReLU,
  Linear,
  LogSoftmax,
  MaxPool,
  MeanPool,
  MultiplicativeAttention,
  PaddedSequence,
  ReLU,
  ScaledDotProductAttention,
  Sigmoid,
  SiLU,
  Softmax,
  Softplus,
  Tanh,
  type Module,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { backwardFrom, type Comparison } from './comparison';
import type { GoldenCase } from './golden-case';

/** A layer of one sequence in, one out. */
type SequenceLayer = Module & { forward(input: Sequence): Sequence };

const activations: Readonly<Record<string, () => SequenceLayer>> = {
  relu: () => new ReLU(),
  sigmoid: () => new Sigmoid(),
  tanh: () => new Tanh(),
  gelu: () => new GELU(),
  silu: () => new SiLU(),
  softplus: () => new Softplus(),
  elu: () => new ELU(),
  'leaky-relu': () => new LeakyReLU({ negativeSlope: 0.01 }),
  softmax: () => new Softmax({ dim: -1 }),
  'log-softmax': () => new LogSoftmax({ dim: -1 }),
};

const pools: Readonly<Record<string, () => SequenceLayer>> = {
  lastStep: () => new LastStep(),
  lastStepBidirectional: () => new LastStep({ bidirectional: true }),
  mean: () => new MeanPool(),
  max: () => new MaxPool(),
};

const sequenceLayers: Readonly<Record<string, (golden: GoldenCase) => SequenceLayer | undefined>> = {
  linear: (golden) =>
    new Linear({
      inFeatures: golden.number('inFeatures'),
      outFeatures: golden.number('outFeatures'),
      ...golden.options('bias'),
    }),
  embedding: (golden) =>
    new Embedding({
      numEmbeddings: golden.number('numEmbeddings'),
      embeddingDim: golden.number('embeddingDim'),
      ...golden.options('paddingIdx'),
    }),
  layerNorm: (golden) => new LayerNorm({ normalizedShape: golden.number('normalizedShape') }),
  batchNorm1d: (golden) => new BatchNorm1d({ numFeatures: golden.number('numFeatures') }),
  conv1d: (golden) =>
    new Conv1d({
      inChannels: golden.number('inChannels'),
      outChannels: golden.number('outChannels'),
      kernelSize: golden.number('kernelSize'),
      ...golden.options('padding'),
    }),
  activation: (golden) => activations[golden.text('activation')]?.(),
  pool: (golden) => pools[golden.text('kind')]?.(),
};

/** Attention over query, key, value and, in some cases, a mask. */
type AttentionLayer = ScaledDotProductAttention | AdditiveAttention | MultiplicativeAttention;

const attentionLayers: Readonly<Record<string, (golden: GoldenCase) => AttentionLayer>> = {
  scaledDotProductAttention: () => new ScaledDotProductAttention(),
  additiveAttention: (golden) =>
    new AdditiveAttention({
      querySize: golden.number('querySize'),
      keySize: golden.number('keySize'),
      hiddenSize: golden.number('hiddenSize'),
    }),
  multiplicativeAttention: (golden) =>
    new MultiplicativeAttention({ querySize: golden.number('querySize'), keySize: golden.number('keySize') }),
};

/** Gives a layer the parameters and buffers of the file. Buffers stand under `before.NAME`. */
function loadState(golden: GoldenCase, layer: Module): void {
  const stored = Object.keys(layer.stateDict()).map((name): [string, Tensor] => [
    name,
    golden.tensor(golden.hasArray(name) ? name : `before.${name}`),
  ]);
  layer.loadStateDict(Object.fromEntries(stored));
}

/** A layer: its result, the gradients of its inputs and parameters, and its buffers afterwards. */
export async function runLayerCase(golden: GoldenCase, comparison: Comparison): Promise<void> {
  const kind = golden.text('layer');
  const attention = attentionLayers[kind]?.(golden);
  if (attention !== undefined) return runAttention(golden, comparison, attention);
  const layer = sequenceLayers[kind]?.(golden);
  if (layer === undefined)
    throw new Error(
      `${golden.path}: got an unknown layer ${kind}, expected one of ` +
        `${[...Object.keys(sequenceLayers), ...Object.keys(attentionLayers)].join(', ')}`,
    );
  loadState(golden, layer);
  if (golden.has('training') && !golden.flag('training')) layer.eval();

  // Features are the last axis here; cases marked "N C L" have them in the middle.
  const turned = (x: Tensor): Tensor =>
    golden.has('layout') && golden.text('layout') === 'N C L' ? x.transpose(1, 2) : x;
  const floating = golden.array('input').data instanceof Float32Array;
  const input = floating ? golden.leaf('input') : golden.tensor('input');
  const output = layer.forward(
    golden.hasArray('lengths') ? new PaddedSequence(input, golden.numbers('lengths')) : turned(input),
  );
  const result = output instanceof PaddedSequence ? output.values : turned(output);
  await comparison.check('result', result);
  backwardFrom(golden, { result });
  await comparison.checkGradients({ ...(floating ? { input } : {}), ...Object.fromEntries(layer.namedParameters()) });
  for (const [name, buffer] of layer.namedBuffers()) await comparison.check(`after.${name}`, buffer);
}

async function runAttention(golden: GoldenCase, comparison: Comparison, layer: AttentionLayer): Promise<void> {
  loadState(golden, layer);
  const [query, key, value] = [golden.leaf('query'), golden.leaf('key'), golden.leaf('value')];
  const result = golden.hasArray('mask')
    ? layer.forward(query, key, value, { mask: golden.tensor('mask') })
    : layer.forward(query, key, value);
  await comparison.check('result', result);
  backwardFrom(golden, { result });
  await comparison.checkGradients({ query, key, value, ...Object.fromEntries(layer.namedParameters()) });
}
