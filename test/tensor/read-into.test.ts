import { expect, expectTypeOf, test } from 'vitest';
import { compile, gt, tensor, type DataOptions, type DType, type TypedArray } from 'stmnet';
import { binding } from '../../src/native/load';
import { idOf, wrap } from '../../src/tensor/tensor';
import { runChild } from '../support/child';
import { describeDevices } from '../support/devices';

describeDevices('data({ into })', (device) => {
  const numbers = (dtype: DType = 'f32') => tensor([1, 2, 3, 4], { dtype, device }).reshape([2, 2]);

  test('writes into the array and resolves to it', async () => {
    const into = new Float32Array(4);
    const read = await numbers().data({ into });
    expectTypeOf(read).toEqualTypeOf<Float32Array<ArrayBuffer>>();
    expect(read).toBe(into);
    expect(into).toEqual(Float32Array.of(1, 2, 3, 4));
    await numbers().mul(10).data({ into });
    expect(into).toEqual(Float32Array.of(10, 20, 30, 40));
  });

  test.each([
    ['f64', new Float64Array(4)],
    ['i32', new Int32Array(4)],
    ['f32', new Float32Array(new SharedArrayBuffer(16))],
  ] as const)('%s', async (dtype, into) => {
    await numbers(dtype).data<TypedArray>({ into });
    expect([...into]).toEqual([1, 2, 3, 4]);
  });

  test('bool, in a Buffer', async () => {
    expect([...(await gt(numbers(), 2).data({ into: Buffer.alloc(4) }))]).toEqual([0, 0, 1, 1]);
  });

  test('a new array where none is given', async () => {
    const perhaps = (): DataOptions<Float32Array> | undefined => undefined;
    const values = Float32Array.of(1, 2, 3, 4);
    expect(await numbers().data(perhaps())).toEqual(values);
    expect(await numbers().data({})).toEqual(values);
  });

  test('a view of a tensor, into a part of a buffer', async () => {
    const all = new Float32Array(6);
    await numbers()
      .transpose(0, 1)
      .data({ into: all.subarray(1, 5) });
    expect(all).toEqual(Float32Array.of(0, 1, 3, 2, 4, 0));
  });

  test('nothing, and something large', async () => {
    const empty = new Float32Array(0);
    expect(await tensor([], { device }).data({ into: empty })).toBe(empty);
    const large = new Float32Array(2_000_000);
    await tensor({ data: new Float32Array(2_000_000).fill(3), shape: [2_000_000] }, { device }).data({ into: large });
    expect(large.every((value) => value === 3)).toBe(true);
  });

  test('the array stays as it is until then, and shows what the tensor was at the call', async () => {
    const [x, into] = [numbers(), new Float32Array(4)];
    const read = x.data({ into });
    x.mul_(2);
    expect(into).toEqual(new Float32Array(4));
    await read;
    expect(into).toEqual(Float32Array.of(1, 2, 3, 4));
  });

  test('what was computed wrongly leaves the array alone', async () => {
    const [x, into] = [numbers(), new Float32Array(4)];
    await expect(wrap(binding.testFail(idOf(x, 'test'))).data({ into })).rejects.toThrowError(/asked to fail/);
    expect(into).toEqual(new Float32Array(4));
  });

  test('an array that is handed on, or gets shorter, while the read is pending', async () => {
    const given = /got an array as into whose memory was handed on, or resized.*\n.*await data\(\) before/;
    const into = new Float32Array(4);
    const read = numbers().data({ into });
    const elsewhere = structuredClone(into, { transfer: [into.buffer] });
    await expect(read).rejects.toThrowError(given);
    await expect(read).rejects.toMatchObject({ name: 'OptionError', op: 'data', code: 'ERR_STM_OPTION' });
    expect(elsewhere).toEqual(new Float32Array(4));
    const buffer = Reflect.construct(ArrayBuffer, [16, { maxByteLength: 64 }]) as ArrayBuffer;
    const shrunk = numbers().data({ into: new Float32Array(buffer) });
    const resize: unknown = Reflect.get(buffer, 'resize');
    if (typeof resize !== 'function') return void (await shrunk); // Node.js 20 has it
    Reflect.apply(resize, buffer, [8]);
    await expect(shrunk).rejects.toThrowError(given);
  });
});

const x = tensor([
  [1, 2],
  [3, 4],
]);

test('mistakes', () => {
  const expected = ', expected a Float32Array of 4, for f32\\[2, 2\\] on .*\\.\n.*new Float32Array\\(4\\)';
  const read = (into: unknown) => () => x.data({ into: into as Float32Array });
  const refused = (name: string, given: string) =>
    expect.objectContaining({ name, op: 'data', message: expect.stringMatching(new RegExp(given + expected)) });
  expect(read([1, 2, 3, 4])).toThrowError(refused('OptionError', 'got \\[1, 2, 3, 4\\] as into'));
  expect(read(new DataView(new ArrayBuffer(16)))).toThrowError(refused('OptionError', ' as into'));
  expect(read(new Float64Array(4))).toThrowError(refused('DTypeError', 'got Float64Array\\(4\\) as into'));
  expect(read(new Float32Array(5))).toThrowError(refused('ShapeError', 'got 5 numbers as into'));
  const gone = new Float32Array(4);
  structuredClone(gone, { transfer: [gone.buffer] });
  expect(read(gone)).toThrowError(refused('ShapeError', 'got 0 numbers as into'));
  expect(() => x.data({ onto: gone } as never)).toThrowError(/option onto, expected only into/);
  expect(() => compile(() => void x.data({ into: new Float32Array(4) }))()).toThrowError(/data\(\)/);
});

test('the array lives while the read is pending, and so does a process whose worker ends meanwhile', () => {
  const child = runChild(`
    const { Worker } = require('node:worker_threads');
    const read = () => {
      const into = new Float32Array(2_000_000);
      void slow(stm.full([2_000_000], 5), 20).data({ into }).then((a) => console.log(a.every((value) => value === 5)));
    };
    read();
    for (let i = 0; i < 5; i++) { gc(); new Float32Array(2_000_000).fill(1); }
    const source = 'const stm = require(' + JSON.stringify(require.resolve('./dist/index.js')) + ');' +
      'for (let i = 0; i < 9; i++) void stm.full([2_000_000], 5).data({ into: new Float32Array(2_000_000) });' +
      'require("node:worker_threads").parentPort.postMessage(1);';
    const worker = new Worker(source, { eval: true });
    worker.once('message', async () => { await worker.terminate(); console.log('ended'); read(); });`);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
  expect(child.stdout.split('\n').sort()).toEqual(['', 'ended', 'true', 'true']);
});
