import { expect, test } from 'vitest';
import { runChild, workerSource } from '../support/child';

const clean = { code: 0, signal: null, stderr: '' };

/** `start()` gives a worker that runs `body`, in which `parentPort` is there beside the prelude. */
const worker = (body: string): string => `
  const { Worker } = require('node:worker_threads');
  const source = ${workerSource(body)};
  const start = () => new Worker(source, { eval: true });\n`;

/** A tensor of 1.6 million numbers, and whether an array is what it holds. */
const large = `
  const length = 1_600_000, read = (value) => stm.full([length], value).data();
  const holds = (array, value) => array.length === length && array.every((x) => x === value);\n`;

test('arrays outlive the worker that has read them and handed them on', () => {
  const send = `${large} (async () => {
    for (let i = 1; i <= 5; i++) {
      const array = await read(i);
      parentPort.postMessage(array, [array.buffer]);
      if (array.length !== 0) throw new Error('it is still here');
    }
  })();`;
  const child = runChild(`${worker(send)} ${large}
    const arrays = [[], [], []];
    const ends = arrays.map((own) => new Promise((done) => start().on('message', (a) => own.push(a)).on('exit', done)));
    (async () => {
      await Promise.all(ends);
      for (let i = 0; i < 20; i++) { await read(100 + i); gc(); }
      console.log(arrays.every((own) => own.length === 5 && own.every((array, i) => holds(array, i + 1))));
    })();`);
  expect(child).toMatchObject({ ...clean, stdout: 'true\n' });
});

test('arrays can be handed to a worker, copied and handed on within a thread', () => {
  const child =
    runChild(`${worker(`parentPort.once('message', (a) => parentPort.postMessage(a, [a.buffer]));`)} ${large}
    (async () => {
      const array = await read(3), copy = structuredClone(array);
      console.log(holds(array, 3), holds(copy, 3));
      const moved = structuredClone(array, { transfer: [array.buffer] });
      console.log(array.length, holds(moved, 3));
      const w = start();
      w.once('message', (back) => console.log(moved.length, holds(back, 3)));
      w.postMessage(moved, [moved.buffer]);
    })();`);
  expect(child).toMatchObject({ ...clean, stdout: 'true true\n0 true\n0 true\n' });
});

test('a worker that ends with arrays alive and reads pending', () => {
  const keep = `${large} (async () => {
    globalThis.kept = [await read(1), await read(2)];
    for (let i = 0; i < 5; i++) void read(i);
    parentPort.postMessage(1);
  })();`;
  const child = runChild(`${worker(keep)} ${large}
    (async () => {
      for (let round = 0; round < 4; round++) {
        const workers = [start(), start(), start()];
        await Promise.all(workers.map((w) => new Promise((done) => w.once('message', done))));
        await Promise.all(workers.map((w) => w.terminate()));
      }
      console.log(holds(await read(7), 7));
    })();`);
  expect(child).toMatchObject({ ...clean, stdout: 'true\n' });
});

test('a thousand large reads that nobody keeps do not pile up', () => {
  const child = runChild(`${large}
    (async () => {
      const x = stm.full([length], 1);
      await x.data();
      const before = process.memoryUsage.rss();
      for (let i = 0; i < 1000; i++) await x.data();
      console.log((process.resourceUsage().maxRSS * 1024 - before) / 2 ** 20);
    })();`);
  expect(child).toMatchObject(clean);
  expect(Number(child.stdout)).toBeLessThan(400); // 6,100 MB were read
});
