import { describe, expect, test } from 'vitest';
import { runChild, workerSource } from '../support/child';

/** Far above what a stop takes, about 10 ms, and far below what is left of the command. */
const prompt = 2_000;

/** Commands that last for many seconds, to a moment when they certainly run. */
const commands: Record<string, string> = {
  'a reduction': 'stm.ones([1]).expand([2 ** 40]).sum()',
  'a reduction of columns': 'stm.ones([1]).expand([2 ** 38, 3]).max(0)',
  'the place of an extreme': 'stm.ones([1]).expand([2, 2 ** 30, 2 ** 9]).argmax(1)',
  'a matrix product': 'stm.ones([7000, 7000], { dtype: "f64" }).matmul(stm.ones([7000, 7000], { dtype: "f64" }))',
  'a product of a matrix and a vector':
    'stm.ones([1]).expand([2 ** 16, 1, 2 ** 13]).matmul(stm.ones([2 ** 13, 2 ** 12]))',
  'an LSTM': 'new stm.LSTM({ inputSize: 4, hiddenSize: 1024 }).forward(stm.ones([4, 10_000, 4])).output',
  'an LSTM over one row':
    'new stm.LSTM({ inputSize: 4, hiddenSize: 1024, numLayers: 2 }).forward(stm.ones([1, 10_000, 4])).output',
  'an LSTM in f64': `new stm.LSTM({ inputSize: 4, hiddenSize: 512, dtype: "f64" })
    .forward(stm.ones([8, 2_000, 4], { dtype: "f64" })).output`,
  'a sort': 'stm.randn([2 ** 25]).sort().values',
  'orthogonal weights': 'stm.init.orthogonal_(stm.zeros([3_500, 3_500]))',
  CTC: `stm.stack(Array.from({ length: 12 }, () =>
    stm.ctcLoss(stm.logSoftmax(stm.randn([6_000, 1, 20]), -1), stm.ones([1, 2_900], { dtype: "i32" }))), 0)`,
};

/** Milliseconds from the moment that the child printed to its end. */
function sinceLastWord(child: { stdout: string }): number {
  return Date.now() - Number(child.stdout.trim().split('\n').at(-1));
}

describe('process.exit does not wait for', () => {
  test.each(Object.entries(commands))('%s', (_, command) => {
    const child = runChild(`
      const result = ${command};
      result.data().then(() => console.log('done'), (error) => console.log(error.message));
      setTimeout(() => { require('node:fs').writeSync(1, String(Date.now())); process.exit(7); }, 500);`);
    const waited = sinceLastWord(child);
    expect(child).toMatchObject({
      code: 7,
      signal: null,
      stderr: '',
      stdout: expect.stringMatching(/^\d+$/) as string,
    });
    expect(waited).toBeLessThan(prompt);
  });
});

const worker = (body: string): string => `
  const { Worker } = require('node:worker_threads');
  const start = () => new Worker(${workerSource(body)}, { eval: true });
  const now = () => require('node:fs').writeSync(1, Date.now() + '\\n');\n`;

test('terminating a worker does not wait for its command', () => {
  const child = runChild(`${worker('stm.ones([1]).expand([2 ** 40]).sum().data(); parentPort.postMessage(1);')}
    const w = start();
    w.once('message', () => setTimeout(async () => { now(); await w.terminate(); }, 300));`);
  expect(sinceLastWord(child)).toBeLessThan(prompt);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test('terminating a worker that waits for the threads of another one', () => {
  const child =
    runChild(`${worker('stm.ones([400, 400]).matmul(stm.ones([400, 400])).sum().data(); parentPort.postMessage(1);')}
    stm.setNumThreads(2);
    stm.ones([1]).expand([2 ** 40]).sum().data();
    setTimeout(() => {
      const w = start();
      w.once('message', () => setTimeout(async () => { now(); await w.terminate(); process.exit(3); }, 300));
    }, 300);`);
  expect(sinceLastWord(child)).toBeLessThan(prompt);
  expect(child).toMatchObject({ code: 3, signal: null, stderr: '' });
});

test('terminating a worker whose script waits for room in its queue', () => {
  const child =
    runChild(`${worker('limitQueue(10); parentPort.postMessage(1); for (;;) stm.ones([1]).expand([2 ** 40]).sum();')}
    const w = start();
    w.once('message', () => setTimeout(async () => { now(); await w.terminate(); }, 1_000));`);
  expect(sinceLastWord(child)).toBeLessThan(prompt);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
});

test('a process that ends while a worker computes', () => {
  const child = runChild(`${worker('stm.ones([1]).expand([2 ** 40]).sum().data(); parentPort.postMessage(1);')}
    start().once('message', () => setTimeout(() => { now(); process.exit(5); }, 300));`);
  expect(sinceLastWord(child)).toBeLessThan(prompt);
  expect(child).toMatchObject({ code: 5, signal: null, stderr: '' });
});
