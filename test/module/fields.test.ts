import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import {
  BatchNorm1d,
  BufferTensor,
  Linear,
  LSTM,
  Module,
  OptionError,
  Parameter,
  Sequential,
  Standardize,
  noGrad,
  ones,
  randn,
  tensor,
  zeros,
  type Tensor,
} from 'stmnet';
import { firstTensor } from '../../src/module/fields';
import { here } from '../support/devices';

class Scaled extends Module {
  factor = new Parameter(ones([2]));
  count: Tensor | undefined = new BufferTensor(zeros([1]));
  inner: unknown = new Linear({ inFeatures: 2, outFeatures: 2 });
  plain: unknown = ones([2]);
  forward(x: Tensor): Tensor {
    return x.mul(this.factor);
  }
}

/** What a caller without types may do. */
const assign = (module: Module, name: string, value: unknown) => (): unknown =>
  Object.assign(module, { [name]: value });

describe('what stands in the place of a parameter', () => {
  const layer = (): Linear => new Linear({ inFeatures: 1, outFeatures: 1 });

  test.each<[what: string, module: () => Module, field: string, value: () => unknown, message: string]>([
    [
      'a tensor',
      layer,
      'weight',
      () => ones([1, 1]),
      `Linear.weight: got f32[1, 1] on ${here} in the place of a Parameter, expected a Parameter, ` +
        'or undefined to leave it out.',
    ],
    ['a result', layer, 'weight', () => layer().weight.mul(2), 'in the place of a Parameter'],
    ['a number', layer, 'bias', () => 7, 'Linear.bias: got 7 in the place of a Parameter'],
    ['a buffer', layer, 'bias', () => new BufferTensor(zeros([1])), 'in the place of a Parameter'],
    ['a module', layer, 'bias', layer, 'Linear.bias: got Linear in the place of a Parameter'],
    [
      'a tensor, in a recurrent layer',
      () => new LSTM({ inputSize: 1, hiddenSize: 1 }),
      'weight_hh_l0',
      () => ones([4, 1]),
      'LSTM.weight_hh_l0: got',
    ],
    ['a tensor, in a class of the user’s', () => new Scaled(), 'factor', () => ones([2]), 'Scaled.factor: got'],
    [
      'a tensor, for a buffer',
      () => new Scaled(),
      'count',
      () => ones([1]),
      'in the place of a BufferTensor, expected a BufferTensor',
    ],
    [
      'a tensor, for running statistics',
      () => new BatchNorm1d({ numFeatures: 1 }),
      'running_mean',
      () => zeros([1]),
      'BatchNorm1d.running_mean: got',
    ],
    ['a tensor, for a module', () => new Scaled(), 'inner', () => ones([2, 2]), 'in the place of a Module'],
    [
      'a function, for a layer of a container',
      () => new Sequential(layer()),
      '0',
      () => (x: Tensor) => x,
      'Sequential.0: got a function',
    ],
  ])('is not %s', (_, make, field, value, message) => {
    const module = make();
    const before: unknown = Reflect.get(module, field);
    expect(assign(module, field, value())).toThrow(OptionError);
    expect(assign(module, field, value())).toThrow(message);
    expect(Reflect.get(module, field)).toBe(before);
    expect(Object.keys(make().stateDict())).toEqual(Object.keys(module.stateDict()));
  });

  test('says how to write values into it', () => {
    expect(assign(layer(), 'weight', ones([1, 1]))).toThrow(
      'Fix: wrap the tensor, new Parameter(tensor), or write its values into the one there is: noGrad(() => ' +
        'copy_(parameter, tensor)).',
    );
  });

  test('is another parameter, that of another layer too, or nothing', async () => {
    const [a, b] = [layer(), layer()];
    a.weight = b.weight;
    b.weight = new Parameter(tensor([[3]]));
    a.bias = undefined;
    expect(await noGrad(() => b.forward(ones([1, 1])).sub(b.bias ?? 0)).item()).toBe(3);
    expect(Array.from(a.namedParameters(), ([name]) => name)).toEqual(['weight']);
    const scaled = new Scaled();
    scaled.count = new BufferTensor(zeros([5]));
    scaled.plain = 'what was no parameter may become anything';
    expect(scaled.buffers()[0]?.shape).toEqual([5]);
  });

  test('in an array or object is noticed when the model is next looked at', () => {
    class Listed extends Module {
      scales: Tensor[] = [new Parameter(ones([1])), new Parameter(ones([1]))];
      named: Record<string, Tensor> = { a: new BufferTensor(ones([1])) };
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    const [listed, named] = [new Listed(), new Listed()];
    expect([listed.parameters().length, named.buffers().length]).toEqual([2, 1]);
    listed.scales[1] = ones([1]);
    named.named['a'] = zeros([1]);
    expect(() => listed.stateDict()).toThrow(
      `Listed.scales.1: got f32[1] on ${here} in the place of a Parameter, expected a Parameter`,
    );
    expect(() => named.eval()).toThrow('Listed.named.a: got');
    listed.scales.pop();
    expect(listed.parameters()).toHaveLength(1);
  });

  test('does not change when a derived class declares the field again', () => {
    class Worse extends Scaled {
      override factor = ones([2]) as Parameter;
    }
    expect(() => new Worse()).toThrow('Worse.factor: got');
  });

  test('leaves classes with private fields as they are', async () => {
    class Private extends Module {
      #seen = 0;
      linear = new Linear({ inFeatures: 2, outFeatures: 1 });
      get seen(): number {
        return this.#seen;
      }
      forward(x: Tensor): Tensor {
        this.#seen++;
        return this.linear.forward(x);
      }
    }
    const module = new Private();
    module.forward(randn([1, 2]));
    expect(module.seen).toBe(1);
    expect(inspect(module)).toMatch(/^Private\(\n {2}linear: Linear/);
    expect(structureOf(module)).toEqual(['linear.weight', 'linear.bias']);
  });
});

const structureOf = (module: Module): string[] => Object.keys(module.stateDict());

describe('paths', () => {
  const one = (): Linear => new Linear({ inFeatures: 1, outFeatures: 1 });
  class Dotted extends Module {
    a = { b: one() };
    'a.b': Module = one();
    forward(x: Tensor): Tensor {
      return x;
    }
  }

  test('that two fields share are an error wherever they are used', () => {
    const message =
      'Dotted: got two fields with the path "a.b", expected a path of its own for each parameter, ' +
      'buffer and module.\n' +
      '  Fix: rename the field that has a dot in its name.';
    for (const use of [
      (m: Module) => m.parameters(),
      (m: Module) => m.stateDict(),
      (m: Module) => m.eval(),
      (m: Module) => m.loadStateDict({}),
      (m: Module) => m.config(),
    ]) {
      expect(() => use(new Dotted())).toThrow(message);
    }
  });

  test('with a dot are fine where they are not shared', () => {
    class Fine extends Module {
      a = { c: one() };
      'a.b': Module = one();
      forward(x: Tensor): Tensor {
        return x;
      }
    }
    expect(structureOf(new Fine())).toEqual(['a.c.weight', 'a.c.bias', 'a.b.weight', 'a.b.bias']);
  });
});

describe('a module that is used twice', () => {
  const twice = (): Sequential => {
    const shared = new Sequential(new Linear({ inFeatures: 2, outFeatures: 2 }), new BatchNorm1d({ numFeatures: 2 }));
    return new Sequential(shared, new Standardize({ numFeatures: 2 }), shared);
  };

  test('counts once, and has both names in the state', () => {
    const model = twice();
    expect(model.parameters()).toHaveLength(4);
    expect(model.buffers()).toHaveLength(5);
    expect(structureOf(model)).toHaveLength(16);
    expect(Array.from(model.namedModules(), ([name]) => name)).toEqual(['', '0', '0.0', '0.1', '1']);
    expect(model.config().tied).toEqual([['0', '2']]);
    expect(model.eval()[2]?.training).toBe(false);
  });

  test('stays one after values were loaded, and after it moved', async () => {
    const [model, other] = [twice(), twice()];
    noGrad(() => other.forward(randn([8, 2])));
    model.loadStateDict(other.stateDict());
    model.to('cpu').to(here);
    expect(model[0]).toBe(model[2]);
    expect(model.parameters()).toHaveLength(4);
    const x = randn([4, 2]);
    expect(await noGrad(() => model.eval().forward(x)).data()).toEqual(
      await noGrad(() => other.eval().forward(x)).data(),
    );
  });
});

test('a state that is a copy stays as it was', async () => {
  const layer = new Linear({ inFeatures: 1, outFeatures: 1 });
  noGrad(() => layer.weight.fill_(1));
  const [shared, copy] = [layer.stateDict(), layer.stateDict({ copy: true })];
  noGrad(() => layer.weight.fill_(2));
  expect([await shared['weight']?.item(), await copy['weight']?.item()]).toEqual([2, 1]);
  expect([copy['weight']?.requiresGrad, Object.keys(copy)]).toEqual([false, ['weight', 'bias']]);
  expect(() => layer.stateDict(JSON.parse('{"clone":true}'))).toThrow(/an option clone, expected only copy/);
  expect(() => layer.stateDict(JSON.parse('{"copy":1}'))).toThrow(OptionError);
});

describe('what would be neither trained nor saved', () => {
  const holding = (fields: object): Module => Object.assign(new Scaled(), fields);
  const leaf = (): Tensor => ones([2]).requiresGrad_();
  const linear = (): Linear => new Linear({ inFeatures: 1, outFeatures: 1 });
  const wrap = /\n {2}Fix: wrap the tensor: new Parameter\(tensor\), or new BufferTensor\(tensor\)/;
  const list = /\n {2}Fix: put an array or a plain object \{ name: … \} in the place of the (Map|Set)/;

  test.each<[what: string, fields: () => object, message: string, fix: RegExp]>([
    [
      'a leaf with requiresGrad',
      () => ({ w: leaf() }),
      `Scaled.w: got f32[2] on ${here} with requiresGrad, which`,
      wrap,
    ],
    ['one in an array', () => ({ list: [ones([1]), leaf()] }), 'Scaled.list.1: got f32[2]', wrap],
    ['one in a plain object', () => ({ by: { name: leaf() } }), 'Scaled.by.name: got f32[2]', wrap],
    [
      'one in a Map',
      () => ({ by: new Map([['a', leaf()]]) }),
      `Scaled.by: got f32[2] on ${here} with requiresGrad in a Map`,
      wrap,
    ],
    ['one of a module below', () => ({ below: holding({ w: leaf() }) }), 'Scaled.below.w: got f32[2]', wrap],
    ['a module in a Map', () => ({ by: new Map([['a', linear()]]) }), 'Scaled.by: got Linear in a Map', list],
    [
      'a parameter in a Set',
      () => ({ all: new Set([new Parameter(ones([2]))]) }),
      `Scaled.all: got f32[2] on ${here} in a Set`,
      list,
    ],
    [
      'modules in an array in a Map',
      () => ({ by: new Map([['a', [linear()]]]) }),
      'Scaled.by: got Linear in a Map',
      list,
    ],
    [
      'a buffer in a Map in an array',
      () => ({ list: [new Map([[1, new BufferTensor(ones([2]))]])] }),
      'Scaled.list.0: got',
      list,
    ],
  ])('%s', (_, fields, message, fix) => {
    const model = holding(fields());
    for (const walk of [() => model.parameters(), () => model.stateDict(), () => model.to('cpu')]) {
      expect(walk).toThrow(OptionError);
      expect(walk).toThrow(message);
      expect(walk).toThrow(fix);
    }
    expect(inspect(model)).toContain('Scaled');
  });

  test('plain tensors, results, what is disposed of, and an index of what stands in fields may be there', () => {
    const [inner, gone] = [linear(), leaf()];
    gone.dispose();
    const model = holding({
      plain: ones([2]),
      result: leaf().mul(2),
      gone,
      layers: [inner],
      index: new Map([['inner', inner]]),
      words: new Map([['a', 1]]),
      names: new Set(['a']),
      table: new Map([['a', ones([1])]]),
    });
    Object.assign(model, { self: new Map([['me', model]]) });
    expect(Object.keys(model.stateDict())).toEqual([
      'factor',
      'count',
      'inner.weight',
      'inner.bias',
      'layers.0.weight',
      'layers.0.bias',
    ]);
    expect(model.parameters()).toHaveLength(5);
  });
});

test('the first tensor is the first parameter, without one the first buffer, and fields are read once', () => {
  class Holding extends Module {
    constructor(readonly held: unknown) {
      super();
    }
    forward(): void {}
  }
  const [first, second] = [new BufferTensor(zeros([1])), new BufferTensor(zeros([1]))];
  const parameter = new Parameter(ones([1]));
  let reads = 0;
  const counted = {
    get inner(): unknown {
      reads++;
      return new Holding([first, { second }]);
    },
  };
  expect(firstTensor(new Holding(counted))).toBe(first);
  expect(reads).toBe(1);
  expect(firstTensor(new Holding([first, [{ parameter }], second]))).toBe(parameter);
  const cycle: unknown[] = [ones([1])];
  cycle.push(cycle);
  expect(firstTensor(new Holding(cycle))).toBeUndefined();
});
