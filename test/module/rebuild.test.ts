import { describe, expect, test } from 'vitest';
import {
  AdditiveAttention,
  BatchNorm1d,
  Bidirectional,
  Conv1d,
  Dropout,
  ELU,
  Embedding,
  GELU,
  GRU,
  GaussianNoise,
  LSTM,
  LastStep,
  LayerNorm,
  LeakyReLU,
  Linear,
  LogSoftmax,
  MaxPool,
  MeanPool,
  Module,
  MultiplicativeAttention,
  RNN,
  ReLU,
  Residual,
  ScaledDotProductAttention,
  Sequential,
  SiLU,
  Sigmoid,
  Softmax,
  Softplus,
  Standardize,
  Tanh,
  TimeDistributed,
  type Tensor,
} from 'stmnet';
import type { ModuleConfig } from '../../src/module/module';
import { rebuild } from '../../src/module/rebuild';
import { here } from '../support/devices';

const modules: Module[] = [
  new AdditiveAttention({ querySize: 2, keySize: 3, hiddenSize: 4 }),
  new BatchNorm1d({ numFeatures: 3 }),
  new Bidirectional(new Tanh(), new ReLU(), { merge: 'sum' }),
  new Conv1d({ inChannels: 2, outChannels: 3, kernelSize: 3 }),
  new Dropout({ p: 0.1 }),
  new ELU({ alpha: 2 }),
  new Embedding({ numEmbeddings: 5, embeddingDim: 2, paddingIdx: 1 }),
  new GELU(),
  new GRU({ inputSize: 2, hiddenSize: 3, numLayers: 2 }),
  new GaussianNoise({ stddev: 0.2 }),
  new LSTM({ inputSize: 2, hiddenSize: 3, projSize: 2, bidirectional: true }),
  new LastStep({ bidirectional: true }),
  new LayerNorm({ normalizedShape: 4 }),
  new LeakyReLU({ negativeSlope: 0.2 }),
  new Linear({ inFeatures: 2, outFeatures: 3, bias: false }),
  new LogSoftmax({ dim: 1 }),
  new MaxPool(),
  new MeanPool(),
  new MultiplicativeAttention({ querySize: 2, keySize: 3 }),
  new RNN({ inputSize: 2, hiddenSize: 3, nonlinearity: 'relu' }),
  new Residual(new Linear({ inFeatures: 2, outFeatures: 2 })),
  new ScaledDotProductAttention(),
  new SiLU(),
  new Sigmoid(),
  new Softmax(),
  new Softplus(),
  new Standardize({ numFeatures: 3 }),
  new Tanh(),
  new TimeDistributed(new Sequential(new Tanh())),
];

/** As a file carries it. */
const throughJson = (module: Module): ModuleConfig => JSON.parse(JSON.stringify(module.config())) as ModuleConfig;

describe('rebuild', () => {
  test.each(modules.map((module): [string, Module] => [module.constructor.name, module]))('%s', (_, module) => {
    const copy = rebuild(throughJson(module));
    expect(copy).toBeInstanceOf(module.constructor);
    expect(copy.config()).toEqual(module.config());
    expect(copy.loadStateDict(module.stateDict())).toEqual({ missing: [], unexpected: [] });
  });

  test('keeps ties', () => {
    const [embedding, decoder] = [
      new Embedding({ numEmbeddings: 5, embeddingDim: 2 }),
      new Linear({ inFeatures: 2, outFeatures: 5 }),
    ];
    decoder.weight = embedding.weight;
    const model = new Sequential(embedding, decoder);
    expect(model.config().tied).toEqual([['0.weight', '1.weight']]);
    const copy = rebuild(throughJson(model));
    expect(copy.parameters()).toHaveLength(2);
    expect(Array.from(copy.namedParameters(), ([name]) => name)).toEqual(['0.weight', '1.bias']);
  });

  test('keeps a module that is used twice one module, buffers and all', () => {
    const norm = new BatchNorm1d({ numFeatures: 2 });
    const model = new Sequential(norm, new Residual(norm), new Linear({ inFeatures: 2, outFeatures: 2 }));
    expect(model.config().tied).toEqual([['0', '1.module']]);
    const copy = rebuild(throughJson(model)) as Sequential;
    expect((copy[1] as Residual).module).toBe(copy[0]);
    expect([copy.parameters().length, copy.buffers().length]).toEqual([4, 3]);
    expect(copy.config()).toEqual(model.config());
  });

  test('keeps a shared buffer shared', () => {
    const [a, b] = [new BatchNorm1d({ numFeatures: 2 }), new BatchNorm1d({ numFeatures: 2 })];
    b.running_mean = a.running_mean;
    const copy = rebuild(throughJson(new Sequential(a, b))) as Sequential;
    expect((copy[1] as BatchNorm1d).running_mean).toBe((copy[0] as BatchNorm1d).running_mean);
    expect((copy[1] as BatchNorm1d).running_var).not.toBe((copy[0] as BatchNorm1d).running_var);
  });

  test('tells a class of the user’s from its namesake here', () => {
    const packaged = Linear;
    const own = ((): typeof Module => {
      class Linear extends Module {
        forward(x: Tensor): Tensor {
          return x;
        }
      }
      return Linear;
    })() as unknown as new () => Module;
    const model = new Sequential(new own(), new packaged({ inFeatures: 2, outFeatures: 1 }));
    const copy = rebuild(throughJson(model), { Linear: own }) as Sequential;
    expect([copy[0], copy[1]].map((module) => module?.constructor)).toEqual([own, packaged]);
    expect(() => rebuild(throughJson(model))).toThrow(
      'load: got a model that holds a Linear, which is not that of stmnet, ' +
        'expected a class of stmnet or one that is passed.\n' +
        '  Fix: load(path, { classes: { Linear } }).',
    );
    expect(rebuild(throughJson(new packaged({ inFeatures: 2, outFeatures: 1 })), { Linear: own })).toBeInstanceOf(
      packaged,
    );
  });

  test('builds classes of the user’s with their options', () => {
    class Tagger extends Module {
      linear: Linear;
      constructor(readonly options: { classes: number }) {
        super();
        this.linear = new Linear({ inFeatures: 2, outFeatures: options.classes });
      }
      forward(x: Tensor): Tensor {
        return this.linear.forward(x);
      }
    }
    const model = new Sequential(new Tanh(), new Tagger({ classes: 7 }));
    const copy = rebuild(throughJson(model), { Tagger });
    expect(Object.entries(copy.stateDict()).map(([name, value]) => `${name} ${String(value)}`)).toEqual([
      `1.linear.weight f32[7, 2] on ${here}`,
      `1.linear.bias f32[7] on ${here}`,
    ]);
    expect(() => rebuild(throughJson(model))).toThrow(
      'load: got a model that holds a Tagger, expected a class of stmnet or one that is passed.\n' +
        '  Fix: load(path, { classes: { Tagger } }).',
    );
  });

  test.each([
    ['null'],
    ['{}'],
    ['{"class":7}'],
    ['{"class":"Sequential","children":{}}'],
    ['{"class":"Linear","options":{"inFeatures":1,"outFeatures":1},"tied":[["weight","nothing"]]}'],
    ['{"class":"Linear","options":{"inFeatures":1,"outFeatures":1},"tied":[["__proto__.weight","weight"]]}'],
    ['{"class":"Linear","options":{"inFeatures":1,"outFeatures":1},"tied":[7]}'],
    ['{"class":"Dropout","nptions":{"p":0.9}}'],
    ['{"class":"ReLU","options":{"p":0.9}}'],
    ['{"class":"ReLU","children":[{"class":"ReLU"}]}'],
    ['{"class":"ReLU","own":false}'],
    ['[]'],
    ['{"class":"Sequential","children":[{"class":"ReLU"},{"class":"Tanh"}],"tied":[["0","1"]]}'],
    ['{"class":"Sequential","children":[{"class":"ReLU"}],"options":{}}'],
    ['{"class":"constructor"}'],
    ['{"class":"Sequential","children":[null]}'],
  ])('refuses %s', (json) => {
    expect(() => rebuild(JSON.parse(json) as ModuleConfig)).toThrow(/: got /);
  });
});
