import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Dropout,
  FormatError,
  LeakyReLU,
  Linear,
  LSTM,
  OptionError,
  Sequential,
  load,
  loadSafetensors,
  loadSafetensorsMetadata,
  manualSeed,
  rand,
  save,
  saveSafetensors,
  tensor,
  type Module,
  type Tensor,
} from 'stmnet';
import { rawFile, safetensorsFile } from './safetensors-file';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-checksum-'));
  path = join(folder, 'file.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

/** All single bits, and all of a byte at once. */
const masks = [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xff];

const headerBytes = (bytes: Buffer): number => Number(bytes.readBigUInt64LE(0));

/** What reading each damaged version of a file comes to, apart from a FormatError. */
async function survivors(bytes: Buffer, read: () => Promise<unknown>): Promise<string[]> {
  const odd: string[] = [];
  const attempt = async (what: string, damaged: Buffer): Promise<void> => {
    await writeFile(path, damaged);
    const outcome: unknown = await read().catch((error: unknown) => error);
    if (!(outcome instanceof FormatError)) odd.push(`${what}: ${String(outcome)}`);
  };
  for (let at = 0; at < bytes.length; at++) {
    await attempt(`cut at ${at}`, bytes.subarray(0, at));
    for (const mask of masks) {
      const damaged = Buffer.from(bytes);
      damaged[at]! ^= mask;
      await attempt(`${mask} at ${at}`, damaged);
    }
  }
  await attempt('one byte too many', Buffer.concat([bytes, Buffer.of(0)]));
  return odd;
}

describe('of a file whose bytes are changed, whichever they are,', () => {
  test('no model is loaded', async () => {
    const model = new Sequential(
      new Dropout({ p: 0.9 }),
      new LeakyReLU({ negativeSlope: 0.3 }),
      new Linear({ inFeatures: 1, outFeatures: 1, bias: false }),
    );
    await save(model, path);
    const bytes = await readFile(path);
    expect((await load(path)).config()).toEqual(model.config());
    expect(await survivors(bytes, () => load(path))).toEqual([]);
  }, 120_000);

  test('no tensors are loaded', async () => {
    await saveSafetensors(
      path,
      { x: tensor([1, 2]), mask: tensor([true], { dtype: 'bool' }), n: tensor([3], { dtype: 'i32' }) },
      { metadata: { 7: 'first', note: 'n' } },
    );
    const bytes = await readFile(path);
    expect(Object.keys(await loadSafetensors(path))).toHaveLength(3);
    expect(await survivors(bytes, () => loadSafetensors(path))).toEqual([]);
  }, 120_000);

  test('the message says so', async () => {
    await saveSafetensors(path, { x: tensor([1, 2]) });
    const bytes = await readFile(path);
    bytes[bytes.length - 1]! ^= 1;
    await writeFile(path, bytes);
    const given = `bytes that do not have the SHA-256 that was written with them in ${path}`;
    await expect(loadSafetensors(path)).rejects.toThrow(
      `loadSafetensors: got ${given}, expected those that were written`,
    );
    await expect(loadSafetensors(path)).rejects.toThrow(
      /, expected those that were written, of SHA-256 [0-9a-f]{64}\.\n/,
    );
    await expect(loadSafetensors(path)).rejects.toThrow(
      '.\n  Fix: copy the file again from where it is whole; if another program has written it, ' +
        'leave stmnet.sha256 and stmnet.checksum out of its metadata.',
    );
    await writeFile(
      path,
      Buffer.from((await readFile(path)).toString('latin1').replace('stmnet.sha256', 'stmnet.sha255'), 'latin1'),
    );
    await expect(loadSafetensors(path)).rejects.toThrow('a damaged checksum in the metadata');
  });
});

describe('the checksum', () => {
  test('is the SHA-256 of the file with its digits as zeros', async () => {
    await saveSafetensors(path, { x: tensor([1, 2]) }, { metadata: { note: 'n' } });
    const bytes = await readFile(path);
    const { __metadata__: metadata } = JSON.parse(bytes.toString('utf8', 8, 8 + headerBytes(bytes))) as {
      __metadata__: Record<string, string>;
    };
    const blank = Buffer.from(bytes.toString('latin1').replace(metadata['stmnet.sha256']!, '0'.repeat(64)), 'latin1');
    expect(metadata).toEqual({
      'stmnet.sha256': createHash('sha256').update(blank).digest('hex'),
      'stmnet.checksum': 'sha256',
      note: 'n',
    });
  });

  test('is not among the notes, and its names are taken', async () => {
    await saveSafetensors(path, { x: tensor([1]) }, { metadata: { note: 'n' } });
    expect(await loadSafetensorsMetadata(path)).toEqual({ note: 'n' });
    for (const name of ['stmnet.sha256', 'stmnet.checksum']) {
      await expect(saveSafetensors(path, {}, { metadata: { [name]: '' } })).rejects.toThrow(OptionError);
      await expect(saveSafetensors(path, {}, { metadata: { [name]: '' } })).rejects.toThrow(
        `got metadata.${name}, expected any other name`,
      );
    }
  });

  test('need not be there: files of other programs, and of before, load', async () => {
    const entries = [{ name: 'weight', dtype: 'F32', shape: [1, 1], data: Float32Array.of(2) }];
    await writeFile(path, safetensorsFile(entries, { format: 'pt' }));
    expect(await (await loadSafetensors(path))['weight']?.item()).toBe(2);
    const config = JSON.stringify({ class: 'Linear', options: { inFeatures: 1, outFeatures: 1, bias: false } });
    await writeFile(path, safetensorsFile(entries, { 'stmnet.format': '1', 'stmnet.config': config }));
    expect(await (await load<Linear>(path)).weight.item()).toBe(2);
  });

  test('does not mind how large a tensor is, nor the order of the header', async () => {
    const large = rand([(1 << 22) + 3]);
    await saveSafetensors(path, { a: tensor([true], { dtype: 'bool' }), large, z: tensor([1], { dtype: 'f64' }) });
    const loaded = await loadSafetensors(path);
    const bytesOf = async (values: Tensor): Promise<Buffer> => Buffer.from((await values.data()).buffer);
    expect((await bytesOf(loaded['large']!)).equals(await bytesOf(large))).toBe(true);
    const bytes = await readFile(path);
    bytes[12_000_000]! ^= 4;
    await writeFile(path, bytes);
    await expect(loadSafetensors(path)).rejects.toThrow(FormatError);
  });
});

describe('a small file', () => {
  const file = (config: unknown, tensors: object = {}, data?: Uint8Array): Buffer =>
    rawFile({ __metadata__: { 'stmnet.format': '1', 'stmnet.config': JSON.stringify(config) }, ...tensors }, data);
  const linear = (size: number): object => ({ class: 'Linear', options: { inFeatures: size, outFeatures: size } });
  const nested = Array.from({ length: 50 }).reduce<object>(
    (inner) => ({ class: 'Residual', children: [inner] }),
    linear(20_000),
  );

  test.each<[what: string, config: object]>([
    ['a Linear', linear(30_000)],
    ['a Linear beyond every memory', linear(2 ** 40)],
    ['layers without end', { class: 'LSTM', options: { inputSize: 1, hiddenSize: 1, numLayers: 10_000 } }],
    [
      'layers that no array holds',
      { class: 'GRU', options: { inputSize: 1, hiddenSize: 1, numLayers: 2 ** 40, bidirectional: true } },
    ],
    ['a wide LSTM', { class: 'LSTM', options: { inputSize: 1, hiddenSize: 2 ** 26 } }],
    ['an Embedding', { class: 'Embedding', options: { numEmbeddings: 1e9, embeddingDim: 300 } }],
    ['a Standardize', { class: 'Standardize', options: { numFeatures: 2 ** 31 } }],
    ['a BatchNorm1d', { class: 'BatchNorm1d', options: { numFeatures: 2 ** 31 } }],
    ['a BatchNorm1d without factors', { class: 'BatchNorm1d', options: { numFeatures: 2 ** 31, affine: false } }],
    ['a LayerNorm', { class: 'LayerNorm', options: { normalizedShape: [2 ** 20, 2 ** 12] } }],
    ['a Conv1d', { class: 'Conv1d', options: { inChannels: 2 ** 12, outChannels: 2 ** 12, kernelSize: 2 ** 12 } }],
    [
      'an attention',
      { class: 'AdditiveAttention', options: { querySize: 2 ** 16, keySize: 2 ** 16, hiddenSize: 2 ** 16 } },
    ],
    ['another attention', { class: 'MultiplicativeAttention', options: { querySize: 2 ** 16, keySize: 2 ** 16 } }],
    ['containers in containers', nested],
    ['many small layers', { class: 'Sequential', children: Array.from({ length: 10_000 }, () => linear(1)) }],
  ])('that asks for %s is refused before anything is made', async (_, config) => {
    await writeFile(path, file(config));
    const tooFew = 'weights that do not fit the model \\(it asks for .*, and the file holds less\\)';
    const tooDeep = 'a model that cannot be rebuilt \\(GRU: got numLayers: 1099511627776, expected at most 65536\\)';
    const before = process.memoryUsage.rss();
    const start = process.cpuUsage();
    await expect(load(path)).rejects.toThrow(new RegExp(`^load: got (${tooFew}|${tooDeep}) in `));
    const { user, system } = process.cpuUsage(start);
    expect((user + system) / 1e6, 'seconds').toBeLessThan(2);
    expect((process.memoryUsage.rss() - before) / 2 ** 20, 'MiB').toBeLessThan(200);
  });

  test('with extents that no tensor has is named', async () => {
    await writeFile(path, rawFile({ x: { dtype: 'F32', shape: [0, 2 ** 52], data_offsets: [0, 0] } }));
    await expect(loadSafetensors(path)).rejects.toBeInstanceOf(FormatError);
    await expect(loadSafetensors(path)).rejects.toThrow(
      `loadSafetensors: got tensor "x" of shape "[0,4503599627370496]" in ${path}, ` +
        'expected a shape that a tensor can have',
    );
  });

  test('whose configuration has a key that is none, or one twice, is refused', async () => {
    await writeFile(path, file({ class: 'Dropout', nptions: { p: 0.9 } }));
    await expect(load(path)).rejects.toThrow('a configuration with the key "nptions"');
    await writeFile(
      path,
      rawFile({ __metadata__: { 'stmnet.format': '1', 'stmnet.config': '{"class":"ReLU","class":"Tanh"}' } }),
    );
    await expect(load(path)).rejects.toThrow(/the key .*class.* twice/);
  });
});

test('what an LSTM is given by other programs has the bits that were saved', async () => {
  manualSeed(4);
  const model: Module = new LSTM({ inputSize: 3, hiddenSize: 2 });
  await save(model, path);
  const bits = async (values: Tensor | undefined): Promise<unknown> => values?.data();
  const tensors = await loadSafetensors(path);
  for (const [name, value] of Object.entries(model.stateDict()))
    expect(await bits(tensors[name]), name).toEqual(await bits(value));
});
