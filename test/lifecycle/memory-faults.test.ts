import { expect, test } from 'vitest';
import { runChild } from '../support/child';

/**
 * Runs `step` again and again in a child, with memory that runs out at the first allocation, then at the second, and so
 * on, until the step gets through: at each place either one allocation fails or all that follow do. An allocation is
 * one of host memory by the addon, of device memory, or of a result's array.
 *
 * @param setUp  a script that declares `async function step()`, which returns a number, and `check()`, run after each
 * failure
 * @returns how often the step failed
 */
function failEverywhere(
  setUp: string,
  { stride, count }: { stride: number; count: string },
): { places: number; failed: number } {
  const child = runChild(`
    stm.setNumThreads(1);
    ${setUp}
    const outOfMemory = (error) => {
      const expected = error instanceof stm.NativeError && error.code === 'ERR_STM_OUT_OF_MEMORY';
      if (!expected || !/Fix: /.test(error.message)) throw error;
    };
    const allocationsOf = async (after, count, run) => {
      binding.testFailAllocations(after, count);
      try {
        return [await run(), undefined];
      } catch (error) {
        return [undefined, error];
      } finally {
        last = binding.testStopFailing();
      }
    };
    let last = 0;
    (async () => {
      for (let i = 0; i < 4; i++) await step();
      let failed = 0, at = 0;
      for (;; at += ${stride}) {
        const [, error] = await allocationsOf(at, ${count}, step);
        if (error === undefined && last <= at) break;
        if (error !== undefined) outOfMemory(error);
        for (let i = 0; i < 3; i++) await stm.synchronize().catch(outOfMemory);
        failed += error === undefined ? 0 : 1;
        await check();
        const value = await step();
        if (Number.isFinite(value)) continue;
        throw new Error('after a failure at allocation ' + at + ' the next step gives ' + value);
      }
      console.log(JSON.stringify({ places: at, failed }));
    })().catch((error) => { console.error(error); process.exit(1); });`);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
  return JSON.parse(child.stdout) as { places: number; failed: number };
}

const training = `
  const embedding = new stm.Embedding({ numEmbeddings: 5, embeddingDim: 3 });
  const lstm = new stm.LSTM({ inputSize: 3, hiddenSize: 4, numLayers: 2, dropout: 0.2 });
  const linear = new stm.Linear({ inFeatures: 4, outFeatures: 2 });
  const parameters = [embedding, lstm, linear].flatMap((layer) => layer.parameters());
  const optimizer = new stm.Adam(parameters, {});
  function train(words, labels) {
    const loss = stm.crossEntropy(linear.forward(lstm.forward(embedding.forward(words)).output), labels);
    optimizer.zeroGrad();
    loss.backward();
    stm.clipGradNorm(parameters, { maxNorm: 1 });
    optimizer.step();
    return loss;
  }
  const integers = (rows) => stm.tensor(rows, { dtype: 'i32' });
  const batch = () => [integers([[1, 2, 3], [4, 0, 1]]), integers([[0, 1, 0], [1, 1, 0]])];
  async function check() {
    for (const values of await Promise.all(parameters.map((parameter) => parameter.data()))) {
      if (!values.every(Number.isFinite)) throw new Error('a parameter is not finite any more');
    }
  }`;

test.each([
  ['one allocation', { stride: 1, count: '1' }],
  ['all memory from some place on', { stride: 5, count: '1e15' }],
])(
  'a training step survives the loss of %s, wherever it is',
  (_, how) => {
    const { places, failed } = failEverywhere(
      `${training}\nconst step = () => stm.scope(() => train(...batch())).item();`,
      how,
    );
    expect(places).toBeGreaterThan(400);
    expect(failed).toBeGreaterThan(places / how.stride / 2);
  },
  300_000,
);

test('so does a compiled one', () => {
  const { places, failed } = failEverywhere(
    `${training}\nconst compiled = stm.compile(train);\nconst step = () => compiled(...batch()).item();`,
    { stride: 1, count: '1' },
  );
  expect(places).toBeGreaterThan(20);
  expect(failed).toBeGreaterThan(places / 2);
}, 300_000);

test('and so do reading, nested arrays and the making of tensors', () => {
  const setUp = `
    const x = stm.ones([4, 5]), into = new Float32Array(4);
    const step = async () => {
      const y = stm.tensor([[1, 2], [3, 4]]).transpose(0, 1), z = stm.arange(0, 10, 1, { dtype: 'i32' });
      const reads = [x.transpose(0, 1).array(), y.data(), z.sum().item(), y.data({ into })];
      const [a, b, c, d] = await Promise.all(reads);
      return a[0][0] + b[1] + c + d[1];
    };
    const check = () => undefined;`;
  expect(failEverywhere(setUp, { stride: 1, count: '1' }).failed).toBeGreaterThan(20);
}, 300_000);
