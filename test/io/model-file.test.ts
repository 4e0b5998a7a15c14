import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BatchNorm1d, Dropout, Embedding, FormatError, GRU, LastStep, LayerNorm, Linear, LSTM, MeanPool, Module, OptionError, ReLU, Residual, Sequential, Standardize,
  TimeDistributed, load, loadSafetensors, loadSafetensorsMetadata, manualSeed, noGrad, pad, rand, randn, save, saveSafetensors, tensor,
} from 'stmnet';
import type { PaddedSequence, Tensor } from 'stmnet';
import { safetensorsFile } from './safetensors-file';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-model-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

/** Everything a state dict says, on the host. */
async function stateOf(model: Module): Promise<Record<string, unknown>> {
  const entries = Object.entries(model.stateDict()).map(async ([name, value]) => [name, { dtype: value.dtype, shape: [...value.shape], data: await value.data() }] as const);
  return Object.fromEntries(await Promise.all(entries));
}

const utterances = (): PaddedSequence => pad([rand([7, 12]), rand([3, 12]), rand([5, 12])]);

describe('save and load', () => {
  test('rebuild a model that predicts the same, weights and statistics included', async () => {
    manualSeed(1);
    const frames = Array.from({ length: 6 }, (_, i) => ({ data: Float32Array.from({ length: 48 }, (__, j) => Math.sin(i + j) * (j + 1)), shape: [4, 12] }));
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
    noGrad(() => model.forward(utterances()));  // moves the running statistics of the batch normalisation away from where they began
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
    expect(JSON.parse(metadata['stmnet.config'] ?? '')).toMatchObject({ class: 'Sequential', children: [{ class: 'Linear', options: { inFeatures: 2, outFeatures: 1 } }] });
    expect(Object.keys(await loadSafetensors(path)).sort()).toEqual(['0.bias', '0.weight']);
  });

  test('keep tied parameters tied', async () => {
    const model = new Sequential(new Linear({ inFeatures: 3, outFeatures: 3 }), new Linear({ inFeatures: 3, outFeatures: 3 }));
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

class Tagger extends Module {
  readonly options: { tags: number };
  readonly embedding = new Embedding({ numEmbeddings: 10, embeddingDim: 4 });
  readonly head: Linear;

  constructor(options: { tags: number }) {
    super();
    this.options = options;
    this.head = new Linear({ inFeatures: 4, outFeatures: options.tags });
  }

  forward(words: Tensor): Tensor {
    return this.head.forward(this.embedding.forward(words));
  }
}

class Average extends Module {
  readonly pool = new MeanPool();

  forward(input: PaddedSequence): Tensor {
    return this.pool.forward(input);
  }
}

describe('classes of the user', () => {
  test('are rebuilt with their options, inside containers too', async () => {
    await save(new Tagger({ tags: 3 }), path);
    const tagger = await load<Tagger>(path, { classes: { Tagger } });
    expect(tagger).toBeInstanceOf(Tagger);
    expect(tagger.head.weight.shape).toEqual([3, 4]);
    await save(new Sequential(new Linear({ inFeatures: 2, outFeatures: 5 }), new Average()), path);
    expect((await load(path, { classes: { Average } }))[1]).toBeInstanceOf(Average);
  });

  test('that are not passed are named', async () => {
    await save(new Tagger({ tags: 3 }), path);
    const error: unknown = await load(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toBe(
      `FormatError: load: got a model that cannot be rebuilt (load: got a model that holds a Tagger, expected a class of stmnet or one that is passed) in ${path}, ` +
        'expected classes and options that this version knows.\n  Fix: load(path, { classes: { Tagger } }).',
    );
  });

  test('must have options that a file can carry, and a name', async () => {
    const odd = new Tagger({ tags: 3 });
    Object.assign(odd.options, { callback: () => 1 });
    await expect(save(odd, path)).rejects.toThrow(/save: got Tagger with options\.callback: function callback, expected options that JSON can carry[\s\S]*Fix:/);
    Object.assign(odd.options, { callback: [1, { deep: Number.NaN }] });
    await expect(save(odd, path)).rejects.toThrow(/options\.callback\[1\]\.deep: NaN/);
    Object.assign(odd.options, { callback: tensor([1]) });
    await expect(save(odd, path)).rejects.toThrow(OptionError);
    const Nameless = ((): typeof Average => class extends Average {})();
    await expect(save(new Nameless(), path)).rejects.toThrow(/class without a name[\s\S]*Fix: write class Tagger/);
  });
});

describe('load refuses', () => {
  const bare = (metadata: Record<string, string>): Buffer => safetensorsFile([{ name: 'weight', dtype: 'F32', shape: [1, 1], data: Float32Array.of(1) }], metadata);
  const config = JSON.stringify({ class: 'Linear', options: { inFeatures: 1, outFeatures: 1, bias: false } });

  test.each<[what: string, metadata: Record<string, string>, message: RegExp]>([
    ['weights without a model', {}, /no stmnet\.format[\s\S]*Fix: build the model and call model\.loadStateDict\(await loadSafetensors\(path\)\)/],
    ['a newer format', { 'stmnet.format': '2', 'stmnet.config': config }, /got format 2 .*expected at most 1\.\n\s+Fix: update stmnet/],
    ['a format that is no number', { 'stmnet.format': '1e3', 'stmnet.config': config }, /stmnet\.format "1e3"/],
    ['a model without configuration', { 'stmnet.format': '1' }, /no stmnet\.config/],
    ['a configuration that is no JSON', { 'stmnet.format': '1', 'stmnet.config': '{' }, /stmnet\.config that is not JSON/],
    ['a configuration that is null', { 'stmnet.format': '1', 'stmnet.config': 'null' }, /cannot be rebuilt/],
    ['a class that every object inherits', { 'stmnet.format': '1', 'stmnet.config': '{"class":"constructor"}' }, /cannot be rebuilt .*constructor/],
    ['options that a layer does not know', { 'stmnet.format': '1', 'stmnet.config': config.replace('bias', 'bais') }, /cannot be rebuilt .*bais/],
    ['options of the wrong type', { 'stmnet.format': '1', 'stmnet.config': config.replace('1', '"1"') }, /cannot be rebuilt/],
    ['children without end', { 'stmnet.format': '1', 'stmnet.config': `${'{"class":"Sequential","children":['.repeat(20_000)}${']}'.repeat(20_000)}` }, /cannot be rebuilt/],
    ['weights of another shape', { 'stmnet.format': '1', 'stmnet.config': config.replace('1', '2') }, /weights that do not fit the model .*weight/],
    ['weights that the model lacks', { 'stmnet.format': '1', 'stmnet.config': '{"class":"ReLU"}' }, /weights that do not fit the model .*weight/],
  ])('%s', async (_, metadata, message) => {
    await writeFile(path, bare(metadata));
    const error: unknown = await load(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toMatch(/^FormatError: load: got /);
    expect(String(error)).toMatch(message);
  });

  test('a model larger than any memory, and later reads go on', async () => {
    const size = 2 ** 20;
    await writeFile(path, bare({ 'stmnet.format': '1', 'stmnet.config': JSON.stringify({ class: 'Linear', options: { inFeatures: size, outFeatures: size } }) }));
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
