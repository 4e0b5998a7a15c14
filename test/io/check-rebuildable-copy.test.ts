import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  getRandomState,
  Linear,
  LSTM,
  manualSeed,
  memory,
  Module,
  noGrad,
  Parameter,
  rand,
  save,
  setMaxMemory,
  synchronize,
  type Tensor,
} from 'stmnet';
import { runChild } from '../support/child';
import { handlesKept } from '../support/handles';
import { stateOf } from '../support/state-of';
import { loader, makeTrainer } from '../support/trainers';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-rebuild-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

/** A model whose forward nobody calls. */
abstract class Model extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

const linear = (size = 2): Linear => new Linear({ inFeatures: size, outFeatures: size });

describe('the model that save() builds to compare', () => {
  test('gives the constructor options of its own, and calls it once', async () => {
    const seen: { list: number[] }[] = [];
    class Greedy extends Model {
      readonly inner = linear();
      constructor(readonly options: { list: number[] }) {
        super();
        seen.push(options);
      }
    }
    const options = { list: [1] };
    await save(new Greedy(options), path);
    expect(seen).toEqual([options, options]);
    expect(seen[1]).not.toBe(options);
    expect(seen[1]?.list).not.toBe(options.list);
  });

  test('leaves the random state and the handles as they were, also where it is refused', async () => {
    class Seeding extends Model {
      readonly inner = linear();
      readonly scale = new Parameter(rand([2]));
      constructor() {
        super();
        manualSeed(1);
      }
    }
    const model = new Seeding();
    const odd = Object.assign(new Seeding(), { scale: new Parameter(rand([3])) });
    manualSeed(8);
    rand([3]);
    const [state, handles] = [getRandomState(), handlesKept()];
    for (let i = 0; i < 3; i++) await save(model, path);
    await expect(save(odd, path)).rejects.toThrow('save: got scale: f32[3]');
    expect(getRandomState()).toEqual(state);
    expect(handlesKept()).toBe(handles);
  });

  test('leaves a training with dropout and shuffled batches as it is without saving, bit for bit', async () => {
    const run = async (saving: boolean): Promise<unknown> => {
      manualSeed(3);
      const trainer = makeTrainer();
      const { model } = trainer;
      const onEpochEnd = (): Promise<void> => (saving ? save(model, path) : Promise.resolve());
      await trainer.fit(loader(), { epochs: 4, progress: false, callbacks: [{ onEpochEnd }] });
      return { state: await stateOf(model), random: getRandomState() };
    };
    expect(await run(true)).toEqual(await run(false));
  });

  test('takes no memory on the device', async () => {
    class Large extends Model {
      readonly layers = [new LSTM({ inputSize: 300, hiddenSize: 500 }), linear(1500)];
      readonly table = new Parameter(rand([1000, 1000]));
      constructor() {
        super();
        noGrad(() => this.table.mul_(2));
      }
    }
    const model = new Large();
    await synchronize();
    const { usedBytes } = memory();
    expect(usedBytes).toBeGreaterThan(18e6);
    setMaxMemory(usedBytes + 2 ** 20);
    try {
      await save(model, path);
      await synchronize();
      expect(memory().usedBytes).toBe(usedBytes);
    } finally {
      setMaxMemory(0);
    }
  });

  test('of 100 MB takes no more than a few MB in the process', { timeout: 60_000 }, () => {
    const { code, stdout, stderr } = runChild(`
      const { checkRebuildable } = moduleOf('io/check-rebuildable');
      class Large extends stm.Module {
        constructor() {
          super();
          this.table = new stm.Parameter(stm.zeros([2500, 10000]));
          stm.noGrad(() => this.table.add_(1));
          this.inner = new stm.Linear({ inFeatures: 10, outFeatures: 10 });
        }
        forward(x) { return x; }
      }
      const model = new Large();
      const peak = () => process.resourceUsage().maxRSS / 1024;
      stm.synchronize().then(async () => {
        checkRebuildable(new stm.Sequential(new stm.Linear({ inFeatures: 10, outFeatures: 10 })));
        await stm.synchronize();
        const [before, held] = [peak(), stm.memory().peakBytes];
        for (let i = 0; i < 3; i++) checkRebuildable(model);
        await stm.synchronize();
        console.log(JSON.stringify([before, peak() - before, stm.memory().peakBytes - held]));
      });
    `);
    expect([code, stderr]).toEqual([0, '']);
    const [before, more, held] = JSON.parse(stdout) as [number, number, number];
    expect(before).toBeGreaterThan(100);
    expect(more).toBeLessThan(5);
    expect(held).toBe(0);
  });
});
