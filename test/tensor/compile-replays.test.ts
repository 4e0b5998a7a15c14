import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { compile, PaddedSequence, Parameter, SGD, tensor, zeros, type Tensor } from 'stmnet';
import { describeDevices } from '../support/devices';

// A process warns on the next turn of the event loop.
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

describeDevices('compile: steps that are never alike', () => {
  let warnings: (Error & { code?: string })[] = [];
  const listen = (warning: Error): void => void warnings.push(warning);
  beforeEach(() => {
    warnings = [];
    process.on('warning', listen);
  });
  afterEach(() => void process.off('warning', listen));
  const ours = async (): Promise<string[]> => {
    await turn();
    return warnings
      .filter(({ code }) => code === 'STM_COMPILE_NO_REPLAY')
      .map(({ name, message }) => `${name}: ${message}`);
  };

  test('one warning says that no call was like another', async () => {
    const compiled = compile((x: Tensor) => x.mul(2));
    for (let size = 1; size < 64; size++) compiled(zeros([size]));
    expect(await ours()).toEqual([]);
    for (let size = 64; size < 200; size++) compiled(zeros([size]));
    const told = await ours();
    expect(told).toHaveLength(1);
    expect(told[0]).toContain(
      'StmnetWarning: compile: got 64 calls in a row none of which could be replayed, because their shapes',
    );
    expect(told[0]).toContain('\n  Fix: let batches come in few shapes with the same lengths');
    expect([compiled.replays, compiled.recordings]).toEqual([0, 0]);
  });

  test('also where the lengths differ, and where recordings come and go', async () => {
    const padded = compile((x: PaddedSequence) => x.map((values) => values.mul(2)));
    for (let i = 0; i < 70; i++) padded(new PaddedSequence(zeros([3, 9, 1]), [i % 9, Math.floor(i / 9), 9]));
    const few = compile((x: Tensor) => x.mul(2), { maxRecordings: 2 });
    for (let i = 0; i < 70; i++) few(zeros([1 + (i % 12)]));
    expect(await ours()).toHaveLength(2);
    expect(few.recordings).toBeLessThanOrEqual(2);
  });

  test('another reason is named where the arguments are alike', async () => {
    const w = zeros([2], { requiresGrad: true }),
      optimizer = new SGD([new Parameter(w)], { learningRate: 0.1 });
    const [group] = optimizer.groups;
    const compiled = compile((x: Tensor) => {
      for (const { parameters } of optimizer.groups) for (const parameter of parameters) parameter.grad = x;
      optimizer.step();
    });
    for (let i = 0; i < 70; i++) {
      if (group !== undefined) group.weightDecay = i / 1000;
      compiled(zeros([2]));
    }
    expect(await ours()).toEqual([
      expect.stringMatching(/because a mode, an option, a leaf or its gradient was another each time/),
    ]);
    expect(compiled.replays).toBe(0);
  });

  test('a loop that is replayed counts its replays and warns nobody', async () => {
    const compiled = compile((x: Tensor) => x.mul(2));
    for (let i = 0; i < 300; i++) compiled(zeros([1 + (i % 10)]));
    expect(await ours()).toEqual([]);
    expect([compiled.recordings, compiled.replays]).toEqual([10, 300 - 20]);
  });
});

describeDevices('compile: an argument of another realm', (device) => {
  test('is looked into as one of this realm', async () => {
    const batch = runInNewContext('({})') as { x: Tensor };
    const double = compile(({ x }: { x: Tensor }) => x.mul(2));
    for (const value of [1, 2, 3, 4]) {
      batch.x = tensor([value], { device });
      expect(await double(batch).array()).toEqual([2 * value]);
    }
    expect(double.replays).toBe(2);
  });
});
