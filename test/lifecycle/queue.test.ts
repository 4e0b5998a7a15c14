import { expect, test } from 'vitest';
import { runChild } from '../support/child';

const clean = { code: 0, signal: null, stderr: '' };

function answers(script: string): unknown {
  const child = runChild(`(async () => { console.log(JSON.stringify(await (async () => { ${script} })())); })();`);
  expect(child).toMatchObject(clean);
  return JSON.parse(child.stdout);
}

test('a full queue holds the caller, and memory() counts it', () => {
  const script = `
    const before = stm.memory().stalls;
    limitQueue(10);
    for (let i = 0; i < 60; i++) slow(one(), 1);
    const { stalls, stalledMs, peakCommands } = stm.memory();
    await stm.synchronize();
    return { before, stalls, stalledMs, peakCommands, queued: stm.memory().queuedCommands };`;
  const { before, stalls, stalledMs, peakCommands, queued } = answers(script) as Record<string, number>;
  expect({ before, queued }).toEqual({ before: 0, queued: 0 });
  expect(stalls).toBeGreaterThan(5);
  expect(stalledMs).toBeGreaterThan(20);
  expect(peakCommands).toBeLessThanOrEqual(10);
});

test('host arrays that wait in the queue are bounded too', () => {
  const script = `
    binding.setQueueLimits(65536, 4e6);
    slow(one(), 100);
    for (let i = 0; i < 20; i++) stm.tensor(new Float32Array(250_000));
    const { stalls, queuedBytes } = stm.memory();
    return { stalls, queuedBytes };`;
  const { stalls, queuedBytes } = answers(script) as Record<string, number>;
  expect(stalls).toBeGreaterThan(0);
  expect(queuedBytes).toBeLessThan(6e6);
});

test('a poisoned tensor rejects every read and taints what is computed from it; the rest stays usable', () => {
  const script = `
    const firstLine = (error) => error.name + ' ' + error.op + ' ' + error.message.split('\\n')[0];
    const reason = (promise) => promise.then((value) => value, firstLine);
    const bad = fail(one()), next = bad.add(1), good = one().add(1);
    const reasons = [];
    for (const x of [next, bad, next, good]) reasons.push(await reason(x.item()));
    return [...reasons, await reason(stm.synchronize())];`;
  const fault = 'NativeError fail fail: asked to fail';
  const found = answers(script) as unknown[];
  expect(found.slice(3)).toEqual([2, null]);
  for (const text of found.slice(0, 3)) expect(text).toContain('asked to fail');
  expect(found[0]).toContain(fault.slice(0, 16));
});

test('a fault that nobody read rejects the next fence, once', () => {
  const script = `
    const reason = (promise) => promise.then(() => 'fine', (error) => error.op);
    fail(one());
    return [await reason(stm.synchronize()), await reason(stm.synchronize()), await reason(one().item())];`;
  expect(answers(script)).toEqual(['fail', 'fine', 'fine']);
});

test('an in-place target of a skipped command keeps its values', () => {
  const script = `
    const kept = one();
    kept.add_(fail(one()));
    const first = await stm.synchronize().then(() => 'fine', () => 'fault');
    return [first, await kept.item()];`;
  expect(answers(script)).toEqual(['fault', 1]);
});

test('running out of memory is an error that leaves everything else usable', () => {
  const script = `
    const huge = wrap(binding.testAllocate(2 ** 40, 'cpu'));
    const told = (error) => error.name + ' ' + error.code + ' ' + error.message;
    const reason = await huge.slice([0], [1]).data().then(() => 'none', told);
    return [reason, await one().add(1).item()];`;
  const [reason, value] = answers(script) as [string, number];
  expect(reason).toMatch(/^NativeError ERR_STM_OUT_OF_MEMORY allocate: .*bytes/);
  expect(value).toBe(2);
});
