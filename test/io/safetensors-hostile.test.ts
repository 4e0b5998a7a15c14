import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FormatError, loadSafetensors, loadSafetensorsMetadata } from 'stmnet';
import { handlesKept } from '../support/handles';
import { rawFile, safetensorsFile } from './safetensors-file';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-hostile-'));
  path = join(folder, 'hostile.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

const f32 = (count: number, begin = 0): object => ({
  dtype: 'F32',
  shape: [count],
  data_offsets: [begin, begin + 4 * count],
});
const bytes = (count: number): Uint8Array => new Uint8Array(count);

/** What each file does, its bytes, and what the message must say of it. */
const noNumbers = '{"dtype":"F32","shape":[0],"data_offsets":[0,0]}';
const hostile: [what: string, file: Buffer, message: RegExp][] = [
  ['is empty', Buffer.alloc(0), /got 0 bytes in .*hostile\.safetensors, expected at least 8/],
  ['ends in its length', Buffer.alloc(7), /got 7 bytes/],
  ['has no header', rawFile('', bytes(0)), /got a header that begins with ""/],
  ['has a header longer than the file', rawFile({}, bytes(0), 1000n), /got a header of 1000 bytes .* at most 2/],
  [
    'has a header of almost 2^64 bytes',
    rawFile({}, bytes(0), 2n ** 64n - 1n),
    /got a header of 18446744073709551615 bytes.*\n {2}Fix: give a file of safetensors, which this does not seem/,
  ],
  ['has a header of 2^63 bytes', rawFile({}, bytes(0), 2n ** 63n), /got a header of 9223372036854775808 bytes/],
  [
    'is a zip archive, as torch.save writes',
    Buffer.from('504b0304000008080000000000000000', 'hex'),
    /got a zip archive, as PyTorch writes \(\.pt, \.pth\), in .*, expected a safetensors file\.\n.*torch\.save_file/,
  ],
  [
    'is a pickle, as torch.save wrote',
    Buffer.from('80028a0a6cfc9c46f920', 'hex'),
    /got a pickle, as PyTorch wrote it before 1\.6, in /,
  ],
  [
    'has a header of as many bytes as the letters PK say',
    rawFile('{}', bytes(0), 0x4b50n),
    /got a header of 19280 bytes/,
  ],
  [
    'has a header that was cut off and begins as a pickle',
    rawFile('{}', bytes(0), 0x280n),
    /got a header of 640 bytes/,
  ],
  ['begins with a blank', rawFile(' {}'), /begins with " \{\}"/],
  ['is no JSON', rawFile('{"x":'), /header that is not JSON/],
  ['is no object', rawFile('{}[]'), /header that is not JSON/],
  ['is not UTF-8', rawFile('', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), 5n), /not UTF-8/],
  ['is deeply nested', rawFile(`{"x":${'['.repeat(200_000)}`), /header that is not JSON/],
  [
    'is deeply nested and closed',
    rawFile(`{"x":${'['.repeat(200_000)}${']'.repeat(200_000)}}`),
    /FormatError|tensor "x" that is no object/,
  ],
  ['has a tensor that is a number', rawFile({ x: 1 }), /tensor "x" that is no object/],
  ['has a tensor that is null', rawFile({ x: null }), /tensor "x" that is no object/],
  [
    'has one key twice',
    rawFile(
      '{"x":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}',
      bytes(4),
    ),
    /the key "x" twice/,
  ],
  ['has one key twice, escaped', rawFile(`{"x":${noNumbers},"\\u0078":${noNumbers}}`), /the key "x" twice/],
  [
    'has a dtype twice',
    rawFile('{"x":{"dtype":"F32","shape":[1],"dtype":"F64","data_offsets":[0,8]}}', bytes(8)),
    /the key "dtype" twice/,
  ],
  ['has metadata twice', rawFile('{"__metadata__":{},"__metadata__":{"a":"b"}}'), /the key "__metadata__" twice/],
  ['has metadata that are no strings', rawFile({ __metadata__: { a: 1 } }), /metadata "a" that is no string/],
  ['has metadata that are no object', rawFile({ __metadata__: ['a'] }), /__metadata__ that is no object/],
  ['has a tensor with a key too many', rawFile({ x: { ...f32(1), stride: 1 } }, bytes(4)), /with the key "stride"/],
  [
    'has an unknown dtype',
    rawFile({ x: { ...f32(1), dtype: 'F8_E4M3' } }, bytes(4)),
    /tensor "x" of dtype "F8_E4M3".*expected one of F64, F32[\s\S]*Fix: convert/,
  ],
  [
    'has a dtype that every object inherits',
    rawFile({ x: { ...f32(1), dtype: 'constructor' } }, bytes(4)),
    /of dtype "constructor"/,
  ],
  ['has a dtype that is a number', rawFile({ x: { ...f32(1), dtype: 4 } }, bytes(4)), /of dtype "4"/],
  ['has no dtype', rawFile({ x: { shape: [1], data_offsets: [0, 4] } }, bytes(4)), /of dtype "undefined"/],
  ['has no shape', rawFile({ x: { dtype: 'F32', data_offsets: [0, 4] } }, bytes(4)), /of shape "undefined"/],
  ['has a shape that is a number', rawFile({ x: { ...f32(1), shape: 1 } }, bytes(4)), /of shape "1"/],
  ['has a negative extent', rawFile({ x: { ...f32(1), shape: [-1] } }, bytes(4)), /of shape "\[-1\]"/],
  ['has two negative extents', rawFile({ x: { ...f32(1), shape: [-1, -1] } }, bytes(4)), /of shape "\[-1,-1\]"/],
  ['has half an extent', rawFile({ x: { ...f32(1), shape: [0.5, 2] } }, bytes(4)), /of shape "\[0\.5,2\]"/],
  [
    'has an extent above 2^53',
    rawFile('{"x":{"dtype":"F32","shape":[9007199254740993],"data_offsets":[0,4]}}', bytes(4)),
    /of shape/,
  ],
  ['has an extent in text', rawFile({ x: { ...f32(1), shape: ['1'] } }, bytes(4)), /of shape/],
  [
    'has extents whose product overflows',
    rawFile({ x: { dtype: 'F32', shape: [2 ** 40, 2 ** 40], data_offsets: [0, 0] } }),
    /Infinity bytes/,
  ],
  [
    'has extents whose product overflows to what is there',
    rawFile({ x: { dtype: 'F32', shape: [2 ** 32, 2 ** 30], data_offsets: [0, 0] } }),
    /expected Infinity bytes/,
  ],
  [
    'hides an overflow behind a zero',
    rawFile({ x: { dtype: 'F32', shape: [2 ** 40, 2 ** 40, 0], data_offsets: [0, 0] } }),
    /Infinity bytes/,
  ],
  [
    'has too many axes',
    rawFile({ x: { ...f32(1), shape: [1, 1, 1, 1, 1, 1, 1] } }, bytes(4)),
    /with 7 axes.*at most 6/,
  ],
  [
    'has offsets in the wrong order',
    rawFile({ x: { ...f32(1), data_offsets: [4, 0] } }, bytes(4)),
    /with data_offsets \[4, 0\].*expected 4 bytes/,
  ],
  [
    'has negative offsets',
    rawFile({ x: { ...f32(1), data_offsets: [-4, 0] } }, bytes(4)),
    /with data_offsets "\[-4,0\]"/,
  ],
  [
    'has three offsets',
    rawFile({ x: { ...f32(1), data_offsets: [0, 4, 8] } }, bytes(4)),
    /with data_offsets "\[0,4,8\]"/,
  ],
  [
    'has offsets that do not fit the shape',
    rawFile({ x: { ...f32(1), data_offsets: [0, 8] } }, bytes(8)),
    /with data_offsets \[0, 8\].*expected 4 bytes, what F32\[1\] takes/,
  ],
  [
    'has tensors that overlap',
    rawFile({ a: f32(2), b: f32(2, 4) }, bytes(12)),
    /tensor "b" at byte 4, which overlaps.*begins at byte 8/,
  ],
  ['has two tensors in one place', rawFile({ a: f32(2), b: f32(2) }, bytes(8)), /tensor "b" at byte 0, which overlaps/],
  [
    'has a hole',
    rawFile({ a: f32(1), b: f32(1, 8) }, bytes(12)),
    /tensor "b" at byte 8, which leaves a hole.*begins at byte 4/,
  ],
  ['has a hole at its beginning', rawFile({ a: f32(1, 4) }, bytes(8)), /tensor "a" at byte 4, which leaves a hole/],
  ['is truncated in its data', rawFile({ a: f32(2) }, bytes(7)), /7 bytes of data, so that the file is truncated/],
  [
    'goes on after its data',
    rawFile({ a: f32(2) }, bytes(9)),
    /9 bytes of data, so that the file has bytes that no tensor owns/,
  ],
  ['has data and no tensors', rawFile({}, bytes(1)), /bytes that no tensor owns/],
  [
    'has an I64 above i32',
    safetensorsFile([{ name: 'x', dtype: 'I64', shape: [2], data: BigInt64Array.of(1n, 2147483648n) }]),
    /value 2147483648 at 1[\s\S]*Fix: store the tensor as F64/,
  ],
  [
    'has an I64 below i32',
    safetensorsFile([{ name: 'x', dtype: 'I64', shape: [1], data: BigInt64Array.of(-2147483649n) }]),
    /value -2147483649 at 0/,
  ],
  [
    'has a U64 above i32',
    safetensorsFile([{ name: 'x', dtype: 'U64', shape: [1], data: BigUint64Array.of(2n ** 64n - 1n) }]),
    /value 18446744073709551615 at 0/,
  ],
  [
    'has a U32 above i32',
    safetensorsFile([{ name: 'x', dtype: 'U32', shape: [1], data: Uint32Array.of(2147483648) }]),
    /value 2147483648 at 0/,
  ],
  [
    'has a BOOL of 2',
    safetensorsFile([{ name: 'x', dtype: 'BOOL', shape: [2], data: Uint8Array.of(1, 2) }]),
    /byte 2 at 1.*expected 0 or 1/,
  ],
];

describe('a file that', () => {
  test.each(hostile)('%s is refused', async (_, file, message) => {
    await writeFile(path, file);
    const error: unknown = await loadSafetensors(path).then(
      () => undefined,
      (reason: unknown) => reason,
    );
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toMatch(message);
    expect(String(error)).toMatch(
      /^FormatError: loadSafetensors: got [\s\S]* in .*hostile\.safetensors, expected [\s\S]*\n {2}Fix: /,
    );
  });

  test('claims a header above 100 MB is refused before it is read', async () => {
    await writeFile(path, rawFile('{', bytes(0), 100_000_001n));
    await truncate(path, 200_000_000);
    await expect(loadSafetensors(path)).rejects.toThrow(/got a header of 100000001 bytes .* at most 100000000/);
    await expect(loadSafetensorsMetadata(path)).rejects.toThrow(FormatError);
  });

  test('has a long or wild name does not flood the message', async () => {
    await writeFile(path, rawFile({ [`\n\u001b[31m${'x'.repeat(5000)}`]: 1 }));
    const message = String(await loadSafetensors(path).catch((error: unknown) => error));
    expect(message.length).toBeLessThan(500);
    expect(message).not.toContain('\u001b');
  });
});

const whole = (): Buffer =>
  safetensorsFile(
    [
      { name: 'weight', dtype: 'F32', shape: [2, 3], data: Float32Array.of(1, 2, 3, 4, 5, 6) },
      { name: 'steps', dtype: 'I64', shape: [1], data: BigInt64Array.of(7n) },
      { name: 'mask', dtype: 'BOOL', shape: [3], data: Uint8Array.of(1, 0, 1) },
    ],
    { note: 'n' },
  );

test('a file cut at any byte is refused, and leaves no tensor behind', async () => {
  const file = whole();
  const before = handlesKept();
  for (let length = 0; length < file.length; length++) {
    await writeFile(path, file.subarray(0, length));
    await expect(loadSafetensors(path), `cut at ${length}`).rejects.toThrow(FormatError);
  }
  expect(handlesKept()).toBe(before);
});

test('a file with random bytes changed loads or is refused, and nothing else', async () => {
  const seed = Number(process.env['STMNET_TEST_SEED'] ?? 20261121);
  let state = seed;
  const random = (below: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
  for (let round = 0; round < 400; round++) {
    const file = whole();
    for (let changes = 1 + random(3); changes > 0; changes--) file[random(file.length)] = random(256);
    await writeFile(path, file);
    const outcome: unknown = await loadSafetensors(path).catch((error: unknown) => error);
    if (outcome instanceof Error) expect(outcome, `seed ${seed}, round ${round}`).toBeInstanceOf(FormatError);
    else Object.values(outcome as Awaited<ReturnType<typeof loadSafetensors>>).forEach((tensor) => tensor.dispose());
  }
});
