import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch';

/** How often a training is killed: `STMNET_KILLS=20` for a thorough run. */
const kills = Number(process.env['STMNET_KILLS'] ?? 4);

const program = fileURLToPath(new URL('./fixtures/train.cjs', import.meta.url));
const root = scratchFolder('killed');

interface Options {
  readonly epochs?: number;
  readonly everySteps?: number;
  readonly pause?: number;
  readonly batches?: string;
  readonly averages?: boolean;
  readonly workers?: number | undefined;
  readonly prefetch?: number;
}

/** A training in a process of its own, which prints a dot a step. */
function start(folder: string, out: string, options: Options) {
  const child = spawn(process.execPath, [program, folder, out, JSON.stringify(options)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const seen = { steps: 0, errors: '' };
  child.stdout.on('data', (text) => (seen.steps += String(text).length));
  child.stderr.on('data', (text) => (seen.errors += String(text)));
  const ended = once(child, 'close').then(() => ({ code: child.exitCode, signal: child.signalCode }));
  const stepped = async (steps: number): Promise<void> => {
    while (seen.steps < steps && child.exitCode === null) await Promise.race([once(child.stdout, 'data'), ended]);
  };
  return { child, seen, ended, stepped };
}

const resultOf = (out: string): unknown => JSON.parse(readFileSync(out, 'utf8'));

/** What comes of a training that nobody stops; with items made in its own thread, at their turn. */
async function whole(name: string, options: Options): Promise<unknown> {
  const out = join(root, `${name}.json`);
  const { seen, ended } = start(join(root, name), out, { ...options, workers: undefined, prefetch: 0, pause: 0 });
  expect(await ended, seen.errors).toEqual({ code: 0, signal: null });
  return resultOf(out);
}

/** Whole numbers below `end`, the same each time. */
const below = (seed: number) => (end: number) => (seed = (seed * 48271) % 2147483647) % end;

describe('a training that is killed again and again', () => {
  test.each([
    ['in buckets, with averages and checkpoints within epochs', { everySteps: 5, batches: 'buckets', averages: true }],
    ['shuffled, with checkpoints after epochs alone', { batches: 'shuffled' }],
    ['with items that workers make ahead', { everySteps: 5, batches: 'augmented', workers: 2, prefetch: 3 }],
  ])('%s, comes to the bits of one that was not', async (name, settings) => {
    const options = { epochs: 3 * kills + 2, pause: 4, ...settings }; // no kill comes after the end
    const expected = await whole(`whole ${name}`, options);
    const [folder, out] = [join(root, `killed ${name}`), join(root, `killed ${name}.json`)];
    const random = below(kills + name.length);
    let saving = 0;
    for (let kill = 0; kill < kills; kill++) {
      const { child, seen, ended, stepped } = start(folder, out, options);
      await stepped(1 + random(20));
      // Every other one while a checkpoint is being written.
      const writes = (): boolean => readdirSync(folder).some((file) => file.endsWith('.tmp'));
      if (kill % 2 === 0) while (child.exitCode === null && !writes()) await sleep(0);
      await sleep(random(3));
      child.kill('SIGKILL');
      expect((await ended).signal, seen.errors).toBe('SIGKILL');
      if (writes()) saving++;
    }
    expect(saving, 'some attempt must have hit a save').toBeGreaterThan(0);
    const { seen, ended } = start(folder, out, { ...options, pause: 0 });
    expect(await ended, seen.errors).toEqual({ code: 0, signal: null });
    expect(seen.errors).toBe('');
    expect(resultOf(out)).toEqual(expected);
    const names = (await readdir(folder)).filter((file) => !file.startsWith('step-'));
    expect(names).toEqual(['best.safetensors']);
  });
});

describe('Ctrl-C', () => {
  const options = { epochs: 6, pause: 15, batches: 'shuffled' };

  test('stops after the running step with a checkpoint, says how to go on, and so it does', async () => {
    const expected = await whole('whole until Ctrl-C', options);
    const [folder, out] = [join(root, 'interrupted'), join(root, 'interrupted.json')];
    let steps = 0;
    for (const wait of [3, 14]) {
      const { child, seen, ended, stepped } = start(folder, out, options);
      await stepped(wait);
      child.kill('SIGINT');
      expect(await ended).toEqual({ code: null, signal: 'SIGINT' });
      steps += seen.steps;
      expect(seen.errors).toContain(
        'Trainer.fit: stops after this step, with a checkpoint. Ctrl-C again stops at once.',
      );
      const path = join(folder, `step-${String(steps).padStart(9, '0')}.safetensors`);
      expect(seen.errors).toContain(`Trainer.fit: stopped after step ${steps}. Resumed, it goes on from ${path}`);
    }
    const { seen, ended } = start(folder, out, { ...options, pause: 0 });
    expect(await ended, seen.errors).toEqual({ code: 0, signal: null });
    expect(seen.steps).toBe(54 - steps);
    expect(resultOf(out)).toEqual(expected);
  });

  test('a second time stops at once', async () => {
    const folder = join(root, 'twice');
    const { child, ended, stepped } = start(folder, join(root, 'twice.json'), { ...options, pause: 60_000 });
    await stepped(1);
    child.kill('SIGINT');
    await once(child.stderr, 'data');
    child.kill('SIGINT');
    expect(await ended).toEqual({ code: null, signal: 'SIGINT' });
    expect((await readdir(folder)).filter((file) => file.endsWith('.safetensors'))).toEqual([]);
  });
});
