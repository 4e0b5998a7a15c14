import { expect, test } from 'vitest';
import { runChild, workerSource } from '../support/child';

const clean = { code: 0, signal: null, stderr: '' };

/** `work(ms)` keeps the JavaScript thread busy. */
const busy = 'const work = (ms) => { const end = performance.now() + ms; while (performance.now() < end); };';

test('a program that awaits one result after the other leaves the event loop its turns', () => {
  // Each fence has come before it is awaited.
  const child = runChild(`${busy}
    (async () => {
      let [turned, steps] = [false, 0];
      await stm.synchronize();
      setImmediate(() => { turned = true; });
      for (; !turned && steps < 200; ++steps) {
        const fence = stm.synchronize();
        work(3);
        await fence;
      }
      console.log(steps);
    })();`);
  expect(child).toMatchObject(clean);
  expect(Number(child.stdout)).toBeLessThan(10);
});

test('promises are settled in the order of their commands, whether or not the loop must turn first', () => {
  const child = runChild(`${busy}
    (async () => {
      const settled = [], reads = [];
      for (let i = 0; i < 60; ++i) {
        const read = stm.full([2], i).data().then(([value]) => { settled.push(value); work(1); });
        reads.push(read);
      }
      work(20);
      await Promise.all(reads);
      console.log(settled.length, settled.every((value, i) => value === i));
    })();`);
  expect(child).toMatchObject({ ...clean, stdout: '60 true\n' });
});

test('a worker may end while promises wait for the loop to turn', () => {
  const script = workerSource(`${busy}
    (async () => {
      for (let i = 0; ; ++i) {
        const fences = [stm.synchronize(), stm.full([2], i).data()];
        work(2);
        if (i === 5) parentPort.postMessage(i);
        await Promise.all(fences);
      }
    })();`);
  const child = runChild(`
    const { Worker } = require('node:worker_threads');
    (async () => {
      for (let round = 0; round < 5; ++round) {
        const worker = new Worker(${script}, { eval: true });
        await new Promise((done) => worker.once('message', done));
        await worker.terminate();
      }
      console.log('ended');
    })();`);
  expect(child).toMatchObject({ ...clean, stdout: 'ended\n' });
});
