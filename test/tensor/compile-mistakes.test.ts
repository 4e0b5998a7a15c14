import { expect, test } from 'vitest';
import {
  Adam,
  compile,
  getRandomState,
  isGradEnabled,
  Linear,
  manualSeed,
  OptionError,
  PaddedSequence,
  Parameter,
  SGD,
  synchronize,
  tensor,
  type Tensor,
} from 'stmnet';
import { binding } from '../../src/native/load';
import { idOf, wrap } from '../../src/tensor/tensor';
import { describeDevices } from '../support/devices';

describeDevices('compile: mistakes', () => {
  const refused = (step: (x: Tensor) => unknown, message: RegExp, code = 'ERR_STM_RECORDING'): void => {
    const compiled = compile(step),
      x = tensor([1, 2]);
    for (let i = 0; i < 3; i++)
      expect(() => compiled(x)).toThrowError(
        expect.objectContaining({ code, message: expect.stringMatching(message) }),
      );
    expect(compiled.recordings).toBe(0);
  };

  test.each<[string, (x: Tensor) => unknown]>([
    ['item()', (x) => void x.sum().item()],
    ['data()', (x) => void x.data()],
    ['array()', (x) => void x.array()],
    ['data()', (x) => void new PaddedSequence(x.reshape([1, 2]), [1]).data()],
    ['array()', (x) => void new PaddedSequence(x.reshape([1, 2]), [1]).array()],
    ['synchronize()', () => void synchronize()],
  ])('%s inside is refused at the call', (call, step) =>
    refused(
      step,
      new RegExp(`compile: got ${call.replace(/[()]/g, '\\$&')} inside a compiled step, expected .*\n {2}Fix: `),
    ),
  );

  test('promises, results that are none, arguments that cannot be repeated', () => {
    refused(() => Promise.resolve(), /compile: got an async function/, 'ERR_STM_OPTION');
    refused(() => new Map(), /compile: got the result Map, expected tensors/, 'ERR_STM_OPTION');
    refused(() => [() => 1], /compile: got the result a function/, 'ERR_STM_OPTION');
    const take = compile((given: unknown) => void given);
    expect(() => take(new Float32Array(2))).toThrow(/compile: got the argument Float32Array\(2\), expected tensors/);
    expect(() => take(new Parameter(tensor([1])))).toThrow(/which requires a gradient/);
    const cycle: unknown[] = [];
    cycle.push(cycle);
    expect(() => take(cycle)).toThrow(/holds itself/);
    expect(() => compile(3 as never)).toThrow(OptionError);
    expect(() => compile(() => 1, { maxRecordings: 0 })).toThrow(/maxRecordings/);
    expect(() => compile(() => 1, { max: 1 } as never)).toThrow(/an option max/);
  });

  test('an argument changed in place, and the generator looked at, are refused when recorded', async () => {
    const later = (step: (x: Tensor) => unknown, message: RegExp): void => {
      const compiled = compile(step);
      compiled(tensor([1, 2]));
      for (let i = 0; i < 2; i++) expect(() => compiled(tensor([1, 2]))).toThrow(message);
      expect(compiled.recordings).toBe(0);
    };
    later((x) => x.add_(1), /compile: got add_ in place on the argument f32\[2\]/);
    later(() => void getRandomState(), /compile: got getRandomState\(\) while the step is being recorded/);
    later(() => manualSeed(1), /compile: got setRandomState\(\) or manualSeed\(\)/);
    expect(await tensor([1]).add(1).item()).toBe(2);
  });

  test('an exception passes, and leaves gradients, steps, random numbers and modes as they were', async () => {
    const layer = new Linear({ inFeatures: 2, outFeatures: 1 }),
      optimizer = new Adam(layer.parameters());
    let fails = false;
    const compiled = compile((x: Tensor) => {
      const loss = layer.forward(x.dropout(0.5)).sum();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      if (fails) throw new RangeError('mine');
      return loss;
    });
    const x = tensor([[1, 2]]);
    compiled(x);
    const before = [await layer.weight.grad?.array(), await layer.weight.array(), optimizer.steps, getRandomState()];
    fails = true;
    for (let i = 0; i < 2; i++) expect(() => compiled(x)).toThrow(new RangeError('mine'));
    expect([await layer.weight.grad?.array(), await layer.weight.array(), optimizer.steps, getRandomState()]).toEqual(
      before,
    );
    expect(isGradEnabled()).toBe(true);
    fails = false;
    for (let i = 0; i < 3; i++) compiled(x);
    expect([compiled.recordings, optimizer.steps]).toEqual([1, 4]);
    expect(await layer.weight.grad?.array()).not.toEqual(before[0]);
  });

  test('a fault of the device rejects the read of that step, and not of the next', async () => {
    const table = new Parameter(tensor([[1], [2]])),
      optimizer = new SGD([table], { learningRate: 1 });
    const compiled = compile((places: Tensor) => {
      const loss = table.indexSelect(0, places).sum();
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    });
    const at = (place: number): Tensor => tensor([place], { dtype: 'i32' }).add(0); // not known on the host
    for (const place of [0, 1, 0, 1]) await compiled(at(place)).item();
    expect(await table.array()).toEqual([[-1], [0]]);
    for (let i = 0; i < 2; i++) {
      await expect(compiled(at(9)).item()).rejects.toMatchObject({ code: 'ERR_STM_INDEX' });
      await synchronize().catch(() => undefined);
      expect(await table.array()).toEqual([[-1 - i], [0]]);
      expect(await compiled(at(0)).item()).toBe(-1 - i);
    }
    expect(await table.array()).toEqual([[-3], [0]]);
  });

  test('a poisoned argument poisons the results of its call alone', async () => {
    const compiled = compile((x: Tensor) => x.add(1));
    const x = tensor([1]);
    for (let i = 0; i < 3; i++) expect(await compiled(x).item()).toBe(2);
    await expect(compiled(wrap(binding.testFail(idOf(x, 'fail')))).item()).rejects.toMatchObject({ op: 'fail' });
    expect(await compiled(x).item()).toBe(2);
  });
});
