import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Gatherer, InputFailed, QueueFull, type GatherOptions } from '../../src/serve/gather';
import { HeldTask } from '../support/serving';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const never = (): AbortSignal => new AbortController().signal;

function gathererOf(task: HeldTask, options: Partial<GatherOptions<unknown, unknown>> = {}) {
  const gatherer = new Gatherer<unknown, unknown>({
    predict: (inputs) => task.predict(inputs),
    maxBatch: 4,
    maxDelay: 10,
    maxQueue: 8,
    ...options,
  });
  const add = (...inputs: unknown[]) => gatherer.add(inputs, never());
  return { gatherer, add };
}

const inputsOf = (task: HeldTask) => task.calls.map(({ inputs }) => inputs);

test('what comes within the delay is computed at once, in order, and answered to whom it belongs', async () => {
  const task = new HeldTask();
  const { add } = gathererOf(task);
  const answers = [add('a'), add('b', 'c')];
  await vi.advanceTimersByTimeAsync(9);
  expect(task.calls).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(inputsOf(task)).toEqual([['a', 'b', 'c']]);
  task.calls[0]?.answer();
  expect(await Promise.all(answers)).toEqual([['a'], ['b', 'c']]);
});

test('a full batch waits for nothing, and what is left is gathered while it is computed', async () => {
  const task = new HeldTask();
  const { add } = gathererOf(task);
  const answers = [add('a', 'b', 'c'), add('d', 'e'), add('f')];
  expect(inputsOf(task)).toEqual([['a', 'b', 'c', 'd']]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(task.calls).toHaveLength(1);
  task.calls[0]?.answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(inputsOf(task)[1]).toEqual(['e', 'f']);
  task.calls[1]?.answer();
  expect(await Promise.all(answers)).toEqual([['a', 'b', 'c'], ['d', 'e'], ['f']]);
});

test('the delay begins anew with the first input after a pause', async () => {
  const task = new HeldTask();
  const { add } = gathererOf(task);
  void add('a');
  await vi.advanceTimersByTimeAsync(10);
  task.calls[0]?.answer();
  await vi.advanceTimersByTimeAsync(100);
  void add('b');
  await vi.advanceTimersByTimeAsync(9);
  expect(task.calls).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(inputsOf(task)[1]).toEqual(['b']);
});

test('a delay of 0 gathers what has arrived by now', async () => {
  const task = new HeldTask();
  const { add } = gathererOf(task, { maxDelay: 0 });
  void add('a');
  await Promise.resolve();
  void add('b');
  await vi.advanceTimersByTimeAsync(0);
  expect(inputsOf(task)).toEqual([['a', 'b']]);
});

test('a batch of 1 computes one by one', async () => {
  const task = new HeldTask();
  const { add } = gathererOf(task, { maxBatch: 1 });
  const answers = [add('a'), add('b', 'c')];
  for (const [index, input] of ['a', 'b', 'c'].entries()) {
    const call = await task.call(index);
    expect(call.inputs).toEqual([input]);
    call.answer();
  }
  expect(await Promise.all(answers)).toEqual([['a'], ['b', 'c']]);
});

test('a full queue refuses all inputs of a call, and says when there may be room', async () => {
  const task = new HeldTask();
  const { add, gatherer } = gathererOf(task);
  void add(1, 2, 3, 4);
  await vi.advanceTimersByTimeAsync(20_000); // 5 s an input
  task.calls[0]?.answer();
  await vi.advanceTimersByTimeAsync(0);
  void add(1, 2, 3, 4);
  void add(5, 6, 7, 8, 9, 10);
  expect(gatherer.depth).toBe(6);
  const refused = await add(11, 12, 13).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(QueueFull);
  expect(refused).toMatchObject({ seconds: 30 });
  expect(gatherer.depth).toBe(6);
  void add(11, 12);
  expect(gatherer.depth).toBe(8);
});

test('an empty queue promises room in a second', async () => {
  const { add } = gathererOf(new HeldTask(), { maxQueue: 2 });
  await expect(add(1, 2, 3)).rejects.toMatchObject({ seconds: 1 });
});

test('an input that fails takes no other with it', async () => {
  const sizes: number[] = [];
  const bad = new Error('this one');
  const gatherer = new Gatherer<number, number>({
    predict: (inputs) => {
      sizes.push(inputs.length);
      return inputs.includes(5) ? Promise.reject(bad) : Promise.resolve(inputs.map((input) => 10 * input));
    },
    maxBatch: 8,
    maxDelay: 10,
    maxQueue: 8,
  });
  const answers = [[0, 1], [2], [3, 4], [6, 5], [7]].map((inputs) => gatherer.add(inputs, never()));
  const told = await Promise.allSettled(answers);
  expect(told.map((one) => (one.status === 'fulfilled' ? one.value : one.reason.index))).toEqual([
    [0, 10],
    [20],
    [30, 40],
    1,
    [70],
  ]);
  expect(told[3]).toMatchObject({ reason: expect.any(InputFailed) });
  expect(told[3]).toMatchObject({ reason: { cause: bad } });
  expect(sizes).toEqual([8, 4, 4, 2, 2, 1, 1]);
});

test('a predict that throws at once is one that fails', async () => {
  const { add } = gathererOf(new HeldTask(), {
    predict: () => {
      throw new Error('at once');
    },
  });
  await expect(add(1, 2, 3, 4)).rejects.toMatchObject({ index: 0, cause: { message: 'at once' } });
});

test.each([[[]], [[1, 2, 3]], [undefined]])('answers of the wrong number, %j, are nobody’s', async (answers) => {
  let calls = 0;
  const { add } = gathererOf(new HeldTask(), {
    predict: () => {
      calls += 1;
      return Promise.resolve(answers as unknown[]);
    },
  });
  const told = Promise.allSettled([add('a', 'b')]);
  await vi.advanceTimersByTimeAsync(10);
  const message = expect.stringMatching(/^predict: got (no|0|3) answers to 2 inputs, expected/);
  expect(await told).toMatchObject([{ status: 'rejected', reason: { cause: { message } } }]);
  expect(calls).toBe(1);
});

test('an array of numbers may be a typed one', async () => {
  const { add } = gathererOf(new HeldTask(), { predict: () => Promise.resolve(Float32Array.of(1, 2, 3, 4)) });
  expect(await add('a', 'b', 'c', 'd')).toEqual([1, 2, 3, 4]);
});

test('what nobody waits for any more is not computed', async () => {
  const task = new HeldTask();
  const { add, gatherer } = gathererOf(task);
  const gone = new AbortController();
  void add(1, 2, 3, 4);
  const dropped = gatherer.add(['x', 'y'], gone.signal);
  const kept = add('z');
  gone.abort(new Error('gone'));
  await expect(dropped).rejects.toThrow('gone');
  expect(gatherer.depth).toBe(1);
  task.calls[0]?.answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(inputsOf(task)[1]).toEqual(['z']);
  task.calls[1]?.answer();
  expect(await kept).toEqual(['z']);
  await expect(gatherer.add(['x'], gone.signal)).rejects.toThrow('gone');
  expect(gatherer.depth).toBe(0);
});

test('inputs that were dropped while their batch failed are not tried again', async () => {
  const task = new HeldTask();
  const { add, gatherer } = gathererOf(task);
  const gone = new AbortController();
  const dropped = gatherer.add(['x', 'y'], gone.signal);
  const kept = add('u', 'v');
  gone.abort(new Error('gone'));
  await expect(dropped).rejects.toThrow('gone');
  task.calls[0]?.fail(new Error('one of them'));
  await vi.advanceTimersByTimeAsync(0);
  expect(inputsOf(task)[1]).toEqual(['u', 'v']);
  task.calls[1]?.answer();
  expect(await kept).toEqual(['u', 'v']);
});

test('it tells of each batch', async () => {
  const batches: [number, number][] = [];
  const task = new HeldTask();
  const { add } = gathererOf(task, { onBatch: (...batch) => batches.push(batch) });
  void add(1, 2, 3);
  await vi.advanceTimersByTimeAsync(10);
  await vi.advanceTimersByTimeAsync(500);
  task.calls[0]?.answer();
  await vi.advanceTimersByTimeAsync(0);
  expect(batches).toEqual([[3, 0.5]]);
});
