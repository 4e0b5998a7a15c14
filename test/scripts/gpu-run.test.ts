import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { root } from '../../scripts/toolchain.mjs';

/**
 * How a part that stands for a real one behaves: it writes its report, and then ends or never does, whatever it is
 * asked.
 */
interface Plan {
  hangs?: boolean;
  status?: number;
  /** Starts a program that hangs, in a group of its own. */
  starts?: boolean;
  /** Variables of its environment that it writes into its report. */
  tells?: string[];
}

const stub = `
const { writeFileSync } = require('node:fs');
const { spawn } = require('node:child_process');
const name = NAME;
const plan = JSON.parse(process.env.STUB_PLAN ?? '{}')[name] ?? {};
const at = process.argv.findIndex((arg) => /^--(output|json)/.test(arg));
const output = at < 0 ? undefined : (process.argv[at].split('=')[1] ?? process.argv[at + 1]);
const told = Object.fromEntries((plan.tells ?? []).map((variable) => [variable, process.env[variable]]));
const report = { part: name, at: process.env.STUB_MARK ?? '', ...told };
if (output !== undefined) writeFileSync(output, JSON.stringify(report));
console.log(name + ' ran ' + (process.env.STUB_MARK ?? ''));
const hang = (of) => {
  require('node:fs').writeFileSync('hanging-' + of, String(process.pid));
  process.on('SIGTERM', () => undefined);
  setInterval(() => undefined, 1000);
};
if (plan.starts) {
  const code = '(' + hang + ')("inner")';
  const inner = spawn('timeout', ['-k', '1', '90', process.execPath, '-e', code], { stdio: 'ignore' });
  inner.on('spawn', () => inner.unref());
}
if (plan.hangs) hang(name);
else process.exitCode = plan.status ?? 0;
`;

const programs: Readonly<Record<string, string>> = {
  doctor: 'dist/cli/main.js',
  smoke: 'scripts/gpu/smoke.mjs',
  bench: 'build/js/scripts/bench/main.js',
  test: 'scripts/gpu/test.mjs',
  questions: 'scripts/gpu/questions.mjs',
  sanitizer: 'scripts/gpu/sanitizer.mjs',
};
const everyPart = Object.keys(programs).join(' ');
/** What a whole run leaves. */
const everyFile = [
  'bench.json',
  'doctor.json',
  'questions.json',
  'results.tgz',
  'sanitizer.json',
  'smoke.json',
  'summary.txt',
  'test.json',
];

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stmnet-run-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A bundle as `npm run gpu:bundle` makes it, with stubs for its parts. */
function bundle(name: string): string {
  const path = join(folder, name);
  for (const [part, file] of Object.entries(programs)) {
    mkdirSync(dirname(join(path, file)), { recursive: true });
    const text = stub.replace('NAME', JSON.stringify(part));
    writeFileSync(
      join(path, file),
      file.endsWith('.mjs')
        ? `import { createRequire } from 'node:module';\nconst require = createRequire(import.meta.url);\n${text}`
        : text,
    );
  }
  writeFileSync(join(path, 'scripts', 'gpu', 'cuda-folder.mjs'), 'export const wheelFolder = () => undefined;\n');
  mkdirSync(join(path, 'build', 'Release'), { recursive: true });
  writeFileSync(join(path, 'build', 'Release', 'libstmnet_cuda.so'), '');
  cpSync(join(root, 'scripts', 'gpu', 'run.sh'), join(path, 'run.sh'));
  return path;
}

interface Run {
  parts?: string;
  seconds?: number;
  plan?: Record<string, Plan>;
  mark?: string;
  env?: Record<string, string>;
}

function start(path: string, out: string, { parts, seconds = 120, plan = {}, mark = '', env = {} }: Run): ChildProcess {
  const variables = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    STMNET_GPU_SECONDS: String(seconds),
    STUB_PLAN: JSON.stringify(plan),
    STUB_MARK: mark,
    ...(parts === undefined ? {} : { STMNET_PARTS: parts }),
    ...env,
  };
  return spawn('sh', [join(path, 'run.sh'), out], { env: variables, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Runs it to its end. */
async function run(
  path: string,
  out: string,
  options: Run,
): Promise<{ status: number | null; seconds: number; summary: string }> {
  const begun = performance.now();
  const [status] = (await once(start(path, out, options), 'close')) as [number | null];
  return {
    status,
    seconds: (performance.now() - begun) / 1000,
    summary: readFileSync(join(out, 'summary.txt'), 'utf8'),
  };
}

/** Whether a part that hangs still does. */
function isRunning(path: string, part: string): boolean {
  const pid = readFileSync(join(path, `hanging-${part}`), 'utf8');
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', pid], { encoding: 'utf8' });
  return /^[^Z]/.test(stdout.trim()); // one that has ended may have nobody to ask how
}

const tar = (...args: string[]): string => spawnSync('tar', args, { encoding: 'utf8' }).stdout;
const archived = (out: string): string[] =>
  tar('tzf', join(out, 'results.tgz'))
    .split('\n')
    .map((name) => name.replace(/^results\//, ''))
    .filter((name) => name !== '' && !name.endsWith('/'))
    .sort();
const inArchive = (out: string, name: string): string => tar('xzOf', join(out, 'results.tgz'), `results/${name}`);
/** The seconds that a part was given. */
const given = (summary: string, part: string): number =>
  Number(new RegExp(`^${part}: .* s of (\\d+)`, 'm').exec(summary)?.[1] ?? Number.NaN);

// They mostly wait: together they take as long as the longest. Each test has an `expect` of its own, which knows it.
describe.concurrent('run.sh', () => {
  it('runs every part and leaves at most eight files: an archive of everything, and what is read first', async ({
    expect,
  }) => {
    const [path, out] = [bundle('all'), join(folder, 'all-out')];
    const { status, summary } = await run(path, out, {});
    expect(status, summary).toBe(0);
    expect(readdirSync(out).sort()).toEqual(everyFile);
    expect(archived(out)).toEqual([
      'bench.json',
      'bench.log',
      'doctor.json',
      'doctor.log',
      'questions.json',
      'questions.log',
      'sanitizer.json',
      'sanitizer.log',
      'smoke.json',
      'smoke.log',
      'summary.txt',
      'test.json',
      'test.log',
    ]);
    expect(inArchive(out, 'test.log')).toContain('test ran');
    expect(inArchive(out, 'doctor.json')).toContain('"doctor"');
    for (const part of everyPart.split(' '))
      expect(summary).toMatch(new RegExp(`^${part}: fine, \\d+ s of \\d+: ${part} ran`, 'm'));
  });

  it('ends within its time when a part hangs and cannot be asked to end, with what it had written', async ({
    expect,
  }) => {
    const [path, out] = [bundle('hang'), join(folder, 'hang-out')];
    const options = { parts: 'bench test', seconds: 10, plan: { bench: { hangs: true } } };
    const { status, seconds, summary } = await run(path, out, options);
    expect(seconds, summary).toBeLessThan(15);
    expect(status).toBe(1);
    expect(summary).toMatch(/^bench: stopped after \d+ s/m);
    expect(summary).toMatch(/^test: fine/m);
    expect(inArchive(out, 'bench.log')).toContain('bench ran');
    expect(JSON.parse(inArchive(out, 'bench.json'))).toEqual({ part: 'bench', at: '' });
    expect(readdirSync(out)).toContain('bench.json');
  });

  it('ends within its time when every part hangs', async ({ expect }) => {
    const [path, out] = [bundle('hangs'), join(folder, 'hangs-out')];
    const plan = { bench: { hangs: true }, test: { hangs: true } };
    const { seconds, summary } = await run(path, out, { parts: 'bench test', seconds: 10, plan });
    expect(seconds, summary).toBeLessThan(15);
    expect(summary.match(/stopped after/g)).toHaveLength(2);
    expect(archived(out)).toEqual(expect.arrayContaining(['bench.json', 'test.json']));
    for (const part of ['bench', 'test']) expect(isRunning(path, part), part).toBe(false);
  });

  it('leaves nothing running that a part has started, whether the part ends, is stopped or hangs', async ({
    expect,
  }) => {
    const plans: Plan[] = [{ starts: true }, { starts: true, hangs: true }];
    const check = async (plan: Plan, name: string): Promise<void> => {
      const [path, out] = [bundle(name), join(folder, `${name}-out`)];
      const { seconds, summary } = await run(path, out, { parts: 'test', seconds: 7, plan: { test: plan } });
      expect(summary).toMatch(plan.hangs === true ? /^test: stopped after \d+ s/m : /^test: fine/m);
      expect(seconds).toBeLessThan(12);
      // where the part ended at once, it may never have come to hang
      expect(existsSync(join(path, 'hanging-inner')) && isRunning(path, 'inner')).toBe(false);
    };
    await Promise.all(plans.map((plan, index) => check(plan, `inner-${index}`)));
  });

  it('goes on after a doctor that was stopped, which has not said that stmnet does not compute', async ({ expect }) => {
    const [path, out] = [bundle('slow-doctor'), join(folder, 'slow-doctor-out')];
    const options = { parts: 'doctor smoke', seconds: 13, plan: { doctor: { hangs: true } } };
    const { status, summary } = await run(path, out, options);
    expect(status).toBe(1);
    expect(summary).toMatch(/^doctor: stopped after [56] s/m);
    expect(summary).toMatch(/^smoke: fine/m);
  });

  it('gives doctor a minute where there is as much, and half of the time where there is not', async ({ expect }) => {
    const times = await Promise.all(
      [540, 200, 80].map(async (seconds) => {
        const [path, out] = [bundle(`doctor-${seconds}`), join(folder, `doctor-${seconds}-out`)];
        const { summary } = await run(path, out, { seconds, plan: { doctor: { status: 1 } } });
        return given(summary, 'doctor');
      }),
    );
    expect(times.slice(0, 2)).toEqual([60, 60]);
    expect([38, 39]).toContain(times[2]);
  });

  it('lets the loader find the libraries of the wheels, and says which path it had before', async ({ expect }) => {
    const tells = ['LD_LIBRARY_PATH', 'STMNET_GPU_LIBRARY_PATH'];
    const paths = async (name: string, env: Record<string, string>): Promise<unknown> => {
      const [path, out] = [bundle(name), join(folder, `${name}-out`)];
      await run(path, out, { parts: 'smoke', plan: { smoke: { tells } }, env });
      const report = JSON.parse(readFileSync(join(out, 'smoke.json'), 'utf8')) as Record<string, string>;
      return tells.map((variable) => report[variable]);
    };
    const ours = '/wheels/nvidia/cu13/lib:/wheels/nvidia/cudnn/lib';
    const [some, none, neither] = await Promise.all([
      paths('path-some', { STMNET_CUDA_LIBS: '/wheels', LD_LIBRARY_PATH: '/own' }),
      paths('path-none', { STMNET_CUDA_LIBS: '/wheels' }),
      paths('path-neither', { LD_LIBRARY_PATH: '/own' }),
    ]);
    expect(some).toEqual([`${ours}:/own`, '/own']);
    expect(none).toEqual([ours, '']);
    expect(neither).toEqual(['/own', undefined]);
  });

  it('says so and fails where there is no tar, and leaves the logs beside the reports', async ({ expect }) => {
    const [path, out, bin] = [bundle('no-tar'), join(folder, 'no-tar-out'), join(folder, 'no-tar-bin')];
    mkdirSync(bin);
    const folders = (process.env['PATH'] ?? '').split(delimiter).reverse(); // the first one is made last, and stays
    for (const from of folders.filter((one) => existsSync(one)))
      for (const name of readdirSync(from).filter((one) => one !== 'tar')) {
        rmSync(join(bin, name), { force: true });
        symlinkSync(join(from, name), join(bin, name));
      }
    const { status, summary } = await run(path, out, { parts: 'doctor smoke', env: { PATH: bin } });
    expect(status).toBe(1);
    expect(summary.match(/results\.tgz was not written, tar ended with exit status 127/g)).toHaveLength(1);
    expect(readdirSync(out).sort()).toEqual(['doctor.json', 'logs.txt', 'smoke.json', 'summary.txt']);
    expect(readFileSync(join(out, 'logs.txt'), 'utf8')).toBe('== doctor.log\ndoctor ran \n== smoke.log\nsmoke ran \n');
  });

  it('gives a part its share, and what the parts before it have left', async ({ expect }) => {
    const [path, out] = [bundle('shares'), join(folder, 'shares-out')];
    const { summary } = await run(path, out, { parts: 'smoke bench test', seconds: 381 });
    // 381 s less what is kept for packing and for killing; shares 60 : 150 : 170
    expect(given(summary, 'smoke')).toBeGreaterThan(50);
    expect(given(summary, 'smoke')).toBeLessThan(60);
    expect(given(summary, 'bench')).toBeGreaterThan(160);
    expect(given(summary, 'test')).toBeGreaterThan(320);
    expect(given(summary, 'test')).toBeLessThan(381);
  });

  it('still asks cuDNN where stmnet does not compute, and nothing else', async ({ expect }) => {
    const [path, out] = [bundle('doctor'), join(folder, 'doctor-out')];
    const { status, summary } = await run(path, out, { plan: { doctor: { status: 1 } } });
    expect(status).toBe(1);
    expect(summary).toMatch(/^doctor: exit status 1/m);
    expect(summary).toMatch(/^questions: fine/m);
    for (const part of ['smoke', 'bench', 'test', 'sanitizer'])
      expect(summary).toMatch(new RegExp(`^${part}: left out`, 'm'));
    expect(archived(out)).toEqual(['doctor.json', 'doctor.log', 'questions.json', 'questions.log', 'summary.txt']);
  });

  it('adds the results of a second run to those of the first', async ({ expect }) => {
    const [path, out] = [bundle('twice'), join(folder, 'twice-out')];
    await run(path, out, { parts: 'bench', mark: 'first' });
    const { summary } = await run(path, out, { parts: 'test', mark: 'second' });
    const both = ['bench.json', 'results.tgz', 'summary.txt', 'test.json'];
    expect(readdirSync(out).sort()).toEqual(both);
    expect(summary).toMatch(/^bench: fine[^]*^test: fine/m);
    expect(inArchive(out, 'bench.log')).toContain('bench ran first');
    expect(inArchive(out, 'test.log')).toContain('test ran second');
    // into another folder, as where each call has its own
    const other = join(folder, 'twice-other');
    await run(path, other, { parts: 'sanitizer', mark: 'third' });
    expect(readdirSync(other).sort()).toEqual([...both, 'sanitizer.json'].sort());
    expect(inArchive(other, 'bench.log')).toContain('bench ran first');
    // and from a bundle unpacked anew, into the first
    rmSync(join(path, 'build', 'gpu'), { recursive: true });
    await run(path, out, { parts: 'smoke', mark: 'fourth' });
    expect(inArchive(out, 'smoke.log')).toContain('smoke ran fourth');
    expect(inArchive(out, 'bench.log')).toContain('bench ran first');
    expect(inArchive(out, 'summary.txt')).toMatch(/^bench: fine[^]*^test: fine[^]*^smoke: fine/m);
  });

  it.for(['SIGTERM', 'SIGKILL'] as const)('leaves what it has when it is stopped by %s', async (signal, { expect }) => {
    const [path, out] = [bundle(signal), join(folder, `${signal}-out`)];
    const plan = { test: { hangs: true, starts: true } };
    const child = start(path, out, { parts: 'smoke test', seconds: 60, plan });
    const ended = once(child, 'close');
    const hanging = ['test', 'inner'].map((name) => join(path, `hanging-${name}`));
    for (let i = 0; i < 300 && !hanging.every((file) => existsSync(file)); i++) await sleep(100);
    child.kill(signal);
    await ended;
    expect(inArchive(out, 'smoke.log')).toContain('smoke ran');
    if (signal === 'SIGKILL') {
      for (const file of hanging) process.kill(Number(readFileSync(file, 'utf8')), 'SIGKILL');
      return;
    }
    expect([isRunning(path, 'test'), isRunning(path, 'inner')]).toEqual([false, false]);
    expect(inArchive(out, 'test.log')).toContain('test ran');
    expect(readFileSync(join(out, 'summary.txt'), 'utf8')).toContain('stopped by a signal in test');
  });

  it('keeps what the tuner has chosen', async ({ expect }) => {
    const [path, out, cache] = [bundle('tuner'), join(folder, 'tuner-out'), join(folder, 'tuner-cache')];
    mkdirSync(cache);
    writeFileSync(join(cache, 'cudnn-algorithms.txt'), 'a-shape persistStatic\n');
    await run(path, out, { parts: 'smoke', env: { STMNET_CACHE_DIR: cache } });
    expect(inArchive(out, 'cudnn-algorithms.txt')).toBe('a-shape persistStatic\n');
  });

  it('refuses a part that it does not know', async ({ expect }) => {
    const [path, out] = [bundle('unknown'), join(folder, 'unknown-out')];
    const [status] = (await once(start(path, out, { parts: 'bench tests' }), 'close')) as [number];
    expect(status).toBe(2);
  });
});
