import { expect, test, vi } from 'vitest';
import { Linear, Module, ones, Sequential, tensor, type Tensor } from 'stmnet';

/** How often the hooks of a module are called, and with what they see. */
function watched<M extends Module>(module: M): { module: M; outputs: unknown[] } {
  const outputs: unknown[] = [];
  module.registerForwardHook((_, __, output) => void outputs.push(output));
  return { module, outputs };
}

const x = (): Tensor => ones([1, 3]);

class Doubled extends Module {
  forward(input: Tensor): Tensor {
    return input.mul(2);
  }
}

class Arrow extends Module {
  factor = 2;
  override forward = (input: Tensor): Tensor => input.mul(this.factor);
}

class Assigned extends Module {
  declare forward: (input: Tensor) => Tensor;
  constructor() {
    super();
    this.forward = (input) => input.mul(2);
  }
}

/** As TypeScript compiles a field that is declared, and given its value later. */
class Declared extends Module {
  override forward: (input: Tensor) => Tensor;
  constructor() {
    super();
    this.forward = (input) => input.mul(2);
  }
}

class Computed extends Doubled {}
Object.defineProperty(Computed.prototype, 'forward', {
  get(this: Module) {
    return (input: Tensor) => input.mul(this.training ? 2 : 0);
  },
});

class Derived extends Doubled {
  override forward(input: Tensor): Tensor {
    return super.forward(input);
  }
}

test.each<[what: string, make: () => Module & { forward(input: Tensor): Tensor }]>([
  ['a method', () => new Doubled()],
  ['an arrow function in a field', () => new Arrow()],
  ['assigned by the constructor', () => new Assigned()],
  ['declared as a field, assigned by the constructor', () => new Declared()],
  ['a getter', () => new Computed()],
  ['a method that calls that of its super class', () => new Derived()],
  ['assigned from outside', () => Object.assign(new Doubled(), { forward: (input: Tensor) => input.mul(2) })],
  [
    'defined from outside',
    () => Object.defineProperty(new Doubled(), 'forward', { value: (input: Tensor) => input.mul(2) }),
  ],
])('hooks, the output shape and summary() see a forward that is %s, once', async (_, make) => {
  const { module, outputs } = watched(make());
  const y = module.forward(x());
  expect(await y.array()).toEqual([[2, 2, 2]]);
  expect(outputs).toEqual([y]);
  expect([module.outputShape, module.symbolicShape]).toEqual(['[1, 3]', '[N, 3]']);
  expect(Object.keys(module)).not.toContain('forward');
  const write = vi.spyOn(console, 'log').mockReturnValue();
  new Sequential(module).summary();
  const printed = String(write.mock.calls[0]?.[0]);
  write.mockRestore();
  expect(printed).toContain(`0        ${module.constructor.name}`);
  expect(printed).toContain('[N, 3]');
});

test('what a hook returns takes the place of the output of a field too', async () => {
  const module = new Arrow();
  const remove = module.registerForwardHook(() => tensor([7]));
  expect(await module.forward(x()).array()).toEqual([7]);
  remove();
  module.factor = 3;
  expect(await module.forward(x()).array()).toEqual([[3, 3, 3]]);
});

test('a forward that wraps the one before is one call, and the one before can be put back', async () => {
  const { module, outputs } = watched(new Doubled());
  const before: (input: Tensor) => Tensor = Reflect.get(module, 'forward');
  module.forward = (input) => before(input).mul(10);
  const y = module.forward(x());
  expect(await y.array()).toEqual([[20, 20, 20]]);
  expect(outputs).toEqual([y]);
  module.forward = before;
  expect(await module.forward(x()).array()).toEqual([[2, 2, 2]]);
  expect(outputs).toHaveLength(2);
});

test('a prototype that is patched counts for the objects that there are, and hooks see it', async () => {
  class Patched extends Doubled {}
  const { module, outputs } = watched(new Patched());
  Patched.prototype.forward = (input) => input.mul(5);
  expect(await module.forward(x()).array()).toEqual([[5, 5, 5]]);
  const spy = vi.spyOn(Doubled.prototype, 'forward').mockImplementation((input) => input.mul(6));
  expect(await new Doubled().forward(x()).array()).toEqual([[6, 6, 6]]);
  expect(spy).toHaveBeenCalledTimes(1);
  spy.mockRestore();
  expect(outputs).toHaveLength(1);
});

test('a spy on one object sees the calls, and hooks still do', () => {
  const { module, outputs } = watched(new Linear({ inFeatures: 3, outFeatures: 1 }));
  const spy = vi.spyOn(module, 'forward');
  module.forward(x());
  expect([spy.mock.calls.length, outputs.length]).toEqual([1, 1]);
  spy.mockRestore();
  module.forward(x());
  expect([spy.mock.calls.length, outputs.length]).toEqual([0, 2]);
});

test('a module that calls itself is seen each time, the innermost first', () => {
  class Nested extends Module {
    forward(input: Tensor, depth = 2): Tensor {
      return depth === 0 ? input : this.forward(input, depth - 1).mul(2);
    }
  }
  const { module, outputs } = watched(new Nested());
  const y = module.forward(x());
  expect(outputs).toHaveLength(3);
  expect(outputs.at(-1)).toBe(y);
});
