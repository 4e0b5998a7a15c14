import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { gpuCases, gpuShapes, type GpuCase, type GpuSide } from '../../scripts/bench/gpu-cases';
import { LineWorker } from '../../scripts/bench/line-worker';
import { takeTurns, type RunSteps } from '../../scripts/bench/gpu-turns';
import { root } from '../../scripts/toolchain.mjs';

describe('the order of the GPU benchmark', () => {
  it('is that of the kinds, with all long sequences at the end', () => {
    const cases = gpuCases(gpuShapes, ['language', 'latency', 'train', 'infer'], false);
    const names = cases.map(({ kind, name }) => `${kind} ${name}`);
    expect(names.slice(0, 6)).toEqual([
      'language PTB-small',
      'language PTB-medium',
      'language PTB-large',
      'latency streaming',
      'train S1',
      'train S2',
    ]);
    expect(names.slice(-6)).toEqual([
      'train long-32',
      'train long-168',
      'train long-152',
      'infer long-32',
      'infer long-168',
      'infer long-152',
    ]);
    expect(names.indexOf('train streaming')).toBeLessThan(names.indexOf('infer S1'));
    expect(new Set(names).size).toBe(names.length);
  });

  it('is the same for small sizes', () => {
    const names = (tiny: boolean): string[] => gpuCases(gpuShapes, ['train', 'language'], tiny).map(({ name }) => name);
    expect(names(true)).toEqual(names(false));
  });
});

/** Sides whose steps take these milliseconds, on a clock of their own. */
class FakeSides {
  now = 0;
  readonly asked: { side: GpuSide; steps: number; seconds: number }[] = [];
  readonly #step: Partial<Record<GpuSide, number>>;

  constructor(step: Partial<Record<GpuSide, number>>) {
    this.#step = step;
  }

  readonly run: RunSteps = async (_one, _mode, side, steps, seconds) => {
    this.asked.push({ side, steps, seconds });
    const ms = (this.#step[side] ?? Number.NaN) * steps;
    if (!Number.isFinite(ms)) throw new Error(`${side} does not compute`);
    if (ms > seconds * 1000) {
      this.now += seconds * 1000;
      throw new Error(`no answer within ${seconds} s`);
    }
    this.now += ms;
    return { ms };
  };

  spentOf(side: GpuSide): number {
    return this.asked
      .filter((one) => one.side === side)
      .reduce((sum, { steps }) => sum + steps * (this.#step[side] ?? 0), 0);
  }
}

describe('turns', () => {
  const [one] = gpuCases(gpuShapes, ['train'], false) as [GpuCase];
  const limits = (
    fake: FakeSides,
    limit: number,
  ): { rounds: number; burst: number; most: number; secondsLeft: () => number } => ({
    rounds: 3,
    burst: 80,
    most: 3000,
    secondsLeft: () => limit - fake.now / 1000,
  });

  it('fill a burst each, and give the median', async () => {
    const fake = new FakeSides({ eager: 2, torch: 4 });
    const timed = await takeTurns(fake.run, one, 'tf32', ['eager', 'torch'], limits(fake, 1000));
    expect(timed.eager).toEqual({ ms: 2, lowest: 2, steps: 40, turns: 3, warmUp: 12 });
    expect(timed.torch).toEqual({ ms: 4, lowest: 4, steps: 20, turns: 3, warmUp: 24 });
    expect(fake.asked.filter(({ steps }) => steps > 6).map(({ side }) => side)).toEqual([
      'eager',
      'torch',
      'eager',
      'torch',
      'eager',
      'torch',
    ]);
  });

  it('are fewer and shorter for a side whose steps are long: it stops after the time for a row', async () => {
    for (const step of [50, 120, 250, 329, 400]) {
      const fake = new FakeSides({ eager: step, torch: 1 });
      const timed = await takeTurns(fake.run, one, 'tf32', ['eager', 'torch'], limits(fake, 1000));
      expect(fake.spentOf('eager'), `${step} ms`).toBeLessThanOrEqual(3000 + 9 * step);
      expect(fake.spentOf('eager') - 9 * step, `${step} ms, after the warm-up`).toBeLessThanOrEqual(3000);
      expect(timed.eager).toMatchObject({ ms: step });
      expect(timed.torch).toMatchObject({ ms: 1, turns: 3 });
    }
  });

  it('end when the time for everything is over, with what was measured', async () => {
    const fake = new FakeSides({ eager: 10, torch: 10 });
    const timed = await takeTurns(fake.run, one, 'tf32', ['eager', 'torch'], limits(fake, 0.3));
    expect(fake.now).toBeLessThan(500);
    expect(timed.eager).toMatchObject({ ms: 10 });
    expect(timed.torch).toMatchObject({ ms: 10 });
  });

  it('wait for a side that hangs for no more than three seconds past the end', async () => {
    const fake = new FakeSides({ eager: 1, torch: 1e9 });
    const timed = await takeTurns(fake.run, one, 'tf32', ['eager', 'torch'], limits(fake, 10));
    expect(fake.now).toBeLessThan(13_500);
    expect(timed.torch).toMatchObject({ error: expect.stringContaining('no answer') as string });
    expect(timed.eager).toMatchObject({ ms: 1 });
  });

  it('say where a compiled step is no graph', async () => {
    const fake = new FakeSides({ compiled: 2, torchGraph: 2 });
    const run: RunSteps = async (some, mode, side, steps, seconds) => ({
      ...(await fake.run(some, mode, side, steps, seconds)),
      ...(side === 'compiled' ? { fallback: 'cuDNN' } : {}),
    });
    const timed = await takeTurns(run, one, 'tf32', ['compiled', 'torchGraph'], limits(fake, 1000));
    expect(timed.compiled).toMatchObject({ ms: 2, fallback: 'cuDNN' });
    expect(timed.torchGraph).not.toHaveProperty('fallback');
  });

  it('go on for the others when a side does not compute', async () => {
    const fake = new FakeSides({ eager: 2 });
    const timed = await takeTurns(fake.run, one, 'tf32', ['eager', 'torch'], limits(fake, 1000));
    expect(timed).toMatchObject({ eager: { ms: 2, turns: 3 }, torch: { error: 'torch does not compute' } });
  });
});

describe('a program of the benchmark', () => {
  it('is given up where it is not ready in time', async () => {
    const started = await LineWorker.start({ name: 'sleeper', command: 'sleep', args: ['100'], patience: 0.2 });
    expect(started).toEqual({ missing: 'sleep: it was not ready within 0.2 s' });
  });
});

describe('bench gpu', () => {
  it('fails where there is no such device', () => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(root, 'build', 'js', 'scripts', 'bench', 'main.js'), 'gpu', '--device', 'cuda:99'],
      { encoding: 'utf8', timeout: 60_000, env: { ...process.env, STMNET_PYTHON: join(root, 'no-python') } },
    );
    expect(stderr).toMatch(/^not held: there is a device: got no device cuda:99: /);
    expect(stdout).not.toContain('{');
    expect(status).toBe(1);
  });

  it('keeps to its limit with a PyTorch that never answers, and has the figures of all other sides', () => {
    const folder = mkdtempSync(join(tmpdir(), 'stmnet-bench-'));
    try {
      const [python, output] = [join(folder, 'python'), join(folder, 'bench.json')];
      writeFileSync(python, `#!/bin/sh\necho '{"version":"one that hangs"}'\nwhile read -r line; do :; done\n`, {
        mode: 0o755,
      });
      const args = [
        'gpu',
        '--device',
        'cpu',
        '--size',
        'tiny',
        '--kind',
        'latency,language',
        '--mode',
        'fma',
        '--rounds',
        '1',
        '--burst',
        '5',
        '--limit',
        '4',
        '--output',
        output,
      ];
      const begun = performance.now();
      const { status, stdout, stderr } = spawnSync(
        process.execPath,
        [join(root, 'build', 'js', 'scripts', 'bench', 'main.js'), ...args],
        { encoding: 'utf8', timeout: 60_000, env: { ...process.env, STMNET_PYTHON: python } },
      );
      expect(status, stderr).toBe(0);
      expect((performance.now() - begun) / 1000).toBeLessThan(20);
      const { results, leftOut } = JSON.parse(readFileSync(output, 'utf8')) as {
        results: { kind: string; sides: Record<string, { ms?: number; error?: string }> }[];
        leftOut: string[];
      };
      expect(results.map(({ kind }) => kind)).toEqual(['latency']);
      expect(leftOut).toEqual(['language PTB-small fma', 'language PTB-medium fma', 'language PTB-large fma']);
      expect(results[0]?.sides['eager']?.ms).toBeGreaterThan(0);
      expect(results[0]?.sides['torch']?.error).toMatch(/no answer within/);
      expect(stdout).toContain('latency streaming fma');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
