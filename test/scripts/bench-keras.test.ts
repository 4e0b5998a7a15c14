import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi, type TestContext } from 'vitest';
import { ClassifierJob } from '../../scripts/bench/jobs/classifier';
import { LanguageJob } from '../../scripts/bench/jobs/language';
import { RecurrentJob, recurrentCells, type RecurrentKind } from '../../scripts/bench/jobs/recurrent';
import { startPython, type LineWorker } from '../../scripts/bench/line-worker';
import type { Answer, Greeting, Job, JobOptions, Request } from '../../scripts/bench/turns/protocol';
import { distance } from '../../scripts/bench/turns/turns';
import { scratchFolder } from '../support/scratch';

// Scripts are found from where their JavaScript lies, which is elsewhere here.
vi.hoisted(() => vi.stubEnv('STMNET_BENCH_REPOSITORY', process.cwd()));

const folder = scratchFolder('bench-keras');
let started: Awaited<ReturnType<typeof startPython>> | undefined;

beforeAll(async () => {
  started = await startPython('peers/keras_worker.py', ['1', 'wall']);
}, 120_000);

afterAll(() => {
  if (started !== undefined && 'worker' in started) started.worker.stop();
});

/** The worker; the test is skipped where Python has no Keras or no JAX. */
function keras({ skip }: TestContext): LineWorker {
  if (started !== undefined && 'worker' in started) return started.worker;
  const missing = started?.missing ?? '';
  expect(missing).toMatch(/No module named '(keras|jax)'|ENOENT/);
  return skip(`no Keras on JAX: ${missing}`);
}

const ask = async (worker: LineWorker, request: Request): Promise<Answer> => (await worker.ask(request)) as Answer;

/** What Keras comes to with the parameters of the job, what the job comes to, and milliseconds of two runs. */
interface Both {
  readonly values: readonly number[];
  readonly expected: readonly number[];
  readonly ms: readonly number[];
}

async function both(worker: LineWorker, name: string, job: Job, options: JobOptions): Promise<Both> {
  const file = join(folder, 'weights.safetensors');
  await job.save?.(file);
  expect(await ask(worker, { ask: 'make', key: 'x', job: name, options })).toEqual({});
  expect(await ask(worker, { ask: 'load', key: 'x', file })).toEqual({});
  const { values = [] } = await ask(worker, { ask: 'check', key: 'x' });
  const expected = (await job.check?.()) ?? [];
  expect(expected.length).toBeGreaterThan(0);
  const { ms = [] } = await ask(worker, { ask: 'run', key: 'x', runs: 2 });
  await ask(worker, { ask: 'drop', key: 'x' });
  job.dispose?.();
  return { values, expected, ms };
}

const shapeOf = (T: number, L: number, bidirectional: boolean): object => ({ T, N: 2, D: 4, H: 5, L, bidirectional });
const now = (): number => performance.now();
const twoTimes = [expect.any(Number), expect.any(Number)];

/**
 * Losses of the first steps: the first is before any update. Later ones differ a little, as an LSTM of Keras has one
 * bias, which a step moves half as far as two.
 */
function expectAlike({ values, expected, ms }: Both): void {
  const [first = Number.NaN] = expected;
  expect(values[0]).toBeCloseTo(first, 5);
  const learned = first - (expected.at(-1) ?? Number.NaN); // all steps of one piece, or the last of the first batch
  expect(learned).toBeGreaterThan(5e-3);
  expect(distance(values, expected)).toBeLessThan(learned / 5);
  expect(ms).toEqual(twoTimes);
}

describe('Keras on JAX', () => {
  it('says its versions', (context) => {
    keras(context);
    const { versions } = (started as { greeting: unknown }).greeting as Greeting;
    expect(Object.keys(versions)).toEqual(['keras', 'jax', 'python']);
  });

  it.for(
    recurrentCells.flatMap((cell) =>
      (['train', 'computed'] as const).flatMap((kind) =>
        [shapeOf(3, 2, false), shapeOf(3, 2, true), shapeOf(1, 1, false)].map((shape) => ({ cell, kind, shape })),
      ),
    ),
  )('comes to the same as $cell, $kind, $shape', { timeout: 60_000 }, async (options, context) => {
    const made = { name: '', about: '', ...options.shape } as ConstructorParameters<typeof RecurrentJob>[0]['shape'];
    const job = new RecurrentJob({ ...options, shape: made }, now);
    const { values, expected, ms } = await both(keras(context), 'recurrent', job, options);
    expect(distance(values, expected)).toBeLessThan(1e-5);
    expect(ms).toEqual(twoTimes);
  });

  it('refuses to read', async (context) => {
    const options = { cell: 'lstm', kind: 'read' satisfies RecurrentKind, shape: shapeOf(1, 1, false) };
    const answer = await ask(keras(context), { ask: 'make', key: 'x', job: 'recurrent', options });
    expect(answer).toEqual({ error: 'ValueError: it computes outputs, and does not read them' });
  });

  it('learns a language model alike', { timeout: 60_000 }, async (context) => {
    const text = [0, 1].map((row) => Array.from({ length: 4 }, (_, i) => (3 * i + row) % 7));
    const options = { steps: 3, hidden: 5, layers: 2, vocabulary: 7, text };
    expectAlike(await both(keras(context), 'language', new LanguageJob(options, now), options));
  });

  it('learns a classifier of padded texts alike', { timeout: 60_000 }, async (context) => {
    const batches = [
      { texts: [[1, 2, 3, 0], [4]], labels: [0, 2] },
      {
        texts: [
          [0, 0],
          [5, 1, 6],
        ],
        labels: [1, 1],
      },
    ];
    const options = { vocabulary: 7, hidden: 5, classes: 3, batches };
    expectAlike(await both(keras(context), 'classifier', new ClassifierJob(options, now), options));
  });
});
