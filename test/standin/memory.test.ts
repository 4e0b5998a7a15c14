import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { onStandin, standinIsBuilt } from '../support/standin';

const root = join(__dirname, '..', '..');

describe.skipIf(!standinIsBuilt)('a device without memory pools', () => {
  const train = `
    stm.manualSeed(5);
    stm.setMathMode('fma');
    const lstm = new stm.LSTM({ inputSize: 6, hiddenSize: 5, numLayers: 2 });
    const head = new stm.Linear({ inFeatures: 5, outFeatures: 3 });
    const parameters = [...lstm.parameters(), ...head.parameters()];
    const optimizer = new stm.Adam(parameters, { learningRate: 0.01 });
    const x = stm.randn([4, 7, 6]), y = stm.tensor(Int32Array.from({ length: 28 }, (_, i) => i % 3)).reshape([4, 7]);
    const step = stm.compile((x, y) => {
      const loss = stm.crossEntropy(head.forward(lstm.forward(x).output), y);
      optimizer.zeroGrad();
      loss.backward();
      stm.clipGradNorm(parameters, { maxNorm: 1 });
      optimizer.step();
      return loss;
    });
    const losses = [];
    for (let i = 0; i < 6; i++) losses.push(await step(x, y).item());
  `;

  test('trains and compiles there to the same bits', () => {
    const work = `${train} return { losses, graphs: control.callCount('cudaGraphLaunch') };`;
    const [without, usual] = [
      onStandin<{ losses: number[]; graphs: number }>(work, { STMNET_STANDIN_POOLS: '0' }),
      onStandin<{ losses: number[]; graphs: number }>(work),
    ];
    expect(without.losses).toEqual(usual.losses);
    expect(without.losses.at(-1)).toBeLessThan(without.losses[0] ?? 0);
    expect(without.graphs).toBe(0);
    expect(usual.graphs).toBeGreaterThan(0);
  });

  test('memory that is short rejects the read, emptyCache gives back what is kept, and the end leaves nothing', () => {
    const compute = `
      const stm = require(${JSON.stringify(join(root, 'dist', 'index.js'))});
      stm.ones([64, 64], { device: 'cuda' }).sum().item();`;
    const result = onStandin<{ error: string; held: number; kept: number; sum: number; left: string }>(
      `
      await stm.ones([8]).sum().item();
      const error = await stm.zeros([2 ** 20, 2 ** 20]).sum().item().then(() => '', ({ message }) => message);
      for (let i = 0; i < 4; i++) await stm.scope(() => stm.randn([512, 512]).mul(2).sum()).item();
      const held = stm.memory().cachedBytes;
      await stm.emptyCache('cuda');
      const kept = stm.memory().cachedBytes;
      const sum = await stm.ones([64, 64]).sum().item();
      const { Worker } = require('node:worker_threads');
      const living = control.leaks();
      const worker = new Worker(${JSON.stringify(compute)}, { eval: true });
      await new Promise((done, fail) => worker.on('exit', done).on('error', fail));
      return { error, held, kept, sum, left: control.leaks() === living ? '' : living + ' / ' + control.leaks() };`,
      { STMNET_STANDIN_POOLS: '0' },
    );
    expect(result).toMatchObject({
      error: expect.stringMatching(/asked for 4398046511104 bytes.*Fix:/s) as string,
      kept: 0,
      sum: 4096,
      left: '',
    });
    expect(result.held).toBeGreaterThan(2 ** 20);
  });
});

describe.skipIf(!standinIsBuilt)('reads that go in pieces', () => {
  /** What a read of arange(n) should not be; the first place, or -1. */
  const wrong = `
      const wrong = (values, n, from = 0) =>
        values.length !== n ? 0 : values.findIndex((value, i) => value !== from + i);`;

  test('several queue up, each exact, and no command waits for the device', () => {
    const result = onStandin<{ wrong: number[]; waits: number }>(`${wrong}
      const sizes = [2 ** 20 + 3, 9_437_185, 2 ** 21, 5];
      const tensors = sizes.map((n) => stm.arange(0, n));
      await stm.synchronize('cuda');
      control.resetCounts();
      const reads = tensors.map((x) => x.data());
      // its memory is free for others
      const later = tensors.map((x) => { const y = x.add(1); x.dispose(); return y.data(); });
      const found = [
        ...(await Promise.all(reads)).map((values, i) => wrong(values, sizes[i])),
        ...(await Promise.all(later)).map((values, i) => wrong(values, sizes[i], 1)),
      ];
      return { wrong: found, waits: control.callCount('cudaStreamSynchronize') };`);
    expect(result).toEqual({ wrong: Array.from({ length: 8 }, () => -1), waits: 0 });
  });

  test('what the device finds wrong on the way rejects them, and the next is right', () => {
    const result = onStandin<{ error: string; wrong: number[] }>(`${wrong}
      const n = 9_000_000, x = stm.arange(0, n), first = x.data();
      // 7 is known to the device alone
      const words = stm.tensor(Int32Array.of(3, 1)).add(stm.tensor(Int32Array.of(4, 0)));
      const bad = stm.embedding(words, stm.ones([5, n / 2])).data(), last = x.data();
      const error = await bad.then(() => '', ({ message }) => message);
      return { error, wrong: [wrong(await first, n), wrong(await last, n)] };`);
    expect(result).toEqual({ error: expect.stringMatching(/embedding.*7.*0\.\.4/s) as string, wrong: [-1, -1] });
  });

  test.each(['cudaMallocHost', 'cudaMemcpyAsync', 'cudaEventRecord', 'cudaEventCreateWithFlags', 'cudaEventQuery'])(
    '%s that fails at any piece rejects the one, and leaves the others alone',
    (name) => {
      const result = onStandin<{ errors: string[]; wrong: number[] }>(`${wrong}
      const n = 2_500_000, errors = [], found = [];
      const x = stm.arange(0, n);
      for (const call of [1, 2, 3]) {
        await stm.emptyCache('cuda');
        await stm.synchronize('cuda');
        control.resetCounts();
        control.setFaults('${name}:' + call + '=1');
        const outcomes = await Promise.allSettled([x.data(), x.data(), x.to('cpu').data()]);
        control.setFaults('');
        errors.push(...outcomes.filter(({ reason }) => reason).map(({ reason }) => reason.message));
        await stm.synchronize('cuda').catch(() => {});
        found.push(...outcomes.filter(({ value }) => value).map(({ value }) => wrong(value, n)));
        found.push(wrong(await x.data(), n));
      }
      return { errors, wrong: found };`);
      expect(result.wrong.every((place) => place === -1)).toBe(true);
      expect(result.errors.length).toBeGreaterThan(0);
      expect(result.errors.length).toBeLessThanOrEqual(3);
      expect(result.errors.join()).toContain(name);
    },
  );
});

describe.skipIf(!standinIsBuilt)('page-locked memory', () => {
  const most = 256 * 2 ** 20;

  test('stays within 256 MiB however many results are on their way, and emptyCache gives all of it back', () => {
    const result = onStandin<{ pinned: number[]; wrong: number; back: number; after: number }>(`
      const n = 5_000_000, x = stm.arange(0, n), small = stm.ones([1000]), pinned = [];
      const note = (value) => { pinned.push(control.pinnedBytes()); return value; };
      const reads = Array.from({ length: 30 }, (_, i) => (i % 3 === 2 ? small : x).data().then(note));
      const uploaded = stm.tensor(new Float32Array(n).fill(3));
      const values = await Promise.all(reads);
      const wrongSmall = (array) => array.some((value) => value !== 1);
      const wrongLarge = (array) => array.length !== n || array.some((value, at) => value !== at);
      const wrong = values.filter((array, i) => (i % 3 === 2 ? wrongSmall(array) : wrongLarge(array))).length;
      await uploaded.sum().item().then(note);
      await stm.emptyCache('cuda');
      const back = control.pinnedBytes();
      return { pinned, wrong, back, after: await x.slice([0], [4]).sum().item() };`);
    expect(result).toMatchObject({ wrong: 0, after: 6 });
    expect(Math.max(...result.pinned)).toBeLessThanOrEqual(most);
    expect(Math.max(...result.pinned)).toBeGreaterThan(0);
    expect(result.back).toBeLessThanOrEqual(8192); // of the answer that it is done: a record of faults
  });
});
