import { expect, test } from 'vitest';
import { prelude, runChild, runScript, workerSource } from '../support/child';

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

test('timers that stand still, since a test has faked them, are not waited for', () => {
  const child = runScript(`
    ${busy}
    globalThis.setImmediate = Object.assign(() => {}, { clock: {} });
    ${prelude}
    (async () => {
      for (let i = 0; i < 20; ++i) {
        const fence = stm.synchronize();
        work(3);
        await fence;
      }
      console.log('ended');
    })();`);
  expect(child).toMatchObject({ ...clean, stdout: 'ended\n' });
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

test('a large array is written in parts, between which the event loop turns', () => {
  const child = runChild(`
    (async () => {
      const into = new Float32Array(16_000_000);
      let [settled, turns] = [false, 0];
      const read = stm.full([into.length], 7).data({ into }).then(() => { settled = true; });
      for (; !settled; turns += into[0] === 7) await new Promise((turned) => setImmediate(turned));
      console.log(into.every((value) => value === 7), turns);
    })();`);
  expect(child).toMatchObject(clean);
  const [whole, turns] = child.stdout.split(' ');
  expect(whole).toBe('true');
  expect(Number(turns)).toBeGreaterThan(10);
});

test('an array that is handed on while it is written', () => {
  const child = runChild(`
    (async () => {
      const into = new Float32Array(16_000_000);
      const read = stm.full([into.length], 7).data({ into }).catch((error) => error.message);
      while (into[0] !== 7) await new Promise((turned) => setImmediate(turned));
      structuredClone(into, { transfer: [into.buffer] });
      console.log(await read, (await stm.full([2], 3).data()).join());
    })();`);
  expect(child).toMatchObject(clean);
  expect(child.stdout).toMatch(/^data: got an array as into whose memory was handed on[^]* 3,3\n$/);
});
