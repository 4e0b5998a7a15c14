import { afterEach, expect, test } from 'vitest';
import {
  bernoulli,
  cast,
  compile,
  defineFunction,
  embedding,
  isDebug,
  noGrad,
  ones,
  setDebug,
  tensor,
  type NativeError,
  type Tensor,
} from 'stmnet';
import { runScript } from '../support/child';
import { describeDevices } from '../support/devices';

afterEach(() => setDebug(false));

/** What reading rejects with. */
const failure = (x: Tensor): Promise<NativeError> =>
  x.data().then(
    () => expect.unreachable('it was read'),
    (error: unknown) => error as NativeError,
  );

describeDevices('an index that only the device can check', (device) => {
  const outOfRange = (): Tensor => cast(tensor([7], { device }), 'i32');
  function lookUp(index: Tensor): Tensor {
    return embedding(index, ones([3, 2], { device }));
  }

  test('is reported with the lines that asked for it under debug, and without them otherwise', async () => {
    const plain = await failure(lookUp(outOfRange()));
    expect(plain).toMatchObject({ op: 'embedding', code: 'ERR_STM_INDEX' });
    expect(plain.message).not.toContain('Asked for here');
    setDebug(true);
    expect(isDebug()).toBe(true);
    const found = await failure(lookUp(outOfRange()));
    expect(found).toMatchObject({ op: 'embedding', code: 'ERR_STM_INDEX', name: 'NativeError' });
    expect(found.message).toMatch(
      /^embedding: got index 7[^]*\n {2}Asked for here, under debug:\n {4}at lookUp \(.*debug\.test\.ts:\d+:\d+\)\n/,
    );
    expect(found.message).not.toContain('src/tensor');
    expect(found.stack).toContain('at lookUp (');
    setDebug(false);
    expect((await failure(lookUp(outOfRange()))).message).toBe(plain.message);
  });

  test('in a compiled step is reported with the lines that it was recorded from', async () => {
    setDebug(true);
    function recorded(index: Tensor): Tensor {
      return lookUp(index.cast('i32')).add(1);
    }
    const step = compile(recorded);
    const good = tensor([1], { device });
    for (let run = 0; run < 4; run++) expect([...(await step(good).data())]).toEqual([2, 2]);
    expect(step.recordings).toBe(1);
    const found = await failure(step(tensor([7], { device })));
    expect(found).toMatchObject({ op: 'embedding', code: 'ERR_STM_INDEX' });
    expect(found.message).toMatch(/ {4}at lookUp \(.*\n {4}at .*recorded \(/);
  });
});

test('names of ops in other messages stay as they are', () => {
  setDebug(true);
  const x = ones([2], { requiresGrad: true });
  const y = x.mul(2),
    z = y.mul(y).sum();
  noGrad(() => y.detach().add_(1));
  expect(() => z.backward()).toThrow(
    /^backward: got f32\[2\] on \S+ saved by mul at version 0, but add_ has changed it in place/,
  );
});

test('each call has its own place, also around those of a user-defined backward', async () => {
  setDebug(true);
  function inBackward(grad: Tensor): Tensor {
    return bernoulli(grad.mul(7)); // a probability above 1
  }
  const fn = defineFunction({
    forward: (x: Tensor) => ({ output: x.mul(1), saved: x }),
    backward: (grad) => [inBackward(grad)],
  });
  const x = ones([2], { requiresGrad: true });
  fn(x).sum().backward();
  const { grad } = x;
  expect(grad).toBeDefined();
  if (grad !== undefined) expect((await failure(grad)).message).toContain('at inBackward (');
});

test('STMNET_DEBUG=1 switches it on from the start', () => {
  const script = `
    const stm = require(${JSON.stringify(process.cwd() + '/dist/index.js')});
    function mine() { return stm.bernoulli(stm.tensor([7])); }
    mine().data().catch(({ message }) =>
      console.log(stm.isDebug(), message.split('\\n').filter((line) => / at /.test(line))[0]));`;
  const [on, off] = ['1', '0'].map((value) => runScript(script, { environment: { STMNET_DEBUG: value } }).stdout);
  expect(on).toMatch(/^true +at mine \(/); // none of the package's own lines before it
  expect(off).toBe('false undefined\n');
});
