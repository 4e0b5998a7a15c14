import { describe, expect, test } from 'vitest';
import { AdamW, CRF, PaddedSequence, Trainer, manualSeed, pad, randn, tensor, zeros, type HostArray } from 'stmnet';
import { here } from '../support/devices';
import { expectGradients, spreadArray } from '../support/gradients';
import { differences } from '../support/near';

const C = 3;
const lengths = [4, 1, 0, 2];
const steps = 5; // the last one is padding in every row
const scores = spreadArray([lengths.length, steps, C], 2, 3);
const right = Array.from({ length: lengths.length * steps }, (_, at) => (at * 7 + 1) % C);
/** Large enough to matter. */
const weights = { transitions: spreadArray([C, C], 3, 2), start: spreadArray([C], 4), end: spreadArray([C], 6) };

const f64 = (host: HostArray) => tensor(host, { dtype: 'f64', device: here });
function crf(): CRF {
  const layer = new CRF({ numTags: C, dtype: 'f64' });
  layer.loadStateDict({
    transitions: f64(weights.transitions),
    start_transitions: f64(weights.start),
    end_transitions: f64(weights.end),
  });
  return layer;
}
const tags = () =>
  new PaddedSequence(tensor({ data: Int32Array.from(right), shape: [lengths.length, steps] }), lengths);
const at = ({ data }: HostArray, place: number): number => Number(data[place] ?? Number.NaN);

/** Every path through so many steps. */
const paths = (length: number): number[][] =>
  length === 0 ? [[]] : paths(length - 1).flatMap((path) => Array.from({ length: C }, (_, tag) => [...path, tag]));

/** What each weight adds up to on a path, as the places of what is taken: the definition. */
function taken(
  path: readonly number[],
  row: number,
): { emissions: number[]; passes: number[]; start: number; end: number } {
  return {
    emissions: path.map((tag, step) => (row * steps + step) * C + tag),
    passes: path.slice(1).map((tag, step) => (path[step] ?? 0) * C + tag),
    start: path[0] ?? 0,
    end: path.at(-1) ?? 0,
  };
}
function score(path: readonly number[], row: number): number {
  const { emissions, passes, start, end } = taken(path, row);
  const emitted = emissions.reduce((sum, place) => sum + at(scores, place), 0);
  const passed = passes.reduce((sum, place) => sum + at(weights.transitions, place), 0);
  return emitted + passed + at(weights.start, start) + at(weights.end, end);
}

/** All paths of a row, each with its probability. */
function distribution(row: number): { path: number[]; chance: number }[] {
  const all = paths(lengths[row] ?? 0);
  const total = all.reduce((sum, path) => sum + Math.exp(score(path, row)), 0);
  return all.map((path) => ({ path, chance: Math.exp(score(path, row)) / total }));
}
const ofRow = (row: number): number[] => right.slice(row * steps, row * steps + (lengths[row] ?? 0));
const rows = lengths.map((_, row) => row);
const losses = rows.map((row) =>
  lengths[row] === 0
    ? 0
    : -Math.log(distribution(row).find(({ path }) => path.join() === ofRow(row).join())?.chance ?? Number.NaN),
);

describe('a CRF against all paths', () => {
  test('the loss of each row, their sum, and the mean over steps', async () => {
    const [layer, x] = [crf(), new PaddedSequence(f64(scores), lengths)];
    expect(differences(await layer.loss(x, tags(), { reduction: 'none' }).data(), losses, 1e-12)).toEqual([]);
    const sum = losses.reduce((total, one) => total + one, 0);
    expect(await layer.loss(x, tags(), { reduction: 'sum' }).item()).toBeCloseTo(sum, 11);
    expect(await layer.loss(x, tags()).item()).toBeCloseTo(sum / 7, 11);
  });

  test('the gradient of each weight is what it is taken for less than it should be', async () => {
    const layer = crf();
    const x = tensor(scores, { dtype: 'f64', device: here, requiresGrad: true });
    layer.loss(new PaddedSequence(x, lengths), tags(), { reduction: 'sum' }).backward();
    const expected = {
      emissions: new Float64Array(scores.data.length),
      transitions: new Float64Array(C * C),
      start: new Float64Array(C),
      end: new Float64Array(C),
    };
    const count = (path: readonly number[], row: number, by: number): void => {
      const { emissions, passes, start, end } = taken(path, row);
      for (const place of emissions) expected.emissions[place] = (expected.emissions[place] ?? 0) + by;
      for (const place of passes) expected.transitions[place] = (expected.transitions[place] ?? 0) + by;
      expected.start[start] = (expected.start[start] ?? 0) + by;
      expected.end[end] = (expected.end[end] ?? 0) + by;
    };
    for (const row of rows.filter((one) => lengths[one] !== 0)) {
      for (const { path, chance } of distribution(row)) count(path, row, chance);
      count(ofRow(row), row, -1);
    }
    const got = {
      emissions: x.grad,
      transitions: layer.transitions.grad,
      start: layer.start_transitions.grad,
      end: layer.end_transitions.grad,
    };
    for (const name of ['emissions', 'transitions', 'start', 'end'] as const)
      expect(differences((await got[name]?.data()) ?? [], expected[name], 1e-12), name).toEqual([]);
  });

  test('the gradient of the emissions is that of finite differences', async () => {
    const layer = crf();
    await expectGradients((x) => layer.loss(new PaddedSequence(x, lengths), tags(), { reduction: 'none' }), [scores]);
    await expectGradients((x) => layer.loss(x, tags().values), [scores]);
  });

  test('the best path of each row', async () => {
    const best = rows.map((row) => distribution(row).reduce((top, one) => (one.chance > top.chance ? one : top)).path);
    const path = crf().forward(new PaddedSequence(f64(scores), lengths));
    expect(path.dtype).toBe('i32');
    expect(await path.array()).toEqual(best);
    expect(await path.values.select(0, 3).data()).toEqual(Int32Array.of(...(best[3] ?? []), 0, 0, 0));
  });

  test('rows of full length, with lengths or as a tensor', async () => {
    const [layer, x] = [crf(), f64(scores).slice([0, 0], [null, 4])];
    const whole = new PaddedSequence(x, [4, 4, 4, 4]);
    const all = tensor({ data: Int32Array.from(right), shape: [4, steps] }).slice([0, 0], [null, 4]);
    expect(await layer.forward(x).data()).toEqual(await layer.forward(whole).data());
    expect(await layer.loss(x, all).item()).toBe(await layer.loss(whole, all).item());
    const first = losses[0] ?? 0;
    expect(await layer.loss(x.slice([0], [1]), all.slice([0], [1])).item()).toBeCloseTo(first / 4, 11);
  });
});

test('scores of any size, and steps without one', async () => {
  const layer = crf();
  const large = [
    [
      [1000, -1000, 0],
      [-1000, 0, 1000],
      [3000, 0, 0],
    ],
  ];
  expect(await layer.loss(f64(tensorOf(large)), tags3([0, 2, 0])).item()).toBeCloseTo(0, 12);
  expect(await layer.forward(f64(tensorOf(large))).array()).toEqual([[0, 2, 0]]);
  expect(await layer.loss(f64(tensorOf(large)), tags3([1, 2, 0])).item()).toBeGreaterThan(600);
  expect(layer.forward(zeros([2, 0, C], { dtype: 'f64' })).shape).toEqual([2, 0]);
  expect(await layer.loss(zeros([2, 0, C], { dtype: 'f64' }), zeros([2, 0], { dtype: 'i32' })).item()).toBe(0);
});
const tags3 = (row: number[]) => tensor([row], { dtype: 'i32' });
const tensorOf = (rows3: number[][][]): HostArray => ({
  data: Float64Array.from(rows3.flat(2)),
  shape: [rows3.length, rows3[0]?.length ?? 0, C],
});

test('it learns which tag may follow which, and a Trainer adds its losses up over steps', async () => {
  manualSeed(2);
  // The scores say nothing of the second of two steps: it is the one after the first.
  const items = Array.from({ length: 30 }, (_, one) => {
    const first = one % C;
    const steps2 = [first, (first + 1) % C].map((tag, step) => [0, 1, 2].map((c) => (step === 0 && c === tag ? 4 : 0)));
    return { input: { data: Float32Array.from(steps2.flat()), shape: [2, C] }, target: [first, (first + 1) % C] };
  });
  const model = new CRF({ numTags: C });
  const batchOf = (part: typeof items) => ({
    emissions: pad(part.map(({ input }) => input)),
    tags: pad(part.map(({ target }) => Int32Array.from(target))),
  });
  const trainer = new Trainer({
    model,
    optimizer: new AdamW(model.parameters(), { learningRate: 0.1 }),
    forward: (_, batch: ReturnType<typeof batchOf>) => batch.emissions,
    loss: (emissions, batch) => model.loss(emissions, batch.tags),
  });
  const batches = [batchOf(items.slice(0, 20)), batchOf(items.slice(20))];
  await trainer.fit(batches, { epochs: 60, progress: false });
  const { loss } = await trainer.evaluate(batches);
  expect(loss).toBeLessThan(0.05);
  expect(loss).toBeCloseTo((await trainer.evaluate([batchOf(items)])).loss, 6);
  expect(await model.forward(batchOf(items.slice(0, 3)).emissions).array()).toEqual([
    [0, 1],
    [1, 2],
    [2, 0],
  ]);
});

test('mistakes', async () => {
  expect(() => new CRF({ numTags: 0 })).toThrow('CRF: got numTags: 0');
  expect(() => new CRF({ numTag: 3 } as never)).toThrow('numTag');
  const layer = new CRF({ numTags: C });
  const x = randn([2, 4, C]);
  expect(() => layer.forward(randn([2, 4, 5]))).toThrow(
    /CRF.forward: got emissions .*, expected last axis 3 \(numTags\)/,
  );
  expect(() => layer.loss(x, zeros([2], { dtype: 'i32' }))).toThrow(
    /CRF.loss: got .*, expected a target of shape \[2, 4\]/,
  );
  expect(() => layer.loss(x, zeros([2, 4]))).toThrow(/CRF.loss: got tags f32.*, expected i32/);
  expect(() => layer.loss(x, undefined as never)).toThrow('CRF.loss: got no tags');
  expect(() => layer.loss(x, zeros([2, 4], { dtype: 'i32' }), { reduction: 'max' as never })).toThrow('reduction');
  const lost = new PaddedSequence(x, [4, 2]);
  expect(() => layer.loss(lost, new PaddedSequence(zeros([2, 4], { dtype: 'i32' }), [4, 3]))).toThrow('equal lengths');
  await expect((async () => layer.loss(x, zeros([2, 4], { dtype: 'i32' }).add(3)).item())()).rejects.toThrow(/3/);
});
