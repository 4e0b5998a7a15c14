import { expect, test } from 'vitest';
import { compile, memory, noGrad, scope, synchronize, zeros, type Tensor } from 'stmnet';
import { describeDevices } from '../support/devices';
import { batch, training } from '../support/tagger';

// A file of its own, so a process of its own: nothing that other tests left is collected meanwhile.
describeDevices('memory of compile', () => {
  test('2,000 replays hold what two do; clear() frees it', async () => {
    const { model, step } = training();
    const compiled = compile(step);
    const inputs = [batch(0), batch(1)] as const;
    const run = (count: number): void => {
      for (let i = 0; i < count; i++) {
        scope(() => {
          const { loss, norm } = compiled(...(inputs[i % 2] ?? inputs[0]));
          loss.dispose();
          norm.dispose();
        });
      }
    };
    const look = async (): Promise<number[]> => {
      for (let i = 0; i < 3; i++) {
        gc?.(); // what building the model left
        scope(() => Array.from({ length: 64 }, () => void zeros([1])));
        await synchronize();
      }
      const { handles, usedBytes } = memory();
      return [handles, usedBytes];
    };
    run(6);
    expect(compiled.recordings).toBe(2);
    const [handles = 0, used = 0] = await look();
    run(2_000);
    expect(await look()).toEqual([handles, used]);
    compiled.clear();
    for (const parameter of model.parameters()) parameter.grad = undefined;
    const [, freed = 0] = await look();
    expect(freed).toBeLessThan(used - 8_192);
    run(6);
    expect(await look()).toEqual([handles, used]);
  });

  test('a recording that has to go gives its memory back', async () => {
    const compiled = compile((x: Tensor) => x.mul(2).add(1), { maxRecordings: 1 });
    const held: number[] = [];
    for (let i = 0; i < 12; i++) {
      for (const size of [1 << 16, 1 << 17]) for (let k = 0; k < 2; k++) scope(() => compiled(zeros([size]))).dispose();
      await synchronize();
      held.push(memory().usedBytes);
    }
    expect(held.slice(1)).toEqual(held.slice(1).map(() => held[1]));
    expect(compiled.recordings).toBe(1);
  });

  test('what only the step uses shares memory', async () => {
    const chain = (x: Tensor): Tensor => {
      let y = x;
      for (let i = 0; i < 20; i++) y = y.add(1);
      return y.sum();
    };
    const compiled = compile((x: Tensor) => noGrad(() => chain(x)));
    const x = zeros([1 << 18]); // 1 MiB
    await synchronize();
    const before = memory().usedBytes;
    for (let i = 0; i < 3; i++) expect(await compiled(x).item()).toBe(20 * 2 ** 18);
    await synchronize();
    expect((memory().usedBytes - before) / 2 ** 20).toBeLessThan(3.5); // its argument and two of the chain
  });
});
