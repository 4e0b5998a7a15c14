import * as stm from 'stmnet';
import { PaddedSequence, Tensor, tensor, type Sequence } from 'stmnet';
import { spread } from './gradients';

/** Features of the inputs of all cases. */
export const FEATURES = 4;

/** One layer, or one way to call it. */
export interface LayerCase {
  build: () => stm.Module;
  /** How it is called. Default: forward(x), and `output` of a result with states. */
  call?: (layer: never, x: PaddedSequence) => Sequence;
  /** What the input holds: numbers (the default), positive numbers, or indices in 0..5. */
  input?: 'numbers' | 'positive' | 'indices' | 'plainIndices';
  /**
   * When a row's output depends on the rows beside it: in training, through statistics or random numbers; always; or
   * by its width, that of the longest row.
   */
  acrossRows?: 'training' | 'always' | 'width';
  /** By how much roundings of its products grow: a norm divides by a small deviation. Default 1. */
  amplifies?: number;
}

/** A user's activation with a parameter. */
class PReLU extends stm.Activation {
  readonly slope = new stm.Parameter(tensor([0.25]));
  protected override activate(values: Tensor): Tensor {
    return stm.where(values.gt(0), values, values.mul(this.slope));
  }
}

/** A user's layer that is singular at 0, where the padding is. */
class Log extends stm.Module {
  forward(x: Sequence): Sequence {
    return stm.mapValues(x, (values) => values.log());
  }
}

/** A user's division of each step by its sum. */
class Share extends stm.Module {
  forward(x: Sequence): Sequence {
    return stm.mapValues(x, (values) => values.div(values.sum(-1, { keepDim: true })));
  }
}

/** A user's module that forgets the lengths. */
class ValuesAlone extends stm.Module {
  constructor(readonly module: stm.Linear | stm.GRU) {
    super();
  }
  forward(x: Sequence): Tensor {
    const result = this.module.forward(x);
    return valuesOf('output' in result ? result.output : result);
  }
}

const D = FEATURES;
const valuesOf = (x: Sequence): Tensor => (x instanceof PaddedSequence ? x.values : x);
const linear = (bias = true): stm.Linear => new stm.Linear({ inFeatures: D, outFeatures: D, bias });
const self = (
  attention: { forward: (query: PaddedSequence, key: Sequence) => PaddedSequence },
  x: PaddedSequence,
): PaddedSequence => attention.forward(x, x);
type Attention = stm.AdditiveAttention;
const oneQuery = (attention: Attention, x: PaddedSequence): Tensor =>
  attention.forward(stm.full([x.shape[0] ?? 0, FEATURES], 0.5), x);

const stepByStep = (cell: stm.GRUCell, x: PaddedSequence): PaddedSequence => new stm.Recurrent(cell).forward(x).output;

/** Tags of the steps: the same at a step in every row. */
function tagsOf(x: Sequence): Sequence {
  const [rows = 0, steps = 0] = x.shape;
  const values = tensor({
    data: Int32Array.from({ length: rows * steps }, (_, at) => (at % steps) % FEATURES),
    shape: [rows, steps],
  });
  return x instanceof PaddedSequence ? new PaddedSequence(values, x.lengths) : values;
}

/** Cases by name; the part before a space is the exported class that the case is about. */
export const layerCases: Readonly<Record<string, LayerCase>> = {
  Linear: { build: () => linear() },
  'Linear without bias': { build: () => linear(false) },
  Embedding: { build: () => new stm.Embedding({ numEmbeddings: 6, embeddingDim: 3, paddingIdx: 0 }), input: 'indices' },
  'Embedding, dropped rows': {
    build: () => new stm.Embedding({ numEmbeddings: 6, embeddingDim: 3, dropout: 0.3 }),
    input: 'indices',
    acrossRows: 'training',
  },
  'Embedding of plain numbers': {
    build: () => new stm.Embedding({ numEmbeddings: 6, embeddingDim: 3 }),
    input: 'plainIndices',
  },
  LayerNorm: { build: () => new stm.LayerNorm({ normalizedShape: D }) },
  BatchNorm1d: { build: () => new stm.BatchNorm1d({ numFeatures: D }), acrossRows: 'training' },
  'BatchNorm1d without statistics': {
    build: () => new stm.BatchNorm1d({ numFeatures: D, trackRunningStats: false, affine: false }),
    acrossRows: 'always',
  },
  Conv1d: { build: () => new stm.Conv1d({ inChannels: D, outChannels: 3, kernelSize: 3 }) },
  "Conv1d 'same'": { build: () => new stm.Conv1d({ inChannels: D, outChannels: 3, kernelSize: 3, padding: 'same' }) },
  'Conv1d with stride': {
    build: () => new stm.Conv1d({ inChannels: D, outChannels: 3, kernelSize: 2, padding: 2, stride: 2, bias: false }),
  },
  AdditiveAttention: {
    build: () => new stm.AdditiveAttention({ querySize: D, keySize: D, hiddenSize: 3 }),
    call: self,
  },
  'AdditiveAttention of prepared keys': {
    build: () => new stm.AdditiveAttention({ querySize: D, keySize: D, hiddenSize: 3 }),
    call: (attention: Attention, x) => attention.forward(x, attention.prepare(x)),
  },
  'AdditiveAttention of one query': {
    build: () => new stm.AdditiveAttention({ querySize: D, keySize: D, hiddenSize: 3 }),
    call: oneQuery,
  },
  MultiplicativeAttention: { build: () => new stm.MultiplicativeAttention({ querySize: D, keySize: D }), call: self },
  'MultiplicativeAttention of plain values': {
    build: () => new stm.MultiplicativeAttention({ querySize: D, keySize: D }),
    call: (attention: stm.MultiplicativeAttention, x) => attention.forward(x, x, valuesOf(x)),
  },
  'MultiplicativeAttention of plain keys': {
    build: () => new stm.MultiplicativeAttention({ querySize: D, keySize: D }),
    call: (attention: stm.MultiplicativeAttention, x) => attention.forward(x, valuesOf(x), x),
  },
  ScaledDotProductAttention: { build: () => new stm.ScaledDotProductAttention(), call: self },
  'ScaledDotProductAttention causal': { build: () => new stm.ScaledDotProductAttention({ causal: true }), call: self },
  'ScaledDotProductAttention weights': {
    build: () => new stm.ScaledDotProductAttention(),
    call: (attention: stm.ScaledDotProductAttention, x) => new PaddedSequence(attention.weights(x, x), x.lengths),
    acrossRows: 'width',
  },
  Dropout: { build: () => new stm.Dropout({ p: 0.3 }), acrossRows: 'training' },
  VariationalDropout: { build: () => new stm.VariationalDropout({ p: 0.3 }), acrossRows: 'training' },
  GaussianNoise: { build: () => new stm.GaussianNoise({ stddev: 0.5 }), acrossRows: 'training' },
  SpecAugment: { build: () => new stm.SpecAugment({ maxFrequencyMask: 2, maxTimePart: 0.5 }), acrossRows: 'training' },
  Standardize: { build: () => new stm.Standardize().fit([[[1, 2, 3, 4]], [[5, 7, 9, 11]]]) },
  LSTM: { build: () => new stm.LSTM({ inputSize: D, hiddenSize: 5, numLayers: 2, bidirectional: true }) },
  'LSTM with projection': { build: () => new stm.LSTM({ inputSize: D, hiddenSize: 5, projSize: 3 }) },
  'LSTM with dropout': {
    build: () => new stm.LSTM({ inputSize: D, hiddenSize: 5, numLayers: 2, dropout: 0.3 }),
    acrossRows: 'training',
  },
  'LSTM with dropped weights': {
    build: () => new stm.LSTM({ inputSize: D, hiddenSize: 5, weightDrop: 0.3 }),
    acrossRows: 'training',
  },
  'LSTM with peepholes and zoneout': {
    build: () => new stm.LSTM({ inputSize: D, hiddenSize: 5, peephole: true, zoneout: 0.2, zoneoutCell: 0.3 }),
    acrossRows: 'training',
  },
  'LSTM with coupled gates and recurrent dropout': {
    build: () =>
      new stm.LSTM({
        inputSize: D,
        hiddenSize: 5,
        numLayers: 2,
        bidirectional: true,
        coupledGates: true,
        recurrentDropout: 0.3,
      }),
    acrossRows: 'training',
  },
  'GRU with the reset before the product': {
    build: () => new stm.GRU({ inputSize: D, hiddenSize: 5, numLayers: 2, resetAfter: false }),
  },
  'GRU with norms': {
    build: () => new stm.GRU({ inputSize: D, hiddenSize: 5, bidirectional: true, layerNorm: true }),
    amplifies: 5,
  },
  'LSTM with a learned state': {
    build: () => new stm.LSTM({ inputSize: D, hiddenSize: 5, projSize: 3, bidirectional: true, learnedState: true }),
  },
  'LSTM state': {
    build: () => new stm.LSTM({ inputSize: D, hiddenSize: 5, bidirectional: true }),
    call: (lstm: stm.LSTM, x) => states(lstm.forward(x)),
  },
  GRU: { build: () => new stm.GRU({ inputSize: D, hiddenSize: 5, bidirectional: true }) },
  RNN: { build: () => new stm.RNN({ inputSize: D, hiddenSize: 5, nonlinearity: 'relu' }) },
  LSTMCell: { build: () => new stm.LSTMCell({ inputSize: D, hiddenSize: 5 }), call: stepByStep },
  GRUCell: { build: () => new stm.GRUCell({ inputSize: D, hiddenSize: 5 }), call: stepByStep },
  RNNCell: { build: () => new stm.RNNCell({ inputSize: D, hiddenSize: 5 }), call: stepByStep },
  Recurrent: { build: () => new stm.Recurrent(new stm.LSTMCell({ inputSize: D, hiddenSize: 5 })) },
  'Recurrent state': {
    build: () => new stm.Recurrent(new stm.GRUCell({ inputSize: D, hiddenSize: 5 })),
    call: (recurrent: stm.Recurrent<{ h: Tensor }>, x) => recurrent.forward(x).state.h,
  },
  ReLU: { build: () => new stm.ReLU() },
  Sigmoid: { build: () => new stm.Sigmoid() },
  Tanh: { build: () => new stm.Tanh() },
  GELU: { build: () => new stm.GELU() },
  SiLU: { build: () => new stm.SiLU() },
  Softplus: { build: () => new stm.Softplus() },
  ELU: { build: () => new stm.ELU() },
  LeakyReLU: { build: () => new stm.LeakyReLU() },
  Softmax: { build: () => new stm.Softmax() },
  LogSoftmax: { build: () => new stm.LogSoftmax() },
  'Activation of a user, with a parameter': { build: () => new PReLU() },
  LastStep: { build: () => new stm.LastStep() },
  'LastStep bidirectional': { build: () => new stm.LastStep({ bidirectional: true }) },
  MeanPool: { build: () => new stm.MeanPool() },
  MaxPool: { build: () => new stm.MaxPool() },
  AttentionPool: { build: () => new stm.AttentionPool({ inputSize: D, hiddenSize: 3 }) },
  CRF: { build: () => new stm.CRF({ numTags: D }) },
  'CRF loss': {
    build: () => new stm.CRF({ numTags: D }),
    call: (crf: stm.CRF, x) => crf.loss(x, tagsOf(x), { reduction: 'none' }),
  },
  Residual: { build: () => new stm.Residual(linear()) },
  'Residual of a convolution': {
    build: () => new stm.Residual(new stm.Conv1d({ inChannels: D, outChannels: D, kernelSize: 3, padding: 'same' })),
  },
  Bidirectional: {
    build: () =>
      new stm.Bidirectional(new stm.GRU({ inputSize: D, hiddenSize: 3 }), new stm.GRU({ inputSize: D, hiddenSize: 3 })),
  },
  'Bidirectional product': { build: () => new stm.Bidirectional(linear(), linear(false), { merge: 'mul' }) },
  'Bidirectional mean': {
    build: () => new stm.Bidirectional(new Log(), new stm.Softplus(), { merge: 'mean' }),
    input: 'positive',
  },
  'Bidirectional of modules that lose the lengths': {
    build: () =>
      new stm.Bidirectional(new ValuesAlone(linear()), new ValuesAlone(new stm.GRU({ inputSize: D, hiddenSize: D }))),
  },
  'Residual of a module that loses the lengths': { build: () => new stm.Residual(new ValuesAlone(linear())) },
  TimeDistributed: { build: () => new stm.TimeDistributed(linear()) },
  'TimeDistributed logarithm': {
    build: () => new stm.TimeDistributed(new stm.Sequential(linear(), new stm.Softplus(), new Log(), linear())),
    input: 'positive',
  },
  Sequential: {
    build: () =>
      new stm.Sequential(
        linear(),
        new stm.ReLU(),
        linear(false),
        new stm.LSTM({ inputSize: D, hiddenSize: 3 }),
        new stm.LastStep(),
      ),
  },
  'Sequential with a logarithm of a user': {
    build: () => new stm.Sequential(linear(), new stm.Softplus(), new Log(), linear(), new stm.MaxPool()),
  },
  'Sequential of logarithms without parameters': {
    build: () => new stm.Sequential(new stm.SiLU(), new Log(), new stm.Tanh()),
    input: 'positive',
  },
  'Sequential with a share of a user': {
    build: () =>
      new stm.Sequential(new stm.LayerNorm({ normalizedShape: D }), new stm.Softplus(), new Share(), linear(false)),
  },
  'Sequential of normalizations': {
    build: () =>
      new stm.Sequential(new stm.BatchNorm1d({ numFeatures: D }), new stm.Tanh(), new Share(), linear(false)),
    acrossRows: 'training',
    amplifies: 10, // gradients above 100
  },
};

/** One layer of each exported class that a case is about, made anew. */
export function oneOfEach(): stm.Module[] {
  const classes = Object.keys(layerCases).filter((name) => name in stm);
  return classes.flatMap((name) => layerCases[name]?.build() ?? []);
}

/** All states of a recurrent layer in one tensor, rows first. */
function states({ h, c }: { h: Tensor; c: Tensor }): Tensor {
  return stm.concat([h, c], 2).transpose(0, 1);
}

/** Exported modules that no case is about: bases. */
export const baseClasses = ['Module', 'RecurrentCell', 'RecurrentLayer'];

/** Layers for inference on the CPU alone, without gradients: test/layers/quantized.test.ts has what the cases have. */
export const inferenceLayers = ['QuantizedGRU', 'QuantizedLinear', 'QuantizedLSTM', 'QuantizedRNN'];

/** Real steps of `lengths.length` rows, with `fill` in the padding. */
export function casesInput(
  { input = 'numbers' }: LayerCase,
  lengths: readonly number[],
  steps: number,
  fill: number,
): stm.HostArray {
  const indices = input === 'indices' || input === 'plainIndices';
  const width = indices ? 1 : FEATURES;
  const data = new (input === 'indices' ? Int32Array : Float32Array)(lengths.length * steps * width).fill(fill);
  /** The number of one place, as the layer can take it. */
  const number = (value: number): number => {
    if (indices) return Math.floor(Math.abs(value) * 5.99);
    return input === 'positive' ? Math.abs(value) + 0.1 : value;
  };
  lengths.forEach((length, row) => {
    for (let place = 0; place < length * width; place++) {
      data[row * steps * width + place] = number(spread(row * 37 + place, 3));
    }
  });
  return { data, shape: indices ? [lengths.length, steps] : [lengths.length, steps, FEATURES] };
}

/** Calls a layer as its case says. */
export function callCase({ call }: LayerCase, layer: stm.Module, x: Sequence): Sequence {
  const forward =
    call === undefined
      ? (Reflect.get(layer, 'forward') as (x: Sequence) => unknown).bind(layer)
      : (x: Sequence) => call(layer as never, x as PaddedSequence);
  const result = forward(x);
  return result instanceof Tensor || result instanceof PaddedSequence
    ? result
    : (result as { output: Sequence }).output;
}
