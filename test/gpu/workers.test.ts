import { expect, test } from 'vitest';
import { runChild, workerSource } from '../support/child';
import { cuda, describeCuda, whyNoGraph } from './cuda';

const worker = (body: string): string => `
  const { Worker } = require('node:worker_threads');
  const source = ${workerSource(`stm.setDefaultDevice('${cuda}'); ${body}`)};
  const start = () => new Worker(source, { eval: true });
  stm.setDefaultDevice('${cuda}');\n`;

const train = `(async () => {
  stm.manualSeed(3); stm.setDeterministic(true);
  const lstm = new stm.LSTM({ inputSize: 16, hiddenSize: 32, numLayers: 2 });
  const x = stm.randn([8, 12, 16]), lengths = [12, 0, 3, 5, 12, 1, 8, 2];
  const optimizer = new stm.Adam(lstm.parameters(), { learningRate: 1e-2 });
  for (let i = 0; i < 30; i++) {
    optimizer.zeroGrad();
    lstm.forward(new stm.PaddedSequence(x, lengths)).output.values.square().mean().backward();
    optimizer.step();
    if (i % 10 === 0) await stm.synchronize();
  }
  return lstm.forward(x).output.square().mean().item();
})()`;

describeCuda('workers on one device', () => {
  test('two workers and the main thread train at once, and get the same', () => {
    const child = runChild(`${worker(`${train}.then((value) => parentPort.postMessage(value));`)}
      const results = [start(), start()].map((w) => new Promise((done, fail) => {
        w.once('message', done);
        w.once('error', fail);
      }));
      (async () => {
        const values = [await ${train}, ...(await Promise.all(results))];
        console.log(values.every((value) => value === values[0]), values[0] > 0, values.length);
      })();`);
    expect(child).toMatchObject({ signal: null, stderr: '', code: 0, stdout: 'true true 3\n' });
  });

  test('steps of the main thread become graphs while workers set up, compute and end', () => {
    const compute = `
      const layer = new stm.GRU({ inputSize: 5, hiddenSize: 7 });
      layer.forward(stm.ones([3, 4, 5])).output.sum().item().then(() => process.exit());`;
    const child = runChild(`${worker(compute)}
      let running = 3;
      const next = (left) => left > 0 ? start().once('exit', () => next(left - 1)) : running--;
      for (let i = 0; i < 3; i++) next(3);
      (async () => {
        const layer = new stm.LSTM({ inputSize: 6, hiddenSize: 8 }).eval();
        const forward = (x) => stm.noGrad(() => layer.forward(x).output.square().sum());
        let [graphs, wrong] = [0, 0];
        const reasons = new Set();
        for (let steps = 1; running > 0 || steps < 20; steps++) {
          const x = stm.ones([2, 1 + steps % 40, 6]), step = stm.compile(forward);
          for (let i = 0; i < 4; i++) if (await step(x).item() !== await forward(x).item()) wrong++;
          graphs++;
          if (step.fallback !== undefined) reasons.add(step.fallback);
          step.clear();
        }
        console.log(graphs >= 19, wrong, [...reasons].join());
      })();`);
    expect(child).toMatchObject({ signal: null, stderr: '', code: 0, stdout: `true 0 ${whyNoGraph ?? ''}\n` });
  });

  test('a worker that is terminated mid-queue leaves the device to the main thread', () => {
    const compute = `
      for (let i = 0; i < 200; i++) stm.randn([64, 64]).matmul(stm.randn([64, 64]));
      parentPort.postMessage(1);
      queue(5).data();`;
    const child = runChild(`${worker(compute)}
      const w = start();
      w.once('message', async () => { await w.terminate(); console.log('main', await one().add(one()).item()); });`);
    expect(child).toMatchObject({ signal: null, stderr: '', code: 0, stdout: 'main 2\n' });
  });

  test('process.exit and an uncaught error with work queued end the process at once', () => {
    const exit = runChild(`
      stm.setDefaultDevice('${cuda}');
      const lstm = new stm.LSTM({ inputSize: 64, hiddenSize: 64 });
      for (let i = 0; i < 50; i++) lstm.forward(stm.randn([16, 50, 64])).output.sum().backward();
      process.exit(3);`);
    expect(exit).toMatchObject({ signal: null, code: 3, stderr: '' });
    const thrown = runChild(`
      stm.setDefaultDevice('${cuda}');
      for (let i = 0; i < 200; i++) stm.randn([64, 64]).matmul(stm.randn([64, 64]));
      throw new Error('mine');`);
    expect(thrown).toMatchObject({ signal: null, code: 1 });
    expect(thrown.stderr).toContain('mine');
  });
});
