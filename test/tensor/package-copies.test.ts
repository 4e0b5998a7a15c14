import { describe, expect, test, vi } from 'vitest';
import * as stm from 'stmnet';
import { Linear, OptionError, SGD, tensor, Tensor } from 'stmnet';
import { describe as describeValue } from '../../src/tensor/options';

/** Another copy of the package in this process, as two installed versions are. */
vi.resetModules();
const other: typeof stm = await import('stmnet');

const own = tensor([1, 2]);
const layer = (): Linear => new Linear({ inFeatures: 2, outFeatures: 1 });

describe('messages', () => {
  const messageOf = (call: () => unknown): string => {
    try {
      call();
    } catch (error) {
      if (error instanceof OptionError) return error.message;
    }
    return 'no OptionError';
  };
  const x = (value: unknown): never => value as never;
  test.each<[string, () => unknown, string]>([
    [
      'no argument',
      () => stm.matmul(own, x(undefined)),
      'matmul: got no b, expected a Tensor.\n  Fix: pass a tensor, as tensor([1, 2, 3]) makes one.',
    ],
    [
      'an object with an id',
      () => stm.add(own, x({ id: 1, name: 'row' })),
      'add: got { id, name } as b, expected a Tensor or a number.\n  Fix: make a tensor of numbers by tensor(x).',
    ],
    [
      'a promise',
      () => stm.relu(x(own.data())),
      'relu: got a Promise as x, expected a Tensor.\n  Fix: await the promise first.',
    ],
    [
      'a number',
      () => own.matmul(x(3)),
      'matmul: got 3 as b, expected a Tensor.\n  Fix: make a tensor of numbers by tensor(x).',
    ],
    [
      'a list',
      () => stm.exp(x([1, 2])),
      'exp: got [1, 2] as x, expected a Tensor.\n  Fix: make a tensor of numbers by tensor(x).',
    ],
    [
      'a layer',
      () => stm.exp(x(layer())),
      'exp: got Linear as x, expected a Tensor.\n  Fix: pass what it computes: module.forward(x).',
    ],
    [
      'a result',
      () => stm.exp(x({ output: own, h: own })),
      'exp: got { output, h } as x, expected a Tensor.\n  Fix: pass the output of the layer: result.output.',
    ],
    [
      'one of a list',
      () => stm.concat([own, x(null)], 0),
      'concat: got null as tensors[1], expected a Tensor.\n  Fix: pass a tensor, as tensor([1, 2, 3]) makes one.',
    ],
    [
      'tensors that are no list',
      () => stm.concat(x(own), 0),
      `concat: got ${String(own)} as tensors, expected an array of tensors.\n` +
        '  Fix: put the tensors into an array: [a, b].',
    ],
    [
      'a proxy',
      () => stm.exp(x(new Proxy(own, {}))),
      'exp: got a proxy of a Tensor as x, expected a Tensor.\n' +
        '  Fix: pass the tensor itself, not an object around it; keep tensors out of reactive state.',
    ],
    [
      'new Tensor',
      () => Reflect.construct(Tensor, [[1, 2]]),
      'Tensor: got new Tensor([1, 2]), expected a tensor made by a function.\n' +
        '  Fix: call tensor(x), zeros(shape) or another factory.',
    ],
  ])('%s', (_, call, message) => expect(messageOf(call)).toBe(message));

  const oneCopy = 'use one copy of the package, `npm ls stmnet` lists them';
  test('objects of another copy are named as such', async () => {
    const foreign = other.tensor([7, 7]);
    expect(messageOf(() => stm.add(own, x(foreign)))).toBe(
      'add: got a Tensor of another copy of the package as b, expected a Tensor or a number.\n' +
        `  Fix: ${oneCopy}, or carry the numbers over: tensor({ data: await x.data(), shape: x.shape }).`,
    );
    const module = new other.Linear({ inFeatures: 2, outFeatures: 1 });
    expect(messageOf(() => new stm.Sequential(x(module)))).toContain(
      'got a Module of another copy of the package, Linear as layer 0',
    );
    expect(messageOf(() => new stm.Sequential(x(module)))).toContain(`Fix: ${oneCopy}.`);
    expect(messageOf(() => new SGD(x(module.parameters())))).toContain(
      'a Tensor of another copy of the package, Parameter',
    );
    expect(messageOf(() => new SGD(x(module.parameters())))).toContain(`Fix: ${oneCopy}`);
    class Holder extends stm.Module {
      inner = module;
      forward(): void {}
    }
    expect(messageOf(() => new Holder().parameters())).toBe(
      'Holder: got a Module of another copy of the package, Linear in the field inner, ' +
        'expected modules and tensors of one copy.\n' +
        `  Fix: ${oneCopy}.`,
    );
    const optimizer = new other.SGD(module.parameters());
    expect(messageOf(() => new stm.StepLR(x(optimizer), { stepSize: 1 }))).toContain(
      'an Optimizer of another copy of the package, SGD',
    );
    expect(messageOf(() => new stm.StepLR(x(optimizer), { stepSize: 1 }))).toContain(`Fix: ${oneCopy}.`);
    const model = layer();
    const parts = { model, loss: new stm.MSELoss(), optimizer: new SGD(model.parameters()) };
    const wrong: Record<string, unknown> = {
      model: module,
      optimizer,
      loss: new other.MSELoss(),
      schedule: new other.StepLR(optimizer, { stepSize: 1 }),
      metrics: [new other.Accuracy()],
    };
    const expected: Record<string, string> = {
      model: 'a Module',
      optimizer: 'an optimizer',
      loss: 'a loss such as new CrossEntropyLoss(), or a function',
      schedule: 'a schedule',
      metrics: 'metrics such as new Accuracy()',
    };
    for (const [name, part] of Object.entries(wrong)) {
      const kind = describeValue(Array.isArray(part) ? part[0] : part);
      expect(kind).toContain('of another copy of the package');
      expect(messageOf(() => new stm.Trainer({ ...parts, [name]: part }))).toBe(
        `Trainer: got ${name}: ${kind}, expected ${expected[name]}.\n  Fix: ${oneCopy}.`,
      );
    }
    const sequence = new other.PaddedSequence(other.zeros([1, 1]), [1]);
    expect(messageOf(() => stm.compile((input: unknown) => stm.add(own, x(input)))({ deep: [foreign] }))).toBe(
      'compile: got the argument a Tensor of another copy of the package, expected tensors of this copy.\n' +
        `  Fix: ${oneCopy}, or carry the numbers over: tensor({ data: await x.data(), shape: x.shape }).`,
    );
    expect(messageOf(() => layer().forward(x(sequence)))).toContain(
      'input a PaddedSequence of another copy of the package',
    );
    expect(messageOf(() => layer().forward(x(sequence)))).toContain(`Fix: ${oneCopy}.`);
    const loader = new other.DataLoader([{ input: [1, 2], target: [1] }]);
    await expect(new stm.Trainer(parts).fit(x(loader), { epochs: 1, progress: false })).rejects.toThrow(
      'Trainer.fit: got a DataLoader of another copy of the package, ' +
        'expected a DataLoader or another iterable of batches.\n' +
        `  Fix: ${oneCopy}.`,
    );
  });
});

test('what goes wrong in native code is an error of the copy that called', async () => {
  for (const copy of [stm, other]) {
    expect(() => copy.add(copy.zeros([2]), copy.zeros([3]))).toThrow(copy.ShapeError);
    await expect(copy.bernoulli(copy.tensor([7])).data()).rejects.toThrow(copy.NativeError);
  }
});
