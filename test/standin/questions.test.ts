import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';

const root = join(__dirname, '..', '..');
const built = existsSync(join(root, 'build', 'standin', 'cuda-probe'));

interface Answer {
  about: string;
  changes: string;
  seconds?: number;
  failed?: string;
  outcome?: string;
  cases?: Record<string, unknown>[];
  [field: string]: unknown;
}

interface Report {
  device: { device: string };
  seconds: number;
  answers: Record<string, Answer>;
}

/** How many processes of a group are at work, whoever their parent is. */
function living(group: number): number {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && existsSync(`/proc/${name}/stat`));
  const states = processes.map((name) => {
    try {
      return readFileSync(`/proc/${name}/stat`, 'utf8')
        .replace(/^.*\) /, '')
        .split(' ');
    } catch {
      return []; // it has ended meanwhile
    }
  });
  return states.filter(([state, , of]) => state !== 'Z' && Number(of) === group).length;
}

describe.skipIf(!built)('questions to cuDNN, put to the stand-in', () => {
  let folder: string;
  beforeAll(() => (folder = mkdtempSync(join(tmpdir(), 'stmnet-questions-'))));
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Runs scripts/gpu/questions.mjs on the stand-in. */
  function ask(
    args: string[],
    environment: Record<string, string> = {},
  ): { code: number | null; stdout: string; stderr: string; seconds: number; report: Report | undefined } {
    const output = join(folder, 'questions.json');
    rmSync(output, { force: true });
    const started = performance.now();
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      ['scripts/gpu/questions.mjs', '--standin', `--output=${output}`, ...args],
      { cwd: root, encoding: 'utf8', env: { ...process.env, STMNET_REQUIRE_CUDA: '1', ...environment } },
    );
    const seconds = (performance.now() - started) / 1000;
    return {
      code: status,
      stdout,
      stderr,
      seconds,
      report: existsSync(output) ? (JSON.parse(readFileSync(output, 'utf8')) as Report) : undefined,
    };
  }

  /** The answer to one question. */
  function answerTo(name: string, environment: Record<string, string> = {}): Answer {
    const { code, stdout, stderr, report } = ask([name], environment);
    expect({ code, stderr }, stdout).toEqual({ code: 0, stderr: '' });
    const answer = report?.answers[name];
    if (answer === undefined) throw new Error(`no answer to ${name}: ${stdout}`);
    return answer;
  }

  test('each of the default list gets an answer, and one of each kind beside it', () => {
    const others = [
      'clip-gradient',
      'wgrad-set',
      'backward-twice-standard',
      'mix-standard-persistStatic-f32',
      'hidden-limit-persistStatic-lstm-f32',
      'zero-lengths-none',
      'small-h',
      'dynamic-batches',
    ];
    const all = [ask(['--each=30']), ask(['--each=30', ...others])]; // other tests may run beside it
    expect(all.map(({ code, stderr }) => ({ code, stderr }))).toEqual([
      { code: 0, stderr: '' },
      { code: 0, stderr: '' },
    ]);
    const answers = all.flatMap(({ report }) => Object.entries(report?.answers ?? {}));
    expect(answers.length).toBeGreaterThan(30);
    for (const [name, { about, changes, failed }] of answers) {
      expect(failed, name).toBeUndefined();
      expect(about.length * changes.length, name).toBeGreaterThan(0);
    }
  });

  test('names are unlike each other, each says what it changes, and the guide names those that there are', () => {
    const program = join(root, 'build', 'standin', 'cuda-probe');
    const { stdout } = spawnSync(program, ['list', '--all'], { encoding: 'utf8' });
    const lines = stdout.trim().split('\n');
    const listed = lines.map((line) => JSON.parse(line) as { name: string; about: string; changes: string });
    expect(new Set(listed.map(({ name }) => name)).size).toBe(listed.length);
    expect(listed.filter(({ about, changes }) => about === '' || changes === '')).toEqual([]);
    expect(listed.length).toBeGreaterThan(100);
    const rows = readFileSync(join(root, 'docs', 'gpu-first-run.md'), 'utf8').match(/^\| [^|]+ \|/gm) ?? [];
    const named = rows.flatMap((row) => [...row.matchAll(/`([a-z]+-[\w-]*)\*?`/g)].map(([, name]) => name ?? ''));
    expect(named.length).toBeGreaterThan(8);
    expect(named.filter((start) => !listed.some(({ name }) => name.startsWith(start)))).toEqual([]);
  });

  test('one that crashes, hangs, leaves or throws loses itself alone, and what it told before is kept', () => {
    const { code, report } = ask(['--each=2', 'self-'], { STMNET_PROBE_SELF: '1' });
    expect(code).toBe(0);
    const answers = report?.answers ?? {};
    const told = Object.fromEntries(
      Object.entries(answers).map(([name, { failed, outcome, cases }]) => [name, [failed ?? outcome, cases?.length]]),
    );
    expect(told).toEqual({
      'self-crash': ['ended by signal 6, Aborted', 1],
      'self-hang': ['no answer within 2.0 s', 1],
      'self-throw': ['thrown', 1],
      'self-leave': ['ended with exit code 0', 1],
      'self-answer': ['ok', 2],
      'self-heap': ['ok', undefined],
    });
  });

  test('the limit holds, and what it cut off is named', () => {
    const { code, seconds, report } = ask(['--limit=4', 'weight-layout', 'self-hang', 'algorithms-S1'], {
      STMNET_PROBE_SELF: '1',
    });
    expect(code).toBe(0);
    expect(seconds).toBeLessThan(4);
    const failed = Object.entries(report?.answers ?? {}).map(([name, answer]) => [name, answer.failed]);
    expect(failed).toEqual([
      ['weight-layout', undefined],
      ['self-hang', expect.stringMatching(/^no answer within [123]\.\d s$/)],
      ['algorithms-S1', 'not asked: out of time'],
    ]);
  });

  test('whoever ends the script loses no answer, and leaves no process', async () => {
    const output = join(folder, 'ended.json');
    const child = spawn(
      process.execPath,
      ['scripts/gpu/questions.mjs', '--standin', `--output=${output}`, '--each=60', 'wgrad-set', 'self-hang'],
      { cwd: root, detached: true, stdio: 'ignore', env: { ...process.env, STMNET_PROBE_SELF: '1' } },
    );
    const { pid } = child;
    if (pid === undefined) throw new Error('the script did not start');
    await vi.waitUntil(() => existsSync(output) && readFileSync(output, 'utf8').includes('wgrad-set'), {
      timeout: 30_000,
      interval: 50,
    });
    expect(living(pid)).toBeGreaterThan(1);
    process.kill(pid, 'SIGKILL');
    await vi.waitUntil(() => living(pid) === 0, { timeout: 10_000, interval: 50 });
    const { answers } = JSON.parse(readFileSync(output, 'utf8')) as Report;
    expect(Object.keys(answers)).toEqual(['wgrad-set']);
  });

  test('what it opens is in the report, NVRTC too, which no path of the loader names', () => {
    const { report } = ask(['self-heap'], { LD_LIBRARY_PATH: '', STMNET_PROBE_SELF: '1' });
    const standin = join(root, 'build', 'standin');
    expect(report?.device).toMatchObject({
      cuDNN: expect.stringContaining(`${standin}/libcuda_standin.so`) as string,
      cuBLAS: expect.stringContaining(`${standin}/libcuda_standin.so`) as string,
      // whose builtins were found with it: nothing follows the path
      NVRTC: expect.stringMatching(new RegExp(`^13\\.\\d+, ${standin}/libnvrtc\\.so\\.13$`)) as string,
    });
  });

  test('it is built of the same sources for the stand-in and for a GPU', () => {
    const found = (file: string, pattern: RegExp): string[] =>
      [...(pattern.exec(readFileSync(join(root, file), 'utf8'))?.[1] ?? '').matchAll(/native[\w/]+/g)].map(String);
    const standin = found('cmake/cuda.cmake', /add_executable\(cuda_probe ([^)]*)\)/),
      real = found('scripts/gpu/build-probe.mjs', /shared = \[([^\]]*)\]/);
    expect(standin).toContain('native/backend/cuda/device/libraries');
    expect(real).toEqual(standin);
  });

  test('a name or an option that means nothing is refused', () => {
    expect(ask(['nonesuch'])).toMatchObject({
      code: 1,
      stderr:
        "questions: cuda-probe: got 'nonesuch', " +
        'expected the beginning of a name that `cuda-probe list --all` prints.\n',
    });
    expect(ask(['--fast'])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^questions: Unknown option '--fast'; expected --standin, /) as string,
    });
  });

  test('without a device it says why, and fails only if one is required', () => {
    const environment = { STMNET_STANDIN_DRIVER: '0' };
    const required = ask([], environment),
      optional = ask([], { ...environment, STMNET_REQUIRE_CUDA: '0' });
    expect([required.code, optional.code]).toEqual([1, 0]);
    expect(optional.report).toMatchObject({
      skipped: true,
      reason: expect.stringContaining('cudaGetDeviceProperties') as string,
    });
  });

  test('no dropout, said by a descriptor that was set or by none, computes the same', () => {
    const { cases = [] } = answerTo('dropout-forms');
    const outcomes = cases.map(({ algorithm, form, outcome, ...rest }) => [
      algorithm,
      form,
      outcome,
      Object.values(rest).filter((value) => value !== 0 && value !== true),
    ]);
    const alike = ['standard', 'persistStatic', 'persistStaticSmallH'].flatMap((algorithm) =>
      ['set to 0 without states', 'NULL'].map((form) => [algorithm, form, 'ok', []]),
    );
    expect(outcomes).toEqual([
      ...alike,
      ['standard', 'created and not set', expect.stringContaining('dropoutDesc has not been set'), []],
    ]);
  });

  test('a graph that reads lengths from memory that was freed is found out', () => {
    expect(answerTo('graph-lengths')).toMatchObject({
      outcome: 'ok',
      'calls in the capture': 'ok',
      'replays give the eager bits': true,
    });
    expect(answerTo('graph-lengths', { STMNET_STANDIN_LENGTHS: 'temporary' })).toMatchObject({
      'calls in the capture': 'ok',
      'replays give the eager bits': false,
    });
    const { words, left } = answerTo('self-heap', { STMNET_PROBE_SELF: '1' });
    expect(words).toBeGreaterThan(1000);
    expect(left).toBe(0);
  });

  test('the layout of the weights is told as cuDNN does, in memory and at an address that is none', () => {
    const flags = ({ cases = [] }: Answer): unknown[] =>
      cases
        .filter(({ outcome }) => outcome === 'ok')
        .map((one) => [
          one['a weight space that is none is described alike'],
          one['described as [1, rows, columns], packed'],
        ]);
    const bias = ({ cases = [] }: Answer): unknown =>
      (cases[0] as { 'first gates': { bias: unknown }[] } | undefined)?.['first gates'][0]?.bias;
    const usual = answerTo('weight-layout'),
      rows = answerTo('weight-layout', { STMNET_STANDIN_BIASES: 'row' });
    expect(new Set(flags(usual).map(String))).toEqual(new Set(['true,true']));
    expect(flags(usual).length).toBeGreaterThan(20);
    expect(flags(rows)[0]).toEqual([true, false]);
    expect(bias(usual)).toMatchObject({ type: 0, rank: 3, extents: [1, 128, 1], strides: [128, 1, 1] });
    expect(bias(rows)).toMatchObject({ type: 0, rank: 3, extents: [1, 1, 128] });
  });

  test('products are told in every form and direction, with a bias and with its gradient', () => {
    const forms = [
      'f32',
      'tf32',
      'f32 operands, FAST_16BF',
      'f32 operands, FAST_16F',
      'bf16 operands, f32 result',
      'f16 operands, f32 result',
    ];
    const all = answerTo('products-forms-PTB-large').cases ?? [];
    expect(all.map(({ form }) => form)).toEqual([...forms, ...forms, ...forms]);
    for (const one of all) {
      expect(one).toMatchObject({
        outcome: 'ok',
        ms: expect.any(Number) as number,
        'cuBLASLt ms': expect.any(Number) as number,
      });
      expect(Number(one['against f32'])).toBeLessThan(1e-2);
    }
    for (const [name, field, sizes] of [
      ['products-bias-PTB-large', 'against two passes', ['all', 'one row', 'one output', 'one input']],
      ['products-gradient-PTB-large', 'dbias against the sum', [undefined]],
    ] as const) {
      const { cases = [] } = answerTo(name);
      expect(cases.map((one) => [one['sizes'], one['form'], one['outcome']])).toEqual(
        // The stand-in is one of those that refuse a single row or column.
        sizes.flatMap((size) =>
          [...forms, 'f64'].map((form) => [
            size,
            form,
            size?.startsWith('one') === true ? 'cublasLtMatmulAlgoGetHeuristic: 7 CUBLAS_STATUS_INVALID_VALUE' : 'ok',
          ]),
        ),
      );
      for (const one of cases.filter(({ outcome }) => outcome === 'ok'))
        expect(Number(one[field]), String(one['form'])).toBeLessThan(1e-5);
    }
  });

  test('batch-major rows are those of time-major ones, whatever the algorithm', () => {
    const { cases = [] } = answerTo('batch-major-S5');
    expect(cases).toHaveLength(12);
    for (const one of cases) {
      expect(one).toMatchObject({ outcome: 'ok', 'y against time-major': 0, 'dx against time-major': 0 });
      expect(one['gradients against time-major']).toBeLessThan(1e-3);
    }
  });
});
