import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import * as stm from 'stmnet';
import {
  Accuracy,
  Adam,
  CrossEntropyLoss,
  DataLoader,
  Embedding,
  GRU,
  LastStep,
  Linear,
  load,
  LSTM,
  manualSeed,
  Module,
  noGrad,
  quantizeDynamic,
  rand,
  randn,
  save,
  Sequential,
  setDefaultDevice,
  Standardize,
  tensor,
  Trainer,
  type Tensor,
} from 'stmnet';
import { japaneseVowels } from 'stmnet/datasets';
import { mostQuantizedColumns } from '../../src/tensor/ops/quantized';
import { scratchFolder } from '../support/scratch';

setDefaultDevice('cpu'); // where weights of 8 bits are for

const folder = scratchFolder('quantized');

/** Layers in fields, in arrays, twice, and with weights that are shared. */
class Tagger extends Module {
  embedding = new Embedding({ numEmbeddings: 9, embeddingDim: 6 });
  lstm = new LSTM({ inputSize: 6, hiddenSize: 8, bidirectional: true });
  heads = [new Linear({ inFeatures: 16, outFeatures: 4 }), new Linear({ inFeatures: 16, outFeatures: 4 })];
  again = this.lstm;
  first = this.heads[0];
  out = new Linear({ inFeatures: 6, outFeatures: 9 });
  gated = new GRU({ inputSize: 6, hiddenSize: 3, layerNorm: true });
  wide = new Linear({ inFeatures: 6, outFeatures: 2, dtype: 'f64' });

  constructor() {
    super();
    this.heads[1]!.weight = this.heads[0]!.weight;
    this.out.weight = this.embedding.weight;
  }
  forward(words: Tensor): Tensor {
    return this.heads[1]!.forward(this.again.forward(this.embedding.forward(words)).output);
  }
}

const sizes = { inputSize: 1, hiddenSize: 2 };
const words = (): Tensor => tensor({ data: Int32Array.from([1, 5, 8, 3, 0, 2]), shape: [2, 3] });

test('a copy has the layers that can be in 8 bits, and says which are left', async () => {
  manualSeed(1);
  const model = new Tagger();
  const state = JSON.stringify(await Promise.all(Object.values(model.stateDict()).map((value) => value.array())));
  const { model: small, quantized, left } = quantizeDynamic(model);
  expect(small).toBeInstanceOf(Tagger);
  expect(quantized).toEqual(['lstm', 'heads.0', 'heads.1']);
  expect(left).toEqual([
    { path: 'out', reason: 'its weight is embedding.weight as well' },
    { path: 'gated', reason: 'it has a variant of the cell of GRU' },
    { path: 'wide', reason: 'its weights are f64' },
  ]);
  expect([small.training, model.training]).toEqual([false, true]);
  expect(JSON.stringify(await Promise.all(Object.values(model.stateDict()).map((value) => value.array())))).toBe(state);
  expect(model.lstm).toBeInstanceOf(LSTM);
  // what was one is one
  expect(small.again).toBe(small.lstm);
  expect(small.first).toBe(small.heads[0]);
  expect(small.heads[1]?.weight).toBe(small.heads[0]?.weight);
  expect(small.heads[1]?.bias).not.toBe(small.heads[0]?.bias);
  expect(small.out.weight).toBe(small.embedding.weight);
  const [got, expected] = noGrad(() => [small.forward(words()), model.eval().forward(words())]);
  const worst = await got!.sub(expected!).abs().max().item();
  expect(worst).toBeLessThan(0.02);
  expect(worst).toBeGreaterThan(0);
});

test('a file holds its weights as I8, and comes back as it was', async () => {
  manualSeed(2);
  const { model } = quantizeDynamic(new Tagger());
  const path = join(folder, 'tagger.safetensors');
  await save(model, path);
  const bytes = await readFile(path);
  const header = JSON.parse(bytes.subarray(8, 8 + Number(bytes.readBigUInt64LE())).toString()) as Record<
    string,
    { dtype: string; shape: number[] }
  >;
  expect(header['lstm.weight_ih_l0_reverse']).toMatchObject({ dtype: 'I8', shape: [32, 6] });
  expect(header['lstm.weight_ih_l0_reverse_scale']).toMatchObject({ dtype: 'F32', shape: [32] });
  expect(header['heads.0.weight']).toMatchObject({ dtype: 'I8', shape: [4, 16] });
  const copy = (await load(path, { classes: { Tagger } })).eval();
  expect(copy.lstm).toBeInstanceOf(stm.QuantizedLSTM);
  expect(copy.heads[1]?.weight).toBe(copy.heads[0]?.weight);
  expect(copy.again).toBe(copy.lstm);
  expect(copy.config()).toEqual(model.config());
  const [got, expected] = noGrad(() => [copy.forward(words()), model.forward(words())]);
  expect(await got!.data()).toEqual(await expected!.data());
  await save(copy, path); // and once more
  expect(await readFile(path)).toEqual(bytes);
});

test('a container is rebuilt of quantised layers, and its file has a quarter of the size', async () => {
  manualSeed(3);
  const model = new Sequential(
    new LSTM({ inputSize: 64, hiddenSize: 128, numLayers: 2 }),
    new LastStep(),
    new stm.Residual(new Linear({ inFeatures: 128, outFeatures: 128 })),
  );
  const { model: small, quantized } = quantizeDynamic(model);
  expect(quantized).toEqual(['0', '2.module']);
  const [whole, part] = [join(folder, 'whole.safetensors'), join(folder, 'part.safetensors')];
  await save(model, whole);
  await save(small, part);
  const sizes = [(await stat(part)).size, (await stat(whole)).size];
  expect(sizes[0]! / sizes[1]!).toBeLessThan(0.28);
  const copy = (await load(part)).eval();
  const x = rand([2, 4, 64]);
  const [got, expected] = noGrad(() => [copy.forward(x), small.forward(x)] as Tensor[]);
  expect(await got!.data()).toEqual(await expected!.data());
});

test('layers by their paths', () => {
  const model = new Tagger();
  const { quantized, left } = quantizeDynamic(model, { layers: ['heads.0', 'heads.1'] });
  expect(quantized).toEqual(['heads.0', 'heads.1']);
  expect(left.find(({ path }) => path === 'lstm')).toEqual({ path: 'lstm', reason: 'not among layers' });
  const outer = new Sequential(new Sequential(new Linear({ inFeatures: 1, outFeatures: 1 })), new LSTM(sizes));
  expect(quantizeDynamic(outer, { layers: ['0'] }).quantized).toEqual(['0.0']);
  expect(quantizeDynamic(new Tagger(), { layers: ['again'] }).quantized).toEqual(['lstm']);
});

test('a stream of the copy gives what the copy gives', async () => {
  manualSeed(4);
  const model = new Sequential(
    new GRU({ inputSize: 3, hiddenSize: 16 }),
    new Linear({ inFeatures: 16, outFeatures: 2 }),
  );
  const { model: small } = quantizeDynamic(model);
  const x = randn([1, 5, 3]);
  const expected = await noGrad(() => small.forward(x) as Tensor).data();
  const stream = small.createStream();
  const steps = await x.data();
  for (let step = 0; step < 5; step++) {
    const { data } = await stream.step(steps.slice(3 * step, 3 * step + 3));
    expect(data).toEqual(expected.slice(2 * step, 2 * step + 2));
  }
});

test('costs little accuracy: who of nine speakers said it', async () => {
  manualSeed(1);
  const { train, test: unseen } = await japaneseVowels();
  const model = new Sequential(
    new Standardize().fit(train),
    new LSTM({ inputSize: 12, hiddenSize: 48, bidirectional: true }),
    new LastStep({ bidirectional: true }),
    new Linear({ inFeatures: 96, outFeatures: 9 }),
  );
  const optimizer = new Adam(model.parameters(), { learningRate: 4e-3 });
  const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer, metrics: [new Accuracy()] });
  await trainer.fit(new DataLoader(train, { batchSize: 16, shuffle: true }), { epochs: 8, progress: false });
  const { model: small } = quantizeDynamic(model);
  const judge = new Trainer({ model: small, loss: new CrossEntropyLoss(), metrics: [new Accuracy()] });
  const whole = await trainer.evaluate(new DataLoader(unseen, { batchSize: 64 }));
  const rounded = await judge.evaluate(new DataLoader(unseen, { batchSize: 64 }));
  expect(whole.accuracy).toBeGreaterThan(0.9);
  expect(rounded.accuracy).toBeGreaterThan((whole.accuracy ?? 1) - 0.011); // 4 of 370 utterances
  expect(Math.abs(rounded.loss - whole.loss)).toBeLessThan(0.02);
  expect(rounded.loss).not.toBe(whole.loss);
});

test('rows as wide as their sums allow have 8 bits; wider ones stay in f32', () => {
  const inFeatures = mostQuantizedColumns();
  const model = new Sequential(
    new Linear({ inFeatures, outFeatures: 1 }),
    new Linear({ inFeatures: inFeatures + 1, outFeatures: 1 }),
    new LSTM({ inputSize: inFeatures + 1, hiddenSize: 1 }),
  );
  const { model: quantized, left } = quantizeDynamic(model);
  expect(left).toEqual([
    { path: '1', reason: 'its weight has rows of more than 131072' },
    { path: '2', reason: 'its weight_ih_l0 has rows of more than 131072' },
  ]);
  const [first] = quantized;
  expect(first).toBeInstanceOf(stm.QuantizedLinear);
  expect(noGrad(() => first?.forward(randn([1, inFeatures]) as never))).toHaveProperty('shape', [1, 1]);
});

describe('mistakes', () => {
  const tagger = new Tagger();
  class Odd extends Module {
    layer: Linear;
    constructor(size: number) {
      super();
      this.layer = new Linear({ inFeatures: size, outFeatures: 1 });
    }
    forward(x: Tensor): Tensor {
      return this.layer.forward(x);
    }
  }
  test.each<[string, () => unknown, string]>([
    [
      'no model',
      () => quantizeDynamic(3 as never),
      'quantizeDynamic: got 3 as model, expected a Module.\n  Fix: pass the model itself: quantizeDynamic(model).',
    ],
    [
      'a path that there is not',
      () => quantizeDynamic(tagger, { layers: ['lstn'] }),
      'quantizeDynamic: got "lstn" in layers, expected paths of modules: lstm, heads.0, heads.1, out, gated, wide, ' +
        'or of what holds these.\n  Fix: write lstm, if that is what you mean.',
    ],
    [
      'a layer of another kind',
      () => quantizeDynamic(tagger, { layers: ['lstm', 'embedding'] }),
      'quantizeDynamic: got embedding in layers, of class Embedding: it neither is nor holds a Linear, LSTM, GRU or ' +
        'RNN, expected a layer whose weights can have 8 bits.\n  Fix: leave it out of layers; it stays in f32 then.',
    ],
    [
      'a layer that shares its weight with another kind',
      () => quantizeDynamic(tagger, { layers: ['out'] }),
      'quantizeDynamic: got out in layers, of class Linear: its weight is embedding.weight as well, expected a ' +
        'layer whose weights can have 8 bits.\n  Fix: leave it out of layers; it stays in f32 then.',
    ],
    [
      'a variant of a cell, which is all there is',
      () => quantizeDynamic(new Sequential(new LSTM({ inputSize: 2, hiddenSize: 2, peephole: true }))),
      'quantizeDynamic: got a model of layers that stay in f32 (0: it has a variant of the cell of LSTM), expected ' +
        'a Linear, LSTM, GRU or RNN in f32, of the plain cell, which shares no weight with another kind of layer.\n' +
        '  Fix: use the model as it is.',
    ],
    [
      'a model that is quantised',
      () => quantizeDynamic(quantizeDynamic(tagger, { layers: ['lstm'] }).model, { layers: ['lstm'] }),
      'quantizeDynamic: got lstm in layers, of class QuantizedLSTM: it neither is',
    ],
    [
      'a model of which nothing is left',
      () => quantizeDynamic(quantizeDynamic(new Sequential(new Linear({ inFeatures: 1, outFeatures: 1 }))).model),
      'quantizeDynamic: got a model whose layers have 8 bits already, expected',
    ],
    [
      'a variant of a cell, alone',
      () => quantizeDynamic(new LSTM({ inputSize: 2, hiddenSize: 2, peephole: true })),
      'quantizeDynamic: got a model of layers that stay in f32 (it: it has a variant of the cell of LSTM), expected',
    ],
    [
      'layers of a single layer',
      () => quantizeDynamic(new Linear({ inFeatures: 1, outFeatures: 1 }), { layers: [''] }),
      'quantizeDynamic: got layers: [""] of a single Linear, expected the layer alone, which has none inside.\n' +
        '  Fix: leave layers out.',
    ],
    [
      'paths that are none',
      () => quantizeDynamic(tagger, { layers: 'lstm' as never }),
      `quantizeDynamic: got layers: "lstm", expected paths of modules, as ['encoder', 'head'].\n` +
        '  Fix: leave it out for all layers that can be quantised.',
    ],
    ['an option that there is not', () => quantizeDynamic(tagger, { layer: [] } as never), 'an option layer'],
    [
      'a model that cannot be built again',
      () => quantizeDynamic(new Odd(3)),
      'quantizeDynamic: got Odd, whose constructor fails (OptionError: Linear: got',
    ],
  ])('%s', (_, call, message) => {
    expect(call).toThrow(message);
  });

  test('a model on another device', () => {
    class Elsewhere extends Module {
      layer = new Linear({ inFeatures: 1, outFeatures: 1 });
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const model = new Elsewhere();
    Object.defineProperty(model.layer.weight, 'device', { value: 'cuda:0' });
    expect(() => quantizeDynamic(model)).toThrow(
      "expected a model on the cpu, where weights of 8 bits are for.\n  Fix: move it there first: model.to('cpu').",
    );
  });
});
