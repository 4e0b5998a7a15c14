import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import * as stmnet from 'stmnet';
import {
  BatchNorm1d,
  BufferTensor,
  Embedding,
  GRU,
  Linear,
  LSTM,
  Module,
  Parameter,
  Residual,
  RNN,
  Sequential,
  Standardize,
  load,
  loadSafetensors,
  manualSeed,
  noGrad,
  rand,
  randn,
  save,
  saveSafetensors,
  tensor,
  type Tensor,
} from 'stmnet';
import { layerCases } from '../support/layer-cases';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-identity-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

/** Type, shape and bytes of each tensor: numbers compare -0 and NaN as equal to others of their kind, bytes do not. */
async function bytesOf(tensors: Record<string, Tensor>): Promise<Record<string, string>> {
  const entries = Object.entries(tensors).map(async ([name, values]) => {
    const data = await values.data();
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString('hex');
    return [name, `${values.dtype}[${values.shape.join()}] ${bytes}`] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * Puts numbers everywhere that no constructor puts there: denormal, not a number, minus zero, and all kinds of others.
 */
function disturb(model: Module): void {
  for (const values of [...model.parameters(), ...model.buffers()]) {
    if (values.dtype !== 'f32' && values.dtype !== 'f64') continue;
    const odd = [-0, Number.NaN, Infinity, values.dtype === 'f32' ? 1e-42 : 5e-324];
    const host = Float64Array.from({ length: values.size }, (_, i) => odd[i] ?? Math.fround(Math.sin(i) * 1e3) / 3);
    noGrad(() => values.copy_(tensor({ data: host, shape: [...values.shape] }, { dtype: 'f64' }).cast(values.dtype)));
  }
}

const f64 = { dtype: 'f64' } as const;
const of = (make: () => Module): Record<string, () => Module> => ({ '': make });

/** Layers of the public surface in the forms whose state differs; of others the cases of all layers are taken. */
const makers: Record<string, Record<string, () => Module>> = {
  AdditiveAttention: {
    '': () => new stmnet.AdditiveAttention({ querySize: 2, keySize: 3, hiddenSize: 4 }),
    f64: () => new stmnet.AdditiveAttention({ querySize: 2, keySize: 3, hiddenSize: 4, ...f64 }),
  },
  BatchNorm1d: {
    '': () => new BatchNorm1d({ numFeatures: 3 }),
    'f64, without factors': () => new BatchNorm1d({ numFeatures: 3, affine: false, ...f64 }),
    'without statistics': () => new BatchNorm1d({ numFeatures: 3, trackRunningStats: false, momentum: 0.25 }),
  },
  Bidirectional: of(
    () =>
      new stmnet.Bidirectional(new GRU({ inputSize: 2, hiddenSize: 2 }), new GRU({ inputSize: 2, hiddenSize: 2 }), {
        merge: 'mean',
      }),
  ),
  Conv1d: {
    '': () => new stmnet.Conv1d({ inChannels: 2, outChannels: 3, kernelSize: 2 }),
    f64: () => new stmnet.Conv1d({ inChannels: 2, outChannels: 3, kernelSize: 2, bias: false, ...f64 }),
  },
  Dropout: of(() => new stmnet.Dropout({ p: 0.1 })),
  ELU: of(() => new stmnet.ELU({ alpha: 0.3 })),
  Embedding: {
    '': () => new Embedding({ numEmbeddings: 4, embeddingDim: 2, paddingIdx: 1 }),
    'f64, frozen': () => new Embedding({ numEmbeddings: 4, embeddingDim: 2, freeze: true, ...f64 }),
  },
  GELU: of(() => new stmnet.GELU()),
  GRU: {
    '': () => new GRU({ inputSize: 2, hiddenSize: 3, numLayers: 2, bidirectional: true }),
    f64: () => new GRU({ inputSize: 2, hiddenSize: 3, bias: false, ...f64 }),
    variant: () => new GRU({ inputSize: 2, hiddenSize: 3, resetAfter: false, zoneout: 0.2, learnedState: true }),
  },
  GaussianNoise: of(() => new stmnet.GaussianNoise({ stddev: 0.7 })),
  LSTM: {
    '': () => new LSTM({ inputSize: 2, hiddenSize: 3, projSize: 2, numLayers: 2, bidirectional: true, dropout: 0.3 }),
    f64: () => new LSTM({ inputSize: 2, hiddenSize: 3, batchFirst: false, ...f64 }),
    variant: () =>
      new LSTM({
        inputSize: 2,
        hiddenSize: 3,
        bidirectional: true,
        recurrentDropout: 0.1,
        zoneout: 0.2,
        zoneoutCell: 0.3,
        layerNorm: true,
        peephole: true,
        coupledGates: true,
        returnCells: true,
      }),
  },
  LastStep: of(() => new stmnet.LastStep({ bidirectional: true })),
  LayerNorm: {
    '': () => new stmnet.LayerNorm({ normalizedShape: [2, 3], eps: 1e-3 }),
    'f64, without bias': () => new stmnet.LayerNorm({ normalizedShape: 3, bias: false, ...f64 }),
  },
  LeakyReLU: of(() => new stmnet.LeakyReLU({ negativeSlope: 0.3 })),
  Linear: {
    '': () => new Linear({ inFeatures: 2, outFeatures: 3 }),
    f64: () => new Linear({ inFeatures: 2, outFeatures: 3, bias: false, ...f64 }),
  },
  LogSoftmax: of(() => new stmnet.LogSoftmax({ dim: 1 })),
  MaxPool: of(() => new stmnet.MaxPool()),
  MeanPool: of(() => new stmnet.MeanPool()),
  MultiplicativeAttention: of(() => new stmnet.MultiplicativeAttention({ querySize: 2, keySize: 3 })),
  QuantizedGRU: of(() => new stmnet.QuantizedGRU({ inputSize: 2, hiddenSize: 3, numLayers: 2, bidirectional: true })),
  QuantizedLSTM: {
    '': () => new stmnet.QuantizedLSTM({ inputSize: 2, hiddenSize: 3, projSize: 2, numLayers: 2, bias: false }),
    'of a trained one': () =>
      stmnet.quantizeDynamic(new LSTM({ inputSize: 2, hiddenSize: 3, learnedState: true })).model,
  },
  QuantizedLinear: {
    '': () => new stmnet.QuantizedLinear({ inFeatures: 2, outFeatures: 3, bias: false }),
    'of a trained one': () => stmnet.quantizeDynamic(new Linear({ inFeatures: 2, outFeatures: 3 })).model,
  },
  QuantizedRNN: of(() => new stmnet.QuantizedRNN({ inputSize: 2, hiddenSize: 3, nonlinearity: 'relu' })),
  RNN: of(() => new RNN({ inputSize: 2, hiddenSize: 3, nonlinearity: 'relu' })),
  ReLU: of(() => new stmnet.ReLU()),
  Residual: of(() => new Residual(new Linear({ inFeatures: 2, outFeatures: 2 }))),
  ScaledDotProductAttention: of(() => new stmnet.ScaledDotProductAttention()),
  Sequential: of(() => new Sequential(new Linear({ inFeatures: 2, outFeatures: 2 }), new stmnet.Tanh())),
  SiLU: of(() => new stmnet.SiLU()),
  Sigmoid: of(() => new stmnet.Sigmoid()),
  Softmax: of(() => new stmnet.Softmax()),
  Softplus: of(() => new stmnet.Softplus()),
  Standardize: {
    '': () =>
      new Standardize().fit([
        [
          [1, 5],
          [2, 7],
        ],
        [[4, 1]],
      ]),
    f64: () =>
      new Standardize({ ...f64 }).fit([
        [
          [1, 5],
          [2, 7],
        ],
      ]),
    'before fit': () => new Standardize(),
  },
  Tanh: of(() => new stmnet.Tanh()),
  TimeDistributed: of(() => new stmnet.TimeDistributed(new Linear({ inFeatures: 2, outFeatures: 2 }))),
};

/** Classes that the package exports for others to extend. */
const bases = ['Module', 'RecurrentCell', 'RecurrentLayer', 'Activation', 'Attention'];

const isLayer = (value: unknown): boolean => typeof value === 'function' && value.prototype instanceof Module;
const layers = Object.entries(stmnet)
  .filter(([name, value]) => isLayer(value) && !bases.includes(name))
  .map(([name]) => name);

/** What a case is called, the layer, and how it is made. */
type Case = readonly [title: string, name: string, make: () => Module];
const ofForms = Object.entries(makers).flatMap(([name, forms]) =>
  Object.entries(forms).map(([form, make]): Case => [form === '' ? name : `${name}, ${form}`, name, make]),
);
const others = Object.entries(layerCases)
  .map(([title, { build }]): Case => [title, title.split(' ')[0] ?? '', build])
  .filter(([, name]) => layers.includes(name) && !Object.hasOwn(makers, name));
const cases = [...ofForms, ...others];

test('every layer that the package exports is here', () => {
  expect([...new Set(cases.map(([, name]) => name))].sort()).toEqual(layers.sort());
});

test.each(cases)('%s comes back bit for bit, without a word of its class', async (_, name, make) => {
  const model = make();
  disturb(model);
  await save(model, path);
  const copy: Module = await load(path);
  expect(copy.constructor).toBe(Reflect.get(stmnet, name));
  expect(copy.config()).toEqual(model.config());
  expect(await bytesOf(copy.stateDict())).toEqual(await bytesOf(model.stateDict()));
  expect(copy.parameters().map((values) => values.requiresGrad)).toEqual(
    model.parameters().map((values) => values.requiresGrad),
  );
  expect(copy.buffers()).toHaveLength(model.buffers().length);
});

test.each(cases)('%s goes into another one by its state, through a file too', async (_, __, make) => {
  const [model, other, third] = [make(), make(), make()];
  disturb(model);
  other.loadStateDict(model.stateDict());
  await saveSafetensors(path, model.stateDict());
  third.loadStateDict(await loadSafetensors(path));
  const expected = await bytesOf(model.stateDict());
  expect(await bytesOf(other.stateDict())).toEqual(expected);
  expect(await bytesOf(third.stateDict())).toEqual(expected);
});

/** Parameters and buffers of its own, options of every kind that JSON has, and layers in arrays and objects. */
class Mixed extends Module {
  readonly scale: Parameter;
  readonly seen = new BufferTensor(tensor([1, 2, 3], { dtype: 'i32' }));
  readonly mask = new BufferTensor(tensor([true, false], { dtype: 'bool' }));
  readonly layers: Module[];
  readonly named: Record<string, Module>;

  constructor(
    readonly options: { widths: number[]; name: string; nothing: null; deep: { on: boolean; rate: number } },
  ) {
    super();
    const [first = 1, ...others] = options.widths;
    this.scale = new Parameter(rand([first], f64));
    this.layers = others.map((outFeatures) => new Linear({ inFeatures: first, outFeatures }));
    this.named = {
      norm: new BatchNorm1d({ numFeatures: first }),
      'with.dot': new Linear({ inFeatures: 1, outFeatures: 1 }),
    };
  }

  forward(x: Tensor): Tensor {
    return x.mul(this.scale);
  }
}

describe('models of one’s own come back bit for bit', () => {
  test('with their options', async () => {
    const options = { widths: [2, 3, 4], name: 'ünï "quoted"', nothing: null, deep: { on: false, rate: 1e-7 } };
    const model = new Sequential(new Mixed(options), new Residual(new Mixed({ ...options, widths: [1] })));
    disturb(model);
    await save(model, path);
    const copy = (await load(path, { classes: { Mixed } })) as unknown as Sequential;
    expect((copy[0] as Mixed).options).toEqual(options);
    expect(copy.config()).toEqual(model.config());
    expect(await bytesOf(copy.stateDict())).toEqual(await bytesOf(model.stateDict()));
  });

  test('with ties of parameters, buffers and modules, and a dot in a name', async () => {
    class Tied extends Module {
      embedding = new Embedding({ numEmbeddings: 5, embeddingDim: 2 });
      'head.of': Linear = new Linear({ inFeatures: 2, outFeatures: 5 });
      norm = new BatchNorm1d({ numFeatures: 2 });
      norms = [this.norm, new BatchNorm1d({ numFeatures: 2 })];
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    manualSeed(2);
    const model = new Tied();
    model['head.of'].weight = model.embedding.weight;
    model.norms[1]!.running_var = model.norm.running_var;
    disturb(model);
    await save(model, path);
    const copy = (await load(path, { classes: { Tied } })) as unknown as Tied;
    expect(await bytesOf(copy.stateDict())).toEqual(await bytesOf(model.stateDict()));
    expect(copy['head.of'].weight).toBe(copy.embedding.weight);
    expect(copy.norms[0]).toBe(copy.norm);
    expect(copy.norms[1]?.running_var).toBe(copy.norm.running_var);
    expect([copy.parameters().length, copy.buffers().length]).toEqual([
      model.parameters().length,
      model.buffers().length,
    ]);
    noGrad(() => copy.norm.forward(randn([8, 2])));
    expect(await bytesOf({ x: copy.norms[0]!.running_mean! })).toEqual(await bytesOf({ x: copy.norm.running_mean! }));
  });

  test('named like a layer of stmnet, beside it, also when it extends it', async () => {
    const packaged = Linear;
    const own = ((): typeof Linear => {
      class Linear extends packaged {
        override forward<X extends stmnet.Sequence>(x: X): X {
          return super.forward(super.forward(x));
        }
      }
      return Linear as typeof packaged;
    })();
    const options = { inFeatures: 2, outFeatures: 2 };
    const model = new Sequential(new own(options), new packaged(options));
    await save(model, path);
    const copy = (await load(path, { classes: { Linear: own } })) as unknown as Sequential;
    expect([copy[0]?.constructor, copy[1]?.constructor]).toEqual([own, packaged]);
    const x = randn([3, 2]);
    expect(await bytesOf({ y: noGrad(() => copy.forward(x)) as Tensor })).toEqual(
      await bytesOf({ y: noGrad(() => model.forward(x)) as Tensor }),
    );
    await expect(load(path)).rejects.toThrow('a model that holds a Linear, which is not that of stmnet');
  });

  test('but not two classes of one name', async () => {
    const make = (): new () => Module => {
      class Block extends Module {
        forward(x: Tensor): Tensor {
          return x;
        }
      }
      return Block;
    };
    const [A, B] = [make(), make()];
    await save(new Sequential(new A(), new A()), path);
    await expect(save(new Sequential(new A(), new Residual(new B())), path)).rejects.toThrow(
      'save: got two classes with the name Block, expected names that differ, which load() finds the classes by.\n' +
        '  Fix: give one of them another name than Block.',
    );
  });

  test('also from a file of before, which does not say whose a class is', async () => {
    class Block extends Module {
      scale = new Parameter(rand([2]));
      forward(x: Tensor): Tensor {
        return x.mul(this.scale);
      }
    }
    const model = new Sequential(new Block());
    const config = JSON.stringify(model.config()).replace('"own":true', '"children":[]');
    expect(config).not.toContain('own');
    await saveSafetensors(path, model.stateDict(), { metadata: { 'stmnet.format': '1', 'stmnet.config': config } });
    const copy = await load<Sequential>(path, { classes: { Block } });
    expect(copy[0]).toBeInstanceOf(Block);
    expect(await bytesOf(copy.stateDict())).toEqual(await bytesOf(model.stateDict()));
  });

  test('and not options with a hole, or without end', async () => {
    const model = new Mixed({ widths: [1, 2], name: '', nothing: null, deep: { on: true, rate: 1 } });
    Object.assign(model.options, { widths: [1, undefined] });
    await expect(save(model, path)).rejects.toThrow('Mixed with options.widths[1]: undefined');
    Object.assign(model.options, { widths: [1], deep: model.options });
    await expect(save(model, path)).rejects.toThrow('save: got Mixed with options.deep: { widths');
  });
});

/** Its own constructor makes a layer with weights of 8 bits. */
class WithSmallHead extends Module {
  readonly encoder = new LSTM({ inputSize: 2, hiddenSize: 3 });
  readonly head = new stmnet.QuantizedLinear({ inFeatures: 3, outFeatures: 2 });
  readonly options = {};

  forward(x: Tensor): Tensor {
    return this.head.forward(this.encoder.forward(x).output);
  }
}

test('a class that makes quantised layers itself, as it is and quantised as a whole', async () => {
  for (const model of [new WithSmallHead(), stmnet.quantizeDynamic(new WithSmallHead()).model]) {
    await save(model, path);
    const copy = await load(path, { classes: { WithSmallHead } });
    expect(await bytesOf(copy.stateDict())).toEqual(await bytesOf(model.stateDict()));
    expect(copy.config()).toEqual(model.config());
  }
});
