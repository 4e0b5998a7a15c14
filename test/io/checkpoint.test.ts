import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Tensor } from 'stmnet';
import {
  Adam,
  FileError,
  FormatError,
  GradScaler,
  Linear,
  OptionError,
  ShapeError,
  StepLR,
  crossEntropy,
  getRandomState,
  load,
  loadCheckpoint,
  loadSafetensors,
  manualSeed,
  noGrad,
  rand,
  save,
  saveCheckpoint,
  setRandomState,
  tensor,
  type RandomState,
} from 'stmnet';
import { rawFile } from './safetensors-file';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-checkpoint-'));
  path = join(folder, 'last.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

/** A training of a small classifier by a loop of its own. */
class Loop {
  readonly model = new Linear({ inFeatures: 6, outFeatures: 4 });
  readonly optimizer = new Adam(this.model.parameters(), { learningRate: 0.1 });
  readonly schedule = new StepLR(this.optimizer, { stepSize: 3, gamma: 0.5 });
  epoch = 0;

  run(epochs: number): void {
    for (; this.epoch < epochs; this.epoch++) {
      this.optimizer.zeroGrad();
      crossEntropy(this.model.forward(rand([8, 6])), tensor([0, 1, 2, 3, 0, 1, 2, 3], { dtype: 'i32' })).backward();
      this.optimizer.step();
      this.schedule.step();
    }
  }

  save(): Promise<void> {
    const { model, optimizer, schedule, epoch } = this;
    return saveCheckpoint(path, { model, optimizer, schedule, epoch, random: getRandomState() });
  }

  async resume(): Promise<void> {
    const { model, schedule, optimizer } = this;
    const rest = await loadCheckpoint<{ epoch: number; random: RandomState }>(path, { model, schedule, optimizer });
    setRandomState(rest.random);
    this.epoch = rest.epoch;
  }

  async state(): Promise<unknown> {
    const { state, ...numbers } = this.optimizer.stateDict();
    const values = Object.entries({ ...this.model.stateDict(), ...state });
    return [numbers, this.schedule.stateDict(), await Promise.all(values.map(async ([k, v]) => [k, await v.data()]))];
  }
}

describe('a loop that goes on from a checkpoint', () => {
  test('computes the bits of one that was never stopped', async () => {
    manualSeed(5);
    const whole = new Loop();
    whole.run(4);
    const saving = whole.save();
    whole.run(10); // what is saved are the values of the moment of the call
    await saving;
    manualSeed(6);
    const resumed = new Loop();
    await resumed.resume();
    resumed.run(10);
    expect(await resumed.state()).toEqual(await whole.state());
    expect(resumed.optimizer.learningRate).toBe(0.1 * 0.5 ** 3);
  });

  test('finds the scale of a GradScaler', async () => {
    const scaler = new GradScaler({ initialScale: 1024 });
    await saveCheckpoint(path, { scaler });
    const other = new GradScaler();
    expect(await loadCheckpoint(path, { scaler: other })).toEqual({});
    expect(await other.getScale().item()).toBe(1024);
  });
});

describe('plain data', () => {
  test('comes back as it was, to the bit', async () => {
    const plain = {
      numbers: [0, -0, 0.1, 2 ** 60, Number.NaN, Infinity, -Infinity, Number.MIN_VALUE],
      words: ['', 'ä\0"\\', '$tensor', null, true, undefined, 12345678901234567890n],
      deep: { $odd: { $number: 'NaN' }, '': [[[]]], 'a.b': {}, a: { b: { c: 1 } }, left: undefined },
      '~': [
        Float64Array.of(Number.NaN, -0, 1e300),
        Float32Array.of(0.1),
        Int32Array.of(-7),
        Int16Array.of(-3, 3),
        Int8Array.of(-128),
        Uint16Array.of(65_535),
        Uint8Array.of(0, 255),
        Uint8ClampedArray.of(9),
        Uint32Array.of(0xffffffff),
        BigInt64Array.of(-(2n ** 63n)),
        BigUint64Array.of(2n ** 64n - 1n, 0n),
        new Float32Array(0),
        new Float32Array(4).subarray(1, 3),
        Array.from({ length: 70 }, (_, i) => [0.1, -0, Number.NaN, 2 ** 53][i % 4]),
        Array.from({ length: 70 }, (_, i) => (i === 3 ? '3' : i)),
        Array.from({ length: 70 }, (_, i) => (i === 3 ? undefined : i)),
      ],
    };
    await saveCheckpoint(path, plain);
    const { left, ...deep } = plain.deep;
    expect(left).toBeUndefined();
    expect(await loadCheckpoint(path)).toStrictEqual({ ...plain, deep });
  });

  test('holds tensors of every type and shape, under names that tell their place', async () => {
    const tensors = {
      f: tensor([[1.5, -2]]),
      d: tensor(0.1, { dtype: 'f64' }),
      i: tensor([3], { dtype: 'i32' }),
      b: tensor([true, false], { dtype: 'bool' }),
    };
    await saveCheckpoint(path, { 'a.f': tensors.f, a: tensors });
    const back = await loadCheckpoint<{ a: typeof tensors; 'a.f': Tensor }>(path);
    for (const [name, x] of [...Object.entries(tensors), ['f', tensors.f] as const]) {
      const y = back.a[name as 'f'];
      expect([y.dtype, y.shape, await y.data()]).toEqual([x.dtype, x.shape, await x.data()]);
    }
    expect(await back['a.f'].array()).toEqual([[1.5, -2]]);
    expect(Object.keys(await loadSafetensors(path)).sort()).toEqual(['a.b', 'a.d', 'a.f', 'a.f~2', 'a.i']);
  });

  test('of other kinds is refused, and named', async () => {
    const cycle: Record<string, unknown> = {};
    cycle['self'] = cycle;
    for (const [odd, given] of [
      [new Map(), 'Map as run.odd'],
      [() => 1, 'a function as run.odd'],
      [new Set([1]), 'Set as run.odd'],
      [Symbol('s'), 'Symbol(s) as run.odd'],
      [cycle, 'an object within itself, or too many levels of them as run.odd.self.'],
    ] as const) {
      const saved = saveCheckpoint(path, { run: { odd } });
      await expect(saved).rejects.toThrow(OptionError);
      await expect(saved).rejects.toThrow(`saveCheckpoint: got ${given}`);
    }
  });
});

describe('a part', () => {
  const model = (): Linear => new Linear({ inFeatures: 2, outFeatures: 3 });

  test('that refuses its state leaves all of them as they were', async () => {
    const saved = model();
    await saveCheckpoint(path, { model: saved, optimizer: new Adam(saved.parameters()) });
    const other = model();
    noGrad(() => other.weight.fill_(7));
    const optimizer = new Adam([...other.parameters(), ...model().parameters()]);
    await expect(loadCheckpoint(path, { model: other, optimizer })).rejects.toThrow(OptionError);
    expect(new Set(await other.weight.data())).toEqual(new Set([7]));
    await expect(loadCheckpoint(path, { model: new Linear({ inFeatures: 2, outFeatures: 4 }) })).rejects.toThrow(
      ShapeError,
    );
  });

  test('may be any object with a state, also one that takes it over later', async () => {
    const counter = {
      seen: [1, Number.NaN],
      state: () => ({ seen: counter.seen }),
      loadState: async ({ seen }: { seen: number[] }) => {
        await Promise.resolve();
        counter.seen = seen;
      },
    };
    await saveCheckpoint(path, { counter });
    counter.seen = [];
    await loadCheckpoint(path, { counter });
    expect(counter.seen).toEqual([1, Number.NaN]);
  });

  test('that is not there, or has no state, is refused', async () => {
    await saveCheckpoint(path, { model: model(), epoch: 3 });
    await expect(loadCheckpoint(path, { network: model() })).rejects.toThrow(
      `loadCheckpoint: got network, which is not in ${path}, expected one of model, epoch.`,
    );
    const untyped = loadCheckpoint as (path: unknown, parts?: unknown) => Promise<unknown>;
    await expect(untyped(path, { epoch: 0 })).rejects.toThrow(
      'got 0 as epoch, expected a part with a state, such as a model or an optimizer.\n' +
        '  Fix: leave it out, and take it from the result: const { epoch } = await loadCheckpoint(path, …)',
    );
    await expect(untyped(path, model())).rejects.toThrow('expected an object of parts by name');
    await expect(untyped({ model })).rejects.toThrow('call loadCheckpoint(path, { model, optimizer })');
  });
});

describe('a file that is no checkpoint', () => {
  test('whichever byte is changed is refused, and so is one that is cut', async () => {
    await saveCheckpoint(path, { weight: tensor([1.5]), epoch: 3, history: [Number.NaN] });
    const bytes = await readFile(path);
    expect(await loadCheckpoint(path)).toMatchObject({ epoch: 3, history: [Number.NaN] });
    const odd: string[] = [];
    const attempt = async (what: string, damaged: Buffer): Promise<void> => {
      await writeFile(path, damaged);
      const outcome: unknown = await loadCheckpoint(path).catch((error: unknown) => error);
      if (!(outcome instanceof FormatError)) odd.push(`${what}: ${String(outcome)}`);
    };
    for (let at = 0; at < bytes.length; at++) {
      await attempt(`cut at ${at}`, bytes.subarray(0, at));
      for (const mask of [0x01, 0x20, 0xff]) {
        const damaged = Buffer.from(bytes);
        damaged[at]! ^= mask;
        await attempt(`${mask} at ${at}`, damaged);
      }
    }
    expect(odd).toEqual([]);
  }, 120_000);

  test.each<[what: string, tree: unknown, format?: string]>([
    ['no tree', '[]'],
    ['a tree that is not JSON', '{'],
    ['a tensor that is not there', '{"x":{"$tensor":"y"}}'],
    ['an array that is not there', '{"x":{"$array":["Int32Array","y"]}}'],
    ['an unknown kind of array', '{"x":{"$array":["Constructor","w"]}}'],
    ['a kind of array that objects have', '{"x":{"$array":["constructor","w"]}}'],
    ['an unknown tag', '{"x":{"$eval":"1"}}'],
    ['a pair that is none', '{"x":{"$sequence":1}}'],
    ['an odd pair', '{"x":{"$sequence":[1,2]}}'],
    ['odd entries', '{"x":{"$object":7}}'],
    ['entries that are none', '{"x":{"$object":[7]}}'],
    ['a bigint that is none', '{"x":{"$bigint":"x"}}'],
    ['levels without end', `{"x":${'['.repeat(5000)}${']'.repeat(5000)}}`],
    ['a newer format', '{}', '2'],
  ])('but %s is refused', async (_, tree, format = '1') => {
    const metadata = { 'stmnet.checkpoint.format': format, 'stmnet.checkpoint': tree };
    const entry = { dtype: 'F32', shape: [1], data_offsets: [0, 4] };
    await writeFile(path, rawFile({ __metadata__: metadata, w: entry }, new Uint8Array(4)));
    await expect(loadCheckpoint(path)).rejects.toThrow(FormatError);
    await expect(loadCheckpoint(path)).rejects.toThrow(/^loadCheckpoint: got [^]* in .*last\.safetensors, expected /);
  });

  test('says what reads it', async () => {
    const one = new Linear({ inFeatures: 1, outFeatures: 1 });
    await save(one, path);
    await expect(loadCheckpoint(path, { one })).rejects.toThrow('Fix: read the model in it by load(path).');
    await saveCheckpoint(path, { one });
    await expect(load(path)).rejects.toThrow('it is a checkpoint: build the model and call loadCheckpoint(path, {');
    await expect(loadCheckpoint(join(folder, 'none'))).rejects.toThrow(FileError);
    await expect(saveCheckpoint(join(folder, 'none', 'x'), {})).rejects.toMatchObject({ code: 'ENOENT' });
    expect((await readdir(folder)).filter((name) => name !== 'last.safetensors')).toEqual([]);
  });
});
