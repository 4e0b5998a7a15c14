import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runScript } from '../support/child';
import { standinEnvironment } from '../../scripts/standin';

const root = join(__dirname, '..', '..');

/**
 * What a child tells: of each step, the algorithm of cuDNN's last call and how many calls there were; and its numbers.
 */
interface Story {
  steps: { algorithm: number; calls: number }[];
  numbers: number[][];
}

/** `tell(...tensors)` ends a step: it waits for the numbers, and notes which of cuDNN's algorithms has run. */
const prelude = `
  const { readFileSync } = require('node:fs');
  const stm = require(${JSON.stringify(join(root, 'dist', 'index.js'))});
  const story = { steps: [], numbers: [] };
  let seen = 0;
  async function tell(...tensors) {
    for (const x of tensors) story.numbers.push(Array.from(await x.data()));
    const lines = readFileSync(process.env.STMNET_STANDIN_LOG, 'utf8').split('\\n');
    const all = lines.filter((line) => line.includes('cudnnRNNForward') && line.includes('algo='));
    story.steps.push({ algorithm: Number(/algo=(\\d)/.exec(all.at(-1) ?? 'algo=9')[1]), calls: all.length - seen });
    seen = all.length;
  }
  stm.manualSeed(5);
  stm.setMathMode('fma');
  stm.setDefaultDevice('cuda');
  const lstm = new stm.LSTM({ inputSize: 4, hiddenSize: 6 });
  const rows = (n, steps) => {
    const data = Float32Array.from({ length: n * steps * 4 }, (_, i) => Math.sin(i));
    return stm.tensor({ data, shape: [n, steps, 4] });
  };
`;

function run(body: string, environment: Record<string, string>): Story & { file: string } {
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-tuning-'));
  try {
    const child = runScript(`${prelude}\n(async () => {${body}\nconsole.log(JSON.stringify(story)); })();`, {
      environment: {
        ...standinEnvironment(root),
        STMNET_STANDIN_LOG: join(folder, 'log'),
        STMNET_CACHE_DIR: folder,
        ...environment,
      },
    });
    expect(child.stderr).toBe('');
    const file = join(folder, 'cudnn-algorithms.txt');
    return { ...(JSON.parse(child.stdout) as Story), file: existsSync(file) ? readFileSync(file, 'utf8') : '' };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** The numbers with what the tuner finds, beside those of the standard algorithm alone. */
function compare(body: string, fastest: string, environment: Record<string, string> = {}): Story & { file: string } {
  const others = ['standard', 'persistStatic', 'persistStaticSmallH'].flatMap((name) => [
    `${name}/batch`,
    `${name}/time`,
  ]);
  const speeds = others.map((name) => `${name}=${name === fastest ? 1000 : 5000}`).join();
  const tuned = run(body, { STMNET_STANDIN_ALGORITHMS: speeds, ...environment });
  const plain = run(body, { STMNET_CUDNN_AUTOTUNE: '0', ...environment });
  expect(plain.steps.every(({ algorithm }) => algorithm === 0)).toBe(true);
  expect(plain.file).toBe('');
  expect(tuned.numbers.length).toBe(plain.numbers.length);
  for (const [i, numbers] of plain.numbers.entries()) {
    expect(tuned.numbers[i]?.length).toBe(numbers.length);
    for (const [j, number] of numbers.entries())
      expect(Math.abs((tuned.numbers[i]?.[j] ?? NaN) - number), `number ${j} of result ${i}`).toBeLessThan(1e-5);
  }
  return tuned;
}

const algorithms = (story: Story): number[] => story.steps.map(({ algorithm }) => algorithm);
const [standard, persistStatic] = [0, 1];

describe.skipIf(!existsSync(join(root, 'build', 'standin', 'standin_control.node')))(
  'the choice of cuDNN’s algorithm (the stand-in)',
  () => {
    const training = `
    const optimizer = new stm.SGD(lstm.parameters(), { learningRate: 0.1 });
    const step = (x) => {
      const loss = lstm.forward(x).output.square().mean();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    };`;

    /** A worker opens the device, until `closeThere()`. */
    const openElsewhere = `
      const { Worker } = require('node:worker_threads');
      const worker = new Worker(${JSON.stringify(`
        const stm = require(${JSON.stringify(join(root, 'dist', 'index.js'))});
        const { parentPort } = require('node:worker_threads');
        stm.full([2], 1, { device: 'cuda' }).data().then(() => parentPort.postMessage('open'));
        parentPort.on('message', () => process.exit());
      `)}, { eval: true });
      await new Promise((resolve) => worker.once('message', resolve));
      const closeThere = () => {
        worker.postMessage('end');
        return new Promise((resolve) => worker.once('exit', resolve));
      };`;

    test.each(['persistStatic/batch', 'persistStatic/time'])(
      'is made at the fourth step of a training: %s',
      (fastest) => {
        const story = compare(
          `${training} for (let i = 0; i < 6; i++) await tell(step(rows(3, 5)), ...lstm.parameters());`,
          fastest,
        );
        expect(algorithms(story)).toEqual([standard, standard, standard, persistStatic, persistStatic, persistStatic]);
        expect(story.steps.map(({ calls }) => calls > 1)).toEqual([false, false, false, true, false, false]);
        expect(story.file).toContain(`:training ${fastest} standard/batch=`);
      },
    );

    test('the last batch of an epoch is computed without being measured', () => {
      const story = compare(
        `${training} for (const n of [8, 8, 8, 3, 8, 8, 8, 3]) await tell(step(rows(n, 5)));`,
        'persistStatic/batch',
      );
      expect(algorithms(story)).toEqual([
        standard,
        standard,
        standard,
        standard,
        persistStatic,
        persistStatic,
        persistStatic,
        standard,
      ]);
    });

    test.each(['persistStatic/batch', 'persistStatic/time', 'standard/time'])(
      'a graph from before the choice has its gradients after it, twice: %s',
      (fastest) => {
        const story = compare(
          `
      const gradients = () => lstm.parameters().map((parameter) => parameter.grad.clone());
      const early = lstm.forward(rows(3, 5)).output.square().sum();
      for (let i = 0; i < 5; i++) await tell(lstm.forward(rows(3, 5)).output);
      const late = lstm.forward(rows(3, 5)).output.square().sum();
      early.backward({ retainGraph: true });
      await tell(...gradients());
      late.backward({ retainGraph: true });
      await tell(...gradients());
      late.backward();
      early.backward();
      await tell(...gradients());
      `,
          fastest,
        );
        expect(algorithms(story).slice(0, 5)).toEqual(
          fastest === 'standard/time'
            ? [0, 0, 0, 0, 0]
            : [standard, standard, persistStatic, persistStatic, persistStatic],
        );
      },
    );

    test.each(['persistStatic/batch', 'persistStatic/time'])(
      'is made before a compiled step is captured: %s',
      (fastest) => {
        const story = compare(
          `${training}
      const compiled = stm.compile(step);
      for (let i = 0; i < 6; i++) await tell(compiled(rows(3, 5)), ...lstm.parameters());`,
          fastest,
        );
        expect(algorithms(story).slice(0, 2)).toEqual([standard, persistStatic]);
        expect(story.steps.slice(3).map(({ calls }) => calls)).toEqual([0, 0, 0]); // a graph, which keeps the choice
        expect(algorithms(story).at(-1)).toBe(persistStatic);
      },
    );

    test.each(['persistStatic/batch', 'persistStatic/time'])(
      'a recorded step keeps the choice that its weights are packed for, though a worker opens the device: %s',
      (fastest) => {
        const story = compare(
          `${training}
      const compiled = stm.compile(step);
      for (let i = 0; i < 3; i++) await tell(compiled(rows(3, 5)), ...lstm.parameters());
      ${openElsewhere}
      await tell(compiled(rows(3, 5)), ...lstm.parameters());
      await tell(step(rows(3, 5)), ...lstm.parameters());
      await closeThere();
      `,
          fastest,
          { STMNET_CUDA_GRAPHS: '0' }, // each replay calls cuDNN
        );
        expect(algorithms(story)).toEqual([standard, persistStatic, persistStatic, persistStatic, standard]);
      },
    );

    test.each(['persistStatic/batch', 'standard/time'])(
      'a compiled step finds weights that have changed as the choice wants them: %s',
      (fastest) => {
        const story = compare(
          `
      lstm.eval();
      const infer = stm.compile((x) => lstm.forward(x).output);
      const other = stm.compile((x) => stm.concat([lstm.forward(x).output, lstm.forward(x).output], 0));
      for (let i = 0; i < 8; i++) {
        if (i % 2 === 1) stm.noGrad(() => { for (const parameter of lstm.parameters()) parameter.mul_(0.9); });
        await tell(stm.noGrad(() => infer(rows(3, 5))), stm.noGrad(() => other(rows(3, 5))));
        await tell(stm.noGrad(() => lstm.forward(rows(3, 5)).output));
      }
      `,
          fastest,
        );
        expect(story.file).toContain(`:inference ${fastest} `);
      },
    );

    test('stays the standard one while another worker has the device open', () => {
      const story = compare(
        `
      ${openElsewhere}
      ${training}
      for (let i = 0; i < 6; i++) await tell(step(rows(3, 5)));
      await closeThere();
      for (let i = 0; i < 4; i++) await tell(step(rows(3, 5)));
      `,
        'persistStatic/batch',
      );
      expect(algorithms(story)).toEqual([...Array.from({ length: 9 }, () => standard), persistStatic]);
    });
  },
);
