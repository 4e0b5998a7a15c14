import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { standinEnvironment } from '../../scripts/standin';
import { root } from '../../scripts/toolchain.mjs';

const there = existsSync(join(root, 'build', 'standin', 'libstmnet_cuda_standin.so'));
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stmnet-gpu-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

interface Ended {
  status: number;
  stdout: string;
  stderr: string;
}

function node(args: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  return new Promise((done) => {
    const options = { cwd: root, timeout: 55_000, env: { ...process.env, ...env } };
    execFile(process.execPath, args, options, (error, stdout, stderr) =>
      done({ status: error === null ? 0 : Number(error.code ?? -1), stdout, stderr }),
    );
  });
}

let scripts = 0;

/** Runs a script of scripts/gpu on the stand-in. @returns how it ended, its report and where that is */
async function script(
  name: string,
  args: readonly string[],
  env: Record<string, string> = {},
): Promise<{ status: number; text: string; seconds: number; report: Record<string, unknown>; output: string }> {
  const output = join(folder, `${name}-${++scripts}`, `${name}.json`);
  const begun = performance.now();
  const { status, stdout, stderr } = await node(
    ['--expose-gc', join(root, 'scripts', 'gpu', `${name}.mjs`), '--standin', `--output=${output}`, ...args],
    { STMNET_REQUIRE_CUDA: '1', CUDA_HOME: '', ...env },
  );
  return {
    status,
    text: stdout + stderr,
    seconds: (performance.now() - begun) / 1000,
    report: existsSync(output) ? (JSON.parse(readFileSync(output, 'utf8')) as Record<string, unknown>) : {},
    output,
  };
}

/** Variables under which every process of Node.js runs that first. */
function preloading(name: string, code: string): Record<string, string> {
  const file = join(folder, `${name}.cjs`);
  writeFileSync(file, code);
  return { NODE_OPTIONS: `--require=${file}` };
}

interface Finding {
  group: string;
  name: string;
  outcome: string;
  detail?: string;
}

describe.skipIf(!there)('smoke.mjs on the stand-in', { concurrent: true }, () => {
  it('computes, captures and sorts as the CPU does', async ({ expect }) => {
    const { status, text } = await script('smoke', ['--tiny']);
    expect(status, text).toBe(0);
    expect(text).toMatch(/smoke: (\d+) rows: \1 ok, 0 refused, 0 no graph, 0 untuned, 0 failed/);
    expect(text).toMatch(/language model bf16, dropout, lengths.*the same bits, 2 replays/);
  });

  it('fails where a call of cuDNN fails, with the reason', async ({ expect }) => {
    const { status, text } = await script('smoke', ['--tiny'], { STMNET_STANDIN_FAIL: 'cudnnRNNForward:1=5000' });
    expect(status).toBe(1);
    expect(text).toMatch(/"outcome":"failed","detail":"[^"]*cudnnRNNForward/);
  });

  /** What a script says that has the groups of smoke-rows.mjs. */
  async function withGroups(code: string, env: Record<string, string | undefined> = {}): Promise<unknown> {
    const url = pathToFileURL(join(root, 'scripts', 'gpu', 'smoke-rows.mjs')).href;
    const source = `import { groupsOf } from ${JSON.stringify(url)};
      const row = (groups, group, name) =>
        groups.find((one) => one.name === group).rows.find((one) => one.name.startsWith(name)).run();
      console.log(JSON.stringify(${code}));`;
    const args = ['--input-type=module', '-e', source];
    const { stdout, stderr } = await node(args, { ...standinEnvironment(root), ...env });
    if (stderr !== '') throw new Error(stderr);
    return JSON.parse(stdout);
  }

  it('asks cuDNN for every algorithm, in sizes that stmnet does not refuse itself', async ({ expect }) => {
    const algorithms = ['standard', 'persistStatic', 'persistDynamic', 'persistStaticSmallH'];
    const ran = algorithms.map((algo) => `await row(groupsOf(false), 'algorithms', '${algo} fma')`);
    const found = (await withGroups(`[${ran.join()}]`, { STMNET_CUDNN_AUTOTUNE: '0' })) as Finding[];
    expect(found.map(({ outcome, detail }) => [outcome, detail])).toEqual(
      algorithms.map(() => [undefined, expect.stringMatching(/ of 0\.00001$/)]),
    );
  });

  it('lets one group find NVRTC under the library path that the user has', async ({ expect }) => {
    const code = 'groupsOf(true).map(({ name, env }) => [name, env.LD_LIBRARY_PATH])';
    const paths = async (env: Record<string, string | undefined>): Promise<unknown[]> =>
      ((await withGroups(code, env)) as [string, string | null][]).filter(([, path]) => path !== null);
    const name = 'NVRTC by the plug-in';
    expect(await paths({ LD_LIBRARY_PATH: '/ours', STMNET_GPU_LIBRARY_PATH: '/own' })).toEqual([[name, '/own']]);
    expect(await paths({ LD_LIBRARY_PATH: '/ours', STMNET_GPU_LIBRARY_PATH: '' })).toEqual([[name, '']]);
    expect(await paths({ LD_LIBRARY_PATH: '/own', STMNET_GPU_LIBRARY_PATH: undefined })).toEqual([[name, '/own']]);
  });

  it('calls a shape tuned only if it has a line of its own', async ({ expect }) => {
    const cache = join(folder, 'tuning-cache');
    mkdirSync(cache);
    writeFileSync(join(cache, 'other.txt'), 'of another shape\n');
    const tune = (autotune: string): Promise<unknown> =>
      withGroups(`await row(groupsOf(true), 'tuning', 'LSTM tf32')`, {
        STMNET_CACHE_DIR: cache,
        STMNET_CUDNN_AUTOTUNE: autotune,
      });
    expect(await tune('0')).toMatchObject({ outcome: 'untuned', choices: [] });
    expect(await tune('1')).toMatchObject({ outcome: 'ok', choices: [expect.stringContaining(':tf32:')] });
    expect(await tune('1')).toMatchObject({ outcome: 'untuned', choices: [] });
  });

  it('ends at its limit, and says of each row how it fared or that it was not reached', async ({ expect }) => {
    // and whatever libraries print
    const noise = 'process.stdout.write(\'null\\n{"half": \\n1\\nno end of line\')';
    const { status, report, seconds } = await script('smoke', ['--limit=1'], preloading('noise', noise));
    const findings = report['findings'] as Finding[];
    expect(status).toBe(1);
    expect(seconds).toBeLessThan(15);
    expect(findings.filter(({ outcome }) => outcome === 'not reached').length).toBeGreaterThan(0);
    expect(new Set(findings.map(({ group }) => group))).toEqual(
      new Set([
        'layers',
        'graph',
        'products',
        'products without cuBLASLt',
        'dropout set',
        'dropout null',
        'algorithms',
        'NVRTC by the plug-in',
        'kernels',
        'layout time',
        'layout batch',
        'no graphs',
        'tuning',
        'reads',
      ]),
    );
    expect(findings.filter(({ outcome }) => outcome === 'failed')).toEqual([]);
  });
});

describe.skipIf(!there)('sanitizer.mjs', { concurrent: true }, () => {
  /** A compute-sanitizer that runs the program, unless FAKE_ROWS is none, and finds what it is told to. */
  const fake = `#!/bin/sh
if [ "$1" = --help ]; then echo '--kernel-name arg'; exit 0; fi
echo "$@" >> "$FAKE_CALLS"
while [ "\${1#--}" != "$1" ]; do
  case $1 in --tool) tool=$2 ;; --log-file) log=$2 ;; esac
  shift 2
done
echo '========= COMPUTE-SANITIZER' > "$log"
case $FAKE_HANGS in *$tool*) sleep 100 ;; esac
if [ "$FAKE_ROWS" != none ]; then "$@" || exit 3; fi
case $FAKE_FINDS in
  *$tool*) echo '========= Error: Race reported between Write access and Read access [8 hazards]' >> "$log"; exit 97 ;;
  *) echo "========= \${tool} SUMMARY: 0 errors" >> "$log" ;;
esac
`;
  const withFake = async (
    args: readonly string[],
    env: Record<string, string> = {},
  ): Promise<Awaited<ReturnType<typeof script>> & { calls: string }> => {
    const bin = mkdtempSync(join(folder, 'bin-'));
    writeFileSync(join(bin, 'compute-sanitizer'), fake, { mode: 0o755 });
    const calls = join(bin, 'calls');
    const result = await script('sanitizer', args, {
      PATH: `${bin}:${process.env['PATH'] ?? ''}`,
      FAKE_CALLS: calls,
      ...env,
    });
    return { ...result, calls: readFileSync(calls, 'utf8') };
  };

  it('runs the small rows under both tools, racecheck on kernels of stmnet alone', async ({ expect }) => {
    const { status, text, report, calls } = await withFake(['--limit=50']);
    expect(status, text).toBe(0);
    expect(report['results']).toMatchObject({ racecheck: { outcome: 'clean' }, memcheck: { outcome: 'clean' } });
    const [race = '', memory = ''] = calls.split('\n');
    expect(race).toMatch(/^--tool racecheck .*--kernel-name kns=run_ .*smoke\.mjs --tiny --standin$/);
    expect(memory).toMatch(/^--tool memcheck .*smoke\.mjs --tiny --standin$/);
    expect(memory).not.toContain('kns=');
    expect(text).toMatch(/sanitizer: racecheck clean \(.*0 errors\), memcheck clean/);
  });

  it('fails for what a tool finds, and still runs the other', async ({ expect }) => {
    const { status, report } = await withFake(['--limit=50'], { FAKE_FINDS: 'racecheck', FAKE_ROWS: 'none' });
    expect(status).toBe(1);
    expect(report['results']).toMatchObject({
      racecheck: { outcome: 'findings', findings: [expect.stringContaining('8 hazards')] },
      memcheck: { outcome: 'clean' },
    });
  });

  it('stops a tool that takes too long and gives the other its time', async ({ expect }) => {
    const { status, report, seconds } = await withFake(['--limit=10'], { FAKE_HANGS: 'racecheck', FAKE_ROWS: 'none' });
    expect(status).toBe(0);
    expect(seconds).toBeLessThan(20);
    expect(report['results']).toMatchObject({
      racecheck: { outcome: 'stopped', findings: [] },
      memcheck: { outcome: 'clean' },
    });
  });

  it.skipIf(
    existsSync('/usr/local/cuda/bin/compute-sanitizer') || spawnSync('compute-sanitizer', ['--version']).status === 0,
  )('is skipped with the reason where there is none', async ({ expect }) => {
    const { status, text, report } = await script('sanitizer', []);
    expect(status).toBe(0);
    expect(text).toContain('sanitizer: skipped: no compute-sanitizer');
    expect(report).toMatchObject({ skipped: true });
  });
});

describe.skipIf(!there)('test.mjs on the stand-in', { concurrent: true }, () => {
  it('runs the files in order of worth and puts their results together', async ({ expect }) => {
    // and whatever a process that was killed has left between the lines
    const half = `const lines = process.env.STMNET_TEST_LINES;
      if (lines) require('node:fs').appendFileSync(lines, '{"half": \\nnull\\n');`;
    const names = ['test/optimizers/clip', 'test/layers/linear'];
    const { status, text, report } = await script('test', names, preloading('half', half));
    expect(status, text).toBe(0);
    expect(report).toMatchObject({
      failed: 0,
      failures: [],
      runs: [
        { name: 'layers and training', exit: 0 },
        { name: 'rest', exit: 0 },
      ],
    });
    expect(
      (report['files'] as { file: string; passed: number }[]).map(({ file, passed }) => [file, passed > 0]),
    ).toEqual([
      ['test/layers/linear.test.ts', true],
      ['test/optimizers/clip.test.ts', true],
    ]);
  });

  it('lets nothing be chosen but where algorithms are tested alone, with a cache of their own', async ({ expect }) => {
    const seen = join(folder, 'seen.jsonl');
    const tell = `const { STMNET_TEST_LINES: lines, ...env } = process.env;
      if (lines) {
        const files = process.argv.filter((arg) => arg.endsWith('.test.ts'));
        require('node:fs').appendFileSync(${JSON.stringify(seen)}, JSON.stringify({ files, env }) + '\\n');
        process.exit();
      }`;
    const { output } = await script('test', ['test/gpu', 'test/optimizers/clip'], preloading('seen', tell));
    const runs = readFileSync(seen, 'utf8').trim().split('\n');
    const [others, alone, rest] = runs.map((line) => JSON.parse(line) as { files: string[]; env: NodeJS.ProcessEnv });
    expect(runs).toHaveLength(3);
    expect(others?.files).toContain('test/gpu/ops.test.ts');
    expect(others?.files).not.toContain('test/gpu/algorithms.test.ts');
    expect(alone?.files).toEqual(['test/gpu/algorithms.test.ts']);
    expect(rest?.files).toEqual([expect.stringContaining('test/optimizers/clip')]);
    const fixed = { STMNET_TEST_DEVICE: 'cuda', STMNET_REQUIRE_CUDA: '1', STMNET_NUM_THREADS: '1' };
    for (const run of [others, rest]) expect(run?.env).toMatchObject({ ...fixed, STMNET_CUDNN_AUTOTUNE: '0' });
    expect(alone?.env).toMatchObject({ ...fixed, STMNET_CACHE_DIR: join(dirname(output), 'algorithms') });
    expect(alone?.env).not.toHaveProperty('STMNET_CUDNN_AUTOTUNE');
  });

  it('says which it did not reach', async ({ expect }) => {
    const { status, text, report } = await script('test', ['--limit=1', 'test/optimizers/clip', 'test/layers/linear']);
    expect(status).toBe(1);
    expect(text).toContain('NOT REACHED test/layers/linear.test.ts');
    expect(report).toMatchObject({
      passed: 0,
      runs: [
        { stopped: 'before it began', notReached: ['test/layers/linear.test.ts'] },
        { notReached: ['test/optimizers/clip.test.ts'] },
      ],
    });
  });
});

describe('what tests write as they go', () => {
  it('has each failure when the run is killed', async () => {
    const project = join(root, 'build', `test-lines-${process.pid}`); // below the repository, where vitest is found
    mkdirSync(project, { recursive: true });
    try {
      const at = (name: string): string => JSON.stringify(join(root, 'scripts', 'gpu', name));
      const settings = `include: ['*.test.mjs'], pool: 'forks', maxWorkers: 2, testTimeout: 100_000`;
      const ours = `setupFiles: [${at('failures-setup.mjs')}], reporters: [${at('line-reporter.mjs')}]`;
      writeFileSync(join(project, 'vitest.config.mjs'), `export default { test: { ${settings}, ${ours} } };\n`);
      const header = "import { beforeAll, describe, expect, test } from 'vitest';\n";
      const write = (name: string, ...lines: string[]): void =>
        writeFileSync(join(project, name), header + lines.join('\n'));
      write(
        'a.test.mjs',
        `test('passes', () => undefined);`,
        `test('is wrong', () => expect(1).toBe(2));`,
        `test.skip('is left out', () => undefined);`,
        `describe('a suite', () => {`,
        `  beforeAll(() => { throw new Error('not ready'); });`,
        `  test('never runs', () => 0);`,
        `});`,
      );
      write(
        'b.test.mjs',
        `test('is wrong too', () => expect(3).toBe(4));`,
        `test('never ends', () => new Promise(() => setInterval(() => undefined, 1000)));`,
      );
      const lines = join(project, 'lines.jsonl');
      const vitest = join(root, 'node_modules', 'vitest', 'vitest.mjs');
      const env = { ...process.env, STMNET_TEST_LINES: lines };
      const child = spawn(process.execPath, [vitest, 'run', '--root', project], { env, stdio: 'ignore' });
      const read = (): Record<string, unknown>[] => {
        const text = existsSync(lines) ? readFileSync(lines, 'utf8').trim() : '';
        return text === '' ? [] : text.split('\n').map((line) => JSON.parse(line) as Record<string, unknown>);
      };
      const ended = once(child, 'close');
      for (let i = 0; i < 400 && read().length < 4; i++) await sleep(100);
      child.kill('SIGKILL');
      await ended;
      const said = read();
      const line = (failed: string, file: RegExp, message: string): unknown => ({
        failed: expect.stringMatching(new RegExp(`${failed}$`)) as string,
        file: expect.stringMatching(file) as string,
        message: expect.stringContaining(message) as string,
      });
      expect(said).toContainEqual(line('is wrong', /a\.test\.mjs$/, 'expected 1 to be 2'));
      expect(said).toContainEqual(line('is wrong too', /b\.test\.mjs$/, 'expected 3 to be 4'));
      expect(said).toContainEqual(line('a suite', /a\.test\.mjs$/, 'not ready'));
      const file = expect.stringMatching(/a\.test\.mjs$/) as string;
      expect(said).toContainEqual(expect.objectContaining({ file, passed: 1, failed: 2, skipped: 2 }));
    } finally {
      rmSync(project, { recursive: true });
    }
  });
});
