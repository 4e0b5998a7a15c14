import { expect, test } from 'vitest';
import { runChild, runScript, workerSource } from '../support/child';

const clean = { signal: null, stderr: '' };

/** `start()` gives a worker that runs `body`, in which `parentPort` is there beside the prelude. */
const worker = (body: string): string => `
  const { Worker } = require('node:worker_threads');
  const source = ${workerSource(body)};
  const start = () => new Worker(source, { eval: true });\n`;

test('worker.terminate mid-queue leaves the main thread usable', () => {
  const child = runChild(`${worker('queue(20).data(); parentPort.postMessage(1);')}
    const w = start();
    w.once('message', async () => { await w.terminate(); console.log('main', await one().add(one()).item()); });`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'main 2\n' });
  expect(child.ms).toBeLessThan(10_000);
});

test('worker.terminate while its thread waits for room in the queue', () => {
  const child = runChild(`${worker('limitQueue(10); parentPort.postMessage(1); for (;;) slow(one(), 20);')}
    const w = start();
    w.once('message', () => setTimeout(async () => { await w.terminate(); console.log('ended'); }, 200));`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'ended\n' });
});

test('two workers and the main thread compute at once', () => {
  const sum = `(async () => {
    let x = one();
    for (let i = 0; i < 2000; i++) {
      x = x.add(one());
      if (i % 100 === 0) await x.item();
    }
    return x.item();
  })()`;
  const child = runChild(`${worker(`${sum}.then((value) => parentPort.postMessage(value));`)}
    const results = [start(), start()].map((w) => new Promise((done) => w.once('message', done)));
    (async () => { console.log(await ${sum}, ...(await Promise.all(results))); })();`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: '2001 2001 2001\n' });
});

test('two workers and the main thread train at once, on the one thread team', () => {
  const train = `(async () => {
    stm.manualSeed(3);
    const lstm = new stm.LSTM({ inputSize: 16, hiddenSize: 32, numLayers: 2 }), x = stm.randn([8, 12, 16]);
    for (let i = 0; i < 20; i++) {
      for (const p of lstm.parameters()) p.grad = undefined;
      lstm.forward(x).output.square().mean().backward();
      stm.noGrad(() => { for (const p of lstm.parameters()) p.sub_(p.grad.mul(0.1)); });
    }
    return lstm.forward(x).output.square().mean().item();
  })()`;
  const child = runChild(`${worker(`${train}.then((value) => parentPort.postMessage(value));`)}
    const results = [start(), start()].map((w) => new Promise((done) => w.once('message', done)));
    (async () => {
      const values = [await ${train}, ...(await Promise.all(results))];
      console.log(values.every((value) => value === values[0]), values[0] > 0);
    })();`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'true true\n' });
});

test('process.exit on the main thread while a worker computes', () => {
  const child = runChild(
    `${worker('queue(20).data(); parentPort.postMessage(1);')} start().once('message', () => process.exit(3));`,
  );
  expect(child).toMatchObject({ ...clean, code: 3 });
});

test('a worker that ends by itself with work queued', () => {
  const child = runChild(`${worker('queue(20);')} start().once('exit', (code) => console.log('exit', code));`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'exit 0\n' });
  expect(child.ms).toBeLessThan(10_000);
});

test('process.exit in a worker, with a read pending', () => {
  const child = runChild(`${worker('queue(20).data(); setTimeout(() => process.exit(4), 50);')}
    start().once('exit', async (code) => console.log('exit', code, await one().item()));`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'exit 4 1\n' });
});

test('an uncaught error in a worker reaches its error event only', () => {
  const child = runChild(`${worker('queue(20).data(); setTimeout(() => { throw new Error("mine"); }, 50);')}
    start().once('error', async (error) => console.log(error.message, await one().item()));`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'mine 1\n' });
});

test('the addon outlives the only worker that has loaded it', () => {
  // The thread team is the process's: were the addon unmapped with the worker, its threads would run into nothing.
  const body = `
    const x = stm.randn([256, 256]);
    x.matmul(x).sum().item().then((value) => parentPort.postMessage(Number.isFinite(value)));`;
  const child = runScript(`${worker(body)}
    (async () => {
      for (let i = 0; i < 3; i++) {
        const w = start(), ended = new Promise((done) => w.once('exit', done));
        console.log(await new Promise((done) => w.once('message', done)), await ended);
      }
      setTimeout(() => console.log('end'), 100);
    })();`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'true 0\ntrue 0\ntrue 0\nend\n' });
});

test('twenty workers come and go, terminated at any moment', () => {
  const child =
    runChild(`${worker('parentPort.postMessage(1); (async () => { for (;;) await one().add(one()).item(); })();')}
    (async () => {
      for (let i = 0; i < 20; i++) {
        const w = start();
        await new Promise((done) => w.once('message', done));
        await new Promise((done) => setTimeout(done, i % 5));
        await w.terminate();
      }
      console.log('main', await one().item());
    })();`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'main 1\n' });
});

test('workers that are terminated while they load stmnet', { timeout: 120_000 }, () => {
  const child = runChild(`${worker('one();')}
    (async () => {
      for (let i = 0; i < 100; i++) {
        const w = start();
        w.on('error', () => {});
        await new Promise((done) => w.once('online', done));
        await new Promise((done) => setTimeout(done, (i * 0.7) % 60));
        await w.terminate();
      }
      console.log('main', await one().item());
    })();`);
  expect(child).toMatchObject({ ...clean, code: 0, stdout: 'main 1\n' });
});

test('a tensor cannot be used in another worker', () => {
  const use = `
    parentPort.once('message', (x) => {
      try {
        stm.add(x, one());
        parentPort.postMessage('used');
      } catch (error) {
        parentPort.postMessage(error.name);
      }
    });`;
  const child = runChild(`${worker(use)}
    const w = start();
    w.once('message', (answer) => { console.log(answer); w.terminate(); });
    w.postMessage(one());`);
  expect(child).toMatchObject({ signal: null, code: 0 });
  expect(child.stdout).toMatch(/^\w*Error\n$/);
});
