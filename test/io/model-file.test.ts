import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  arange,
  BatchNorm1d,
  BufferTensor,
  Dropout,
  Embedding,
  FormatError,
  GRU,
  LastStep,
  LayerNorm,
  Linear,
  LSTM,
  Module,
  OptionError,
  ReLU,
  Residual,
  Sequential,
  Standardize,
  TimeDistributed,
  load,
  loadSafetensors,
  loadSafetensorsMetadata,
  manualSeed,
  noGrad,
  pad,
  rand,
  randn,
  save,
  saveSafetensors,
  tensor,
} from 'stmnet';
import type { PaddedSequence, Tensor } from 'stmnet';
import { safetensorsFile } from './safetensors-file';
import { stateOf } from '../support/state-of';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-model-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const utterances = (): PaddedSequence => pad([rand([7, 12]), rand([3, 12]), rand([5, 12])]);

describe('save and load', () => {
  test('rebuild a model that predicts the same, weights and statistics included', async () => {
    manualSeed(1);
    const frames = Array.from({ length: 6 }, (_, i) => ({
      data: Float32Array.from({ length: 48 }, (__, j) => Math.sin(i + j) * (j + 1)),
      shape: [4, 12],
    }));
    const model = new Sequential(
      new Standardize().fit(frames),
      new TimeDistributed(new Linear({ inFeatures: 12, outFeatures: 10 })),
      new BatchNorm1d({ numFeatures: 10 }),
      new LSTM({ inputSize: 10, hiddenSize: 8, bidirectional: true, numLayers: 2, dropout: 0.2 }),
      new Residual(new Sequential(new LayerNorm({ normalizedShape: 16 }), new ReLU())),
      new GRU({ inputSize: 16, hiddenSize: 6 }),
      new LastStep(),
      new Dropout({ p: 0.3 }),
      new Linear({ inFeatures: 6, outFeatures: 9, bias: false }),
    );
    // moves the running statistics of the batch normalisation away from where they began
    noGrad(() => model.forward(utterances()));
    await save(model, path);
    const copy = await load(path);
    expect(await stateOf(copy)).toEqual(await stateOf(model));
    expect(copy).toBeInstanceOf(Sequential);
    expect(copy.config()).toEqual(model.config());
    expect(copy.training).toBe(true);
    const input = utterances();
    const [expected, got] = noGrad(() => [model.eval().forward(input), copy.eval().forward(input)]);
    expect(await got.data()).toEqual(await expected.data());
  });

  test('need no script: the file says what it is', async () => {
    await save(new Sequential(new Linear({ inFeatures: 2, outFeatures: 1 })), path);
    const metadata = await loadSafetensorsMetadata(path);
    expect(Object.keys(metadata).sort()).toEqual(['stmnet.config', 'stmnet.format']);
    expect(metadata['stmnet.format']).toBe('1');
    expect(JSON.parse(metadata['stmnet.config'] ?? '')).toMatchObject({
      class: 'Sequential',
      children: [{ class: 'Linear', options: { inFeatures: 2, outFeatures: 1 } }],
    });
    expect(Object.keys(await loadSafetensors(path)).sort()).toEqual(['0.bias', '0.weight']);
  });

  test('keep tied parameters tied', async () => {
    const model = new Sequential(
      new Linear({ inFeatures: 3, outFeatures: 3 }),
      new Linear({ inFeatures: 3, outFeatures: 3 }),
    );
    Reflect.set(model[1]!, 'weight', Reflect.get(model[0]!, 'weight'));
    await save(model, path);
    const copy = await load(path);
    expect(copy.parameters().length).toBe(3);
    expect(Reflect.get(copy[1]!, 'weight')).toBe(Reflect.get(copy[0]!, 'weight'));
  });

  test('leave the random numbers to come as they are', async () => {
    await save(new Linear({ inFeatures: 20, outFeatures: 20 }), path);
    manualSeed(5);
    const expected = await randn([4]).data();
    manualSeed(5);
    await load<Linear>(path);
    expect(await randn([4]).data()).toEqual(expected);
  });

  test('write the weights of the moment of the call', async () => {
    const model = new Linear({ inFeatures: 2, outFeatures: 2 });
    const before = await stateOf(model);
    const saving = save(model, path);
    noGrad(() => model.weight.add_(1));
    await saving;
    expect(await stateOf(await load(path))).toEqual(before);
  });
});

describe('wrong arguments', () => {
  const call = (fn: (...args: never[]) => Promise<unknown>, ...args: unknown[]): Promise<unknown> =>
    Reflect.apply(fn, undefined, args) as Promise<unknown>;

  test.each<[what: string, attempt: () => Promise<unknown>, message: string]>([
    [
      'save, swapped',
      () => call(save, path, new ReLU()),
      'expected a Module.\n  Fix: swap the arguments: save(model, path).',
    ],
    [
      'save of tensors',
      () => call(save, { x: tensor([1]) }, path),
      'save: got { x } as model, expected a Module.\n' +
        '  Fix: pass a model; tensors go into a file by saveSafetensors(path, tensors).',
    ],
    ['save of a promise', () => call(save, Promise.resolve(), path), 'Fix: await the promise first.'],
    [
      'save without a path',
      () => call(save, new ReLU()),
      'save: got undefined as path, expected the name of a file, a string.\n  Fix: call save(model, path).',
    ],
    ['load without a path', () => call(load), 'load: got undefined as path'],
    ['load of a URL', () => call(load, new URL('file:///x')), 'Fix: pass fileURLToPath(url).'],
    [
      'saveSafetensors, swapped',
      () => call(saveSafetensors, { x: tensor([1]) }, path),
      'saveSafetensors: got { x } as path, expected the name of a file, a string.\n' +
        '  Fix: call saveSafetensors(path, tensors).',
    ],
    [
      'saveSafetensors of nothing',
      () => call(saveSafetensors, path),
      'saveSafetensors: got undefined as tensors, expected an object of tensors by name.\n' +
        '  Fix: call saveSafetensors(path, { name: tensor }).',
    ],
    ['saveSafetensors of a tensor', () => call(saveSafetensors, path, tensor([1])), 'got f32[1] on cpu as tensors'],
    [
      'saveSafetensors of a model',
      () => call(saveSafetensors, path, new ReLU()),
      'got a module, ReLU as tensors, expected an object of tensors by name.\n' +
        '  Fix: pass its state, model.stateDict(), or call save(model, path).',
    ],
    [
      'saveSafetensors of a number',
      () => call(saveSafetensors, path, { x: 7 }),
      'got 7 as tensor "x", expected a Tensor.\n  Fix: make a tensor of it by tensor(x), or leave it out.',
    ],
    [
      'saveSafetensors of a padded sequence',
      () => call(saveSafetensors, path, { x: pad([[1, 2]]) }),
      'Fix: pass its values, and its lengths as a tensor of their own.',
    ],
    [
      'saveSafetensors of odd metadata',
      () => call(saveSafetensors, path, {}, { metadata: { epoch: 3 } }),
      'got metadata.epoch: 3, expected an object of strings.\n' +
        '  Fix: make strings of the values, by String or JSON.stringify.',
    ],
    ['loadSafetensors of a number', () => call(loadSafetensors, 7), 'loadSafetensors: got 7 as path'],
    [
      'loadSafetensorsMetadata of an empty path',
      () => call(loadSafetensorsMetadata, ''),
      'loadSafetensorsMetadata: got "" as path',
    ],
  ])('%s', async (_, attempt, message) => {
    const error: unknown = await attempt().catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OptionError);
    expect(String(error)).toContain(message);
  });
});

describe('load refuses', () => {
  const bare = (metadata: Record<string, string>): Buffer =>
    safetensorsFile([{ name: 'weight', dtype: 'F32', shape: [1, 1], data: Float32Array.of(1) }], metadata);
  const config = JSON.stringify({ class: 'Linear', options: { inFeatures: 1, outFeatures: 1, bias: false } });

  test.each<[what: string, metadata: Record<string, string>, message: RegExp]>([
    [
      'weights without a model',
      {},
      /no stmnet\.format[\s\S]*Fix: build the model and call model\.loadStateDict\(await loadSafetensors\(path\)\)/,
    ],
    [
      'a newer format',
      { 'stmnet.format': '2', 'stmnet.config': config },
      /got format 2 .*expected at most 1\.\n\s+Fix: update stmnet/,
    ],
    ['a format that is no number', { 'stmnet.format': '1e3', 'stmnet.config': config }, /stmnet\.format "1e3"/],
    ['a model without configuration', { 'stmnet.format': '1' }, /no stmnet\.config/],
    [
      'a configuration that is no JSON',
      { 'stmnet.format': '1', 'stmnet.config': '{' },
      /stmnet\.config that is not JSON/,
    ],
    [
      'a configuration that is null',
      { 'stmnet.format': '1', 'stmnet.config': 'null' },
      /a configuration with null in .*expected \{ class, options\?/,
    ],
    [
      'a class that every object inherits',
      { 'stmnet.format': '1', 'stmnet.config': '{"class":"constructor"}' },
      /a model that holds a constructor in /,
    ],
    [
      'options that a layer does not know',
      { 'stmnet.format': '1', 'stmnet.config': config.replace('bias', 'bais') },
      /cannot be rebuilt .*bais/,
    ],
    [
      'options of the wrong type',
      { 'stmnet.format': '1', 'stmnet.config': config.replace('1', '"1"') },
      /cannot be rebuilt/,
    ],
    [
      'children without end',
      {
        'stmnet.format': '1',
        'stmnet.config': `${'{"class":"Sequential","children":['.repeat(20_000)}${']}'.repeat(20_000)}`,
      },
      /cannot be rebuilt/,
    ],
    [
      'weights of another shape',
      { 'stmnet.format': '1', 'stmnet.config': config.replace('1', '2') },
      /weights that do not fit the model .*weight/,
    ],
    [
      'weights that the model lacks',
      { 'stmnet.format': '1', 'stmnet.config': '{"class":"ReLU"}' },
      /weights that do not fit the model .*weight/,
    ],
  ])('%s', async (_, metadata, message) => {
    await writeFile(path, bare(metadata));
    const error: unknown = await load(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toMatch(/^FormatError: load: got /);
    expect(String(error)).toMatch(message);
  });

  test('a model larger than any memory, and later reads go on', async () => {
    const size = 2 ** 20;
    await writeFile(
      path,
      bare({
        'stmnet.format': '1',
        'stmnet.config': JSON.stringify({ class: 'Linear', options: { inFeatures: size, outFeatures: size } }),
      }),
    );
    await expect(load(path)).rejects.toThrow(FormatError);
    expect(await tensor([1, 2]).data()).toEqual(Float32Array.of(1, 2));
    await writeFile(path, bare({ 'stmnet.format': '1', 'stmnet.config': config.replaceAll(':1', `:${2 ** 40}`) }));
    await expect(load(path)).rejects.toThrow(FormatError);
  });

  test('a file that is cut', async () => {
    await save(new Linear({ inFeatures: 3, outFeatures: 2 }), path);
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 1));
    await expect(load(path)).rejects.toThrow(FormatError);
  });

  test('unknown options', async () => {
    await expect(load(path, JSON.parse('{"class":{}}'))).rejects.toThrow(/an option class\b[\s\S]*\bclasses\b/);
  });
});

test('weights saved by themselves go into a model by loadStateDict', async () => {
  const [from, to] = [new Linear({ inFeatures: 3, outFeatures: 2 }), new Linear({ inFeatures: 3, outFeatures: 2 })];
  await saveSafetensors(path, from.stateDict());
  to.loadStateDict(await loadSafetensors(path));
  expect(await stateOf(to)).toEqual(await stateOf(from));
});

// Another digest only where a layer here got an option.
test('the bytes of a file are the same in each version', async () => {
  class Own extends Module {
    readonly embedding = new Embedding({ numEmbeddings: 4, embeddingDim: 3, paddingIdx: 0 });
    readonly head = new Linear({ inFeatures: 3, outFeatures: 4 });
    readonly seen = new BufferTensor(tensor([1, 2], { dtype: 'i32' }));
    constructor(readonly options: { rates: number[]; left?: number | undefined; name: string }) {
      super();
      this.head.weight = this.embedding.weight;
    }
    forward(x: Tensor): Tensor {
      return x;
    }
  }
  const norm = new BatchNorm1d({ numFeatures: 2, dtype: 'f64' });
  const own = new Own({ rates: [0.5, 1e-7], left: undefined, name: 'ü' });
  const recurrent = new LSTM({ inputSize: 3, hiddenSize: 2, bidirectional: true });
  const model = new Sequential(norm, new Residual(norm), own, recurrent);
  noGrad(() => {
    for (const values of model.parameters()) {
      values.copy_(arange(0, values.size).reshape(values.shape).cast(values.dtype));
    }
  });
  await save(model, path);
  expect(
    createHash('sha256')
      .update(await readFile(path))
      .digest('hex'),
  ).toBe('298fffb4d24ae24341fa4d7475ba21a7651a1e8d3f799f2a970b19e90ddac8cd');
});
