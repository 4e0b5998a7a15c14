import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { mkdtemp, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { full, Linear, load, loadSafetensors, loadSafetensorsMetadata, noGrad, save, saveSafetensors } from 'stmnet';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('interrupted');

const steps = fileURLToPath(new URL('./fixtures/die-at.cjs', import.meta.url));
const program = fileURLToPath(new URL('./fixtures/save-forever.cjs', import.meta.url));

/** The round that a file is of; fails unless all of the file is of one round. */
async function roundOf(path: string): Promise<number> {
  const round = Number((await loadSafetensorsMetadata(path))['round']);
  const { values } = await loadSafetensors(path);
  const data = await values!.data();
  values!.dispose();
  expect(data.length).toBe(1 << 20);
  expect(data.every((value) => value === round)).toBe(true);
  return round;
}

describe('a save that is interrupted leaves a whole file', () => {
  test('when the process is killed', async () => {
    const path = join(folder, 'killed.safetensors');
    let leftovers = 0;
    for (let attempt = 0; attempt < 8; attempt++) {
      const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      let output = '';
      child.stdout.on('data', (text) => (output += String(text)));
      await Promise.race([
        once(child.stdout, 'data'),
        once(child, 'close').then(() => Promise.reject(new Error('the program ended before its first save'))),
      ]);
      while (!readdirSync(folder).some((name) => name.endsWith('.tmp'))) await sleep(0);
      await sleep(attempt); // another moment of a save each time
      child.kill('SIGKILL');
      await once(child, 'close');
      const told = Number(/saved (\d+)\n$/.exec(output)?.[1]);
      expect(await roundOf(path)).toBeGreaterThanOrEqual(told);
      const temporary = (await readdir(folder)).filter((name) => name.endsWith('.tmp'));
      expect(temporary.length, 'each save clears what the killed one before it has left').toBeLessThanOrEqual(1);
      leftovers += temporary.length;
    }
    expect(leftovers, 'some attempt must have hit a save').toBeGreaterThan(0);
    await saveSafetensors(path, {});
    expect(await readdir(folder)).toEqual(['killed.safetensors']);
  });

  test('when the process is killed at any step of it', async () => {
    const place = await mkdtemp(join(folder, 'steps-'));
    const path = join(place, 'model.safetensors');
    const model = new Linear({ inFeatures: 40, outFeatures: 30 });
    const valuesOf = async (one: Linear): Promise<number[]> => [
      ...new Set([...(await one.weight.data()), ...((await one.bias?.data()) ?? [])]),
    ];
    noGrad(() => [model.weight, model.bias!].forEach((values) => values.fill_(1)));
    const seen: number[] = [];
    for (let step = 0; ; step++) {
      await save(model, path);
      expect(await readdir(place)).toEqual(['model.safetensors']);
      const { signal, status } = spawnSync(process.execPath, [steps, path, String(step)], {
        stdio: ['ignore', 'inherit', 'inherit'],
      });
      const [value, ...others] = await valuesOf(await load<Linear>(path));
      expect(others, `at step ${step}`).toEqual([]);
      seen.push(value ?? 0);
      if (signal === null) {
        expect([status, value, await readdir(place)]).toEqual([0, 2, ['model.safetensors']]);
        break;
      }
      expect((await readdir(place)).length).toBeLessThanOrEqual(2);
    }
    expect(seen.length, 'steps').toBeGreaterThan(12);
    expect(seen).toEqual(seen.toSorted((a, b) => a - b));
    expect(seen[0]).toBe(1);
  }, 180_000);

  test('when there is no room', async () => {
    const path = join(folder, 'full.safetensors');
    const values = full([1 << 20], 0);
    await saveSafetensors(path, { values }, { metadata: { round: '0' } });
    values.dispose();
    // No file of the child may grow beyond 2048 blocks of 512 bytes; the tensor takes 4 MiB.
    const { stdout, status } = spawnSync(
      'sh',
      ['-c', 'ulimit -f 2048; exec "$0" "$@"', process.execPath, program, path],
      { encoding: 'utf8' },
    );
    expect({ stdout, status }).toEqual({ stdout: 'failed EFBIG\n', status: 1 });
    expect(await roundOf(path)).toBe(0);
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});
