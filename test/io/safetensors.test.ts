import { mkdtemp, readFile, readdir, symlink, writeFile, chmod, stat, lstat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { FileError, loadSafetensors, loadSafetensorsMetadata, noGrad, saveSafetensors, tensor, zeros } from 'stmnet';
import type { Tensor } from 'stmnet';
import { safetensorsFile } from './safetensors-file';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('safetensors');

const inFolder = (name: string): string => join(folder, name);

async function contents(tensors: Record<string, Tensor>): Promise<Record<string, unknown>> {
  const entries = Object.entries(tensors).map(
    async ([name, t]) => [name, { dtype: t.dtype, shape: [...t.shape], data: await t.data() }] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}

describe('saveSafetensors and loadSafetensors', () => {
  test('give back what was saved, of every type and shape', async () => {
    const saved = {
      scalar: tensor(3.5),
      matrix: tensor([
        [1, -2, 3],
        [4, 5, 1e-38],
      ]),
      wide: tensor([Math.PI, -0, Number.MIN_VALUE], { dtype: 'f64' }),
      odd: tensor([NaN, Infinity, -Infinity]),
      whole: tensor([-2147483648, 2147483647], { dtype: 'i32' }),
      mask: tensor([true, false, true], { dtype: 'bool' }),
      empty: zeros([3, 0, 2]),
      deep: zeros([1, 2, 1, 2, 1, 2]),
      'ünï "quoted" \n name': tensor([1]),
      __proto__x: tensor([2]),
    };
    const path = inFolder('all.safetensors');
    await saveSafetensors(path, saved);
    expect(await contents(await loadSafetensors(path))).toEqual(await contents(saved));
  });

  test('keep a tensor whose name is a property of every object', async () => {
    const path = inFolder('proto.safetensors');
    await saveSafetensors(
      path,
      Object.fromEntries([
        ['__proto__', tensor([1])],
        ['constructor', tensor([2])],
      ]),
    );
    const loaded = await loadSafetensors(path);
    expect(Object.keys(loaded).sort()).toEqual(['__proto__', 'constructor']);
    expect(await Object.getOwnPropertyDescriptor(loaded, '__proto__')?.value.data()).toEqual(Float32Array.of(1));
  });

  test('write views as the numbers they show', async () => {
    const path = inFolder('views.safetensors');
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    await saveSafetensors(path, { turned: x.transpose(0, 1), part: x.slice([0, 1], [null, 2]) });
    const { turned, part } = await loadSafetensors(path);
    expect(await turned?.array()).toEqual([
      [1, 4],
      [2, 5],
      [3, 6],
    ]);
    expect(await part?.array()).toEqual([[2], [5]]);
  });

  test('write the values of the moment of the call', async () => {
    const path = inFolder('moment.safetensors');
    const x = tensor([1, 2]);
    const y = tensor([3, 4]);
    const saving = saveSafetensors(path, { x, y });
    noGrad(() => [x, y].forEach((values) => values.add_(100)));
    await saving;
    const loaded = await loadSafetensors(path);
    expect(await loaded['x']?.array()).toEqual([1, 2]);
    expect(await loaded['y']?.array()).toEqual([3, 4]);
  });

  test('carry metadata, which can be read without the tensors', async () => {
    const path = inFolder('metadata.safetensors');
    const metadata = { note: 'first "run"', ключ: 'значение' };
    await saveSafetensors(path, { x: tensor([1]) }, { metadata });
    expect(await loadSafetensorsMetadata(path)).toEqual(metadata);
    expect(Object.keys(await loadSafetensors(path))).toEqual(['x']);
    await saveSafetensors(path, {});
    expect(await loadSafetensorsMetadata(path)).toEqual({});
    expect(await loadSafetensors(path)).toEqual({});
  });

  test('lay the file out as the format says: length, JSON, aligned data without holes', async () => {
    const path = inFolder('layout.safetensors');
    await saveSafetensors(path, {
      mask: tensor([true], { dtype: 'bool' }),
      x: tensor([1.5, -2]),
      wide: tensor([0.1], { dtype: 'f64' }),
    });
    const bytes = await readFile(path);
    const length = Number(bytes.readBigUInt64LE(0));
    expect(length % 8).toBe(0);
    expect(JSON.parse(bytes.toString('utf8', 8, 8 + length))).toEqual({
      __metadata__: { 'stmnet.sha256': expect.stringMatching(/^[0-9a-f]{64}$/), 'stmnet.checksum': 'sha256' },
      wide: { dtype: 'F64', shape: [1], data_offsets: [0, 8] },
      x: { dtype: 'F32', shape: [2], data_offsets: [8, 16] },
      mask: { dtype: 'BOOL', shape: [1], data_offsets: [16, 17] },
    });
    const data = bytes.subarray(8 + length);
    expect([data.length, data.readDoubleLE(0), data.readFloatLE(8), data.readFloatLE(12), data[16]]).toEqual([
      17, 0.1, 1.5, -2, 1,
    ]);
  });

  test('refuse the name that the format keeps for itself', async () => {
    const path = inFolder('refused.safetensors');
    await expect(saveSafetensors(path, { __metadata__: tensor([1]) })).rejects.toThrow(
      /__metadata__.*\n\s+Fix: rename it/,
    );
    await expect(readFile(path)).rejects.toThrow('ENOENT');
  });

  test('name an unknown option', async () => {
    await expect(saveSafetensors('x', {}, JSON.parse('{"metdata":{}}'))).rejects.toThrow(
      /an option metdata[\s\S]*Fix: .*\bmetadata\b/,
    );
    await expect(loadSafetensors('x', JSON.parse('{"devise":"cpu"}'))).rejects.toThrow(
      /an option devise[\s\S]*Fix: .*\bdevice\b/,
    );
  });
});

describe('loadSafetensors', () => {
  const load = async (entries: Parameters<typeof safetensorsFile>[0]): Promise<Record<string, unknown>> => {
    const path = inFolder('foreign.safetensors');
    await writeFile(path, safetensorsFile(entries));
    return contents(await loadSafetensors(path));
  };

  test('widens F16 and BF16 to f32, exactly', async () => {
    const halves = Uint16Array.of(0x3c00, 0xc000, 0x7bff, 0x0001, 0x8000, 0x7c00, 0xfc00, 0x3555, 0x03ff);
    const uppers = Uint16Array.of(0x3f80, 0xc000, 0x7f80, 0x0001, 0x4049);
    expect(
      await load([
        { name: 'h', dtype: 'F16', shape: [9], data: halves },
        { name: 'b', dtype: 'BF16', shape: [5], data: uppers },
      ]),
    ).toEqual({
      h: {
        dtype: 'f32',
        shape: [9],
        data: Float32Array.of(1, -2, 65504, 2 ** -24, -0, Infinity, -Infinity, 0.333251953125, 1023 * 2 ** -24),
      },
      b: { dtype: 'f32', shape: [5], data: Float32Array.of(1, -2, Infinity, 2 ** -133, 3.140625) },
    });
    const nan = await load([
      { name: 'h', dtype: 'F16', shape: [1], data: Uint16Array.of(0x7e00) },
      { name: 'b', dtype: 'BF16', shape: [1], data: Uint16Array.of(0x7fc0) },
    ]);
    expect(nan).toEqual({
      h: { dtype: 'f32', shape: [1], data: Float32Array.of(NaN) },
      b: { dtype: 'f32', shape: [1], data: Float32Array.of(NaN) },
    });
  });

  test('reads whole numbers of every width as i32, those of 8 bits with a sign as i8', async () => {
    const i32 = (...data: number[]): unknown => ({ dtype: 'i32', shape: [data.length], data: Int32Array.from(data) });
    expect(
      await load([
        { name: 'i64', dtype: 'I64', shape: [2], data: BigInt64Array.of(-2147483648n, 2147483647n) },
        { name: 'u64', dtype: 'U64', shape: [1], data: BigUint64Array.of(2147483647n) },
        { name: 'u32', dtype: 'U32', shape: [1], data: Uint32Array.of(2147483647) },
        { name: 'i16', dtype: 'I16', shape: [2], data: Int16Array.of(-32768, 32767) },
        { name: 'u16', dtype: 'U16', shape: [1], data: Uint16Array.of(65535) },
        { name: 'i8', dtype: 'I8', shape: [2], data: Int8Array.of(-128, 127) },
        { name: 'u8', dtype: 'U8', shape: [1], data: Uint8Array.of(255) },
      ]),
    ).toEqual({
      i64: i32(-2147483648, 2147483647),
      u64: i32(2147483647),
      u32: i32(2147483647),
      i16: i32(-32768, 32767),
      u16: i32(65535),
      i8: { dtype: 'i8', shape: [2], data: Int8Array.of(-128, 127) },
      u8: i32(255),
    });
  });

  test('says what the file system says', async () => {
    const path = inFolder('nowhere.safetensors');
    const error: unknown = await loadSafetensors(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FileError);
    expect(error).toMatchObject({ code: 'ENOENT', op: 'loadSafetensors', cause: { code: 'ENOENT' } });
    expect(String(error)).toBe(
      `FileError: loadSafetensors: got ${path}, of which the system says ENOENT, expected a file that it can read.\n` +
        '  Fix: check the path; the working directory is the one that process.cwd() names.',
    );
    await expect(loadSafetensors(folder)).rejects.toMatchObject({ code: 'EISDIR' });
    await writeFile(join(folder, 'model.safetensors'), '');
    await expect(loadSafetensors(folder)).rejects.toThrow(`Fix: give the path of a file in it, ${folder}`);
  });
});

describe('writing', () => {
  test('leaves no temporary file, follows links and keeps permissions', async () => {
    const place = await mkdtemp(join(folder, 'place-'));
    const target = join(place, 'real.safetensors');
    const link = join(place, 'link.safetensors');
    await saveSafetensors(target, { x: tensor([1]) });
    await chmod(target, 0o640);
    await symlink('real.safetensors', link);
    await saveSafetensors(link, { x: tensor([2]) });
    expect((await readdir(place)).sort()).toEqual(['link.safetensors', 'real.safetensors']);
    expect((await lstat(link)).isSymbolicLink()).toBe(true);
    expect((await stat(target)).mode & 0o777).toBe(0o640);
    expect(await (await loadSafetensors(target))['x']?.array()).toEqual([2]);
  });

  test('fails without a trace where it cannot write', async () => {
    const place = await mkdtemp(join(folder, 'blocked-'));
    await expect(saveSafetensors(join(place, 'missing', 'x.safetensors'), { x: tensor([1]) })).rejects.toMatchObject({
      name: 'FileError',
      code: 'ENOENT',
      message: expect.stringContaining('Fix: make the folder first'),
    });
    await expect(saveSafetensors(place, { x: tensor([1]) })).rejects.toMatchObject({
      code: expect.stringMatching(/EISDIR|ENOTEMPTY|EEXIST|ENOTDIR/),
    });
    expect(await readdir(place)).toEqual([]);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
