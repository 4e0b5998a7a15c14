import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import {
  BufferTensor,
  Conv1d,
  DeviceError,
  Dropout,
  Embedding,
  LastStep,
  Linear,
  LSTM,
  MeanPool,
  Module,
  OptionError,
  PaddedSequence,
  Parameter,
  Sequential,
  ShapeError,
  TimeDistributed,
  noGrad,
  ones,
  randn,
  tensor,
  zeros,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { here } from '../support/devices';

class Block extends Module {
  linear = new Linear({ inFeatures: 3, outFeatures: 3 });
  forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

class Model extends Module {
  scale = new Parameter(ones([3]));
  blocks = [new Block(), new Block()];
  heads = { first: new Linear({ inFeatures: 3, outFeatures: 2 }), offset: new Parameter(zeros([2])) };
  counts = new BufferTensor(zeros([1]));
  note = 'no parameter';
  plain = ones([2]);
  forward(x: Tensor): Tensor {
    const [a, b] = this.blocks;
    return this.heads.first.forward(b?.forward(a?.forward(x.mul(this.scale)) ?? x) ?? x).add(this.heads.offset);
  }
}

const paths = (model: Module): string[] => Array.from(model.namedParameters(), ([name]) => name);

describe('fields are parameters', () => {
  test('found in fields, arrays and plain objects, in order', () => {
    const model = new Model();
    expect(paths(model)).toEqual([
      'scale',
      'blocks.0.linear.weight',
      'blocks.0.linear.bias',
      'blocks.1.linear.weight',
      'blocks.1.linear.bias',
      'heads.first.weight',
      'heads.first.bias',
      'heads.offset',
    ]);
    expect(model.parameters()).toHaveLength(8);
    expect(Array.from(model.namedBuffers(), ([name]) => name)).toEqual(['counts']);
    expect(Array.from(model.namedModules(), ([name]) => name)).toEqual([
      '',
      'blocks.0',
      'blocks.0.linear',
      'blocks.1',
      'blocks.1.linear',
      'heads.first',
    ]);
    expect(model.children()).toEqual([...model.blocks, model.heads.first]);
  });

  test('a shared parameter counts once and has both names in the state', () => {
    const model = new Model();
    const [a, b] = model.blocks;
    if (a !== undefined && b !== undefined) b.linear.weight = a.linear.weight;
    expect(paths(model)).not.toContain('blocks.1.linear.weight');
    expect(model.parameters()).toHaveLength(7);
    expect(Object.keys(model.stateDict())).toContain('blocks.1.linear.weight');
  });

  test('cycles do no harm', () => {
    class Node extends Module {
      weight = new Parameter(ones([1]));
      links: Node[] = [];
      forward(x: Tensor): Tensor {
        return x.mul(this.weight);
      }
    }
    const [a, b] = [new Node(), new Node()];
    a.links.push(b, a);
    b.links.push(a);
    expect(paths(a)).toEqual(['weight', 'links.0.weight']);
    expect(a.eval().training).toBe(false);
    expect(Object.keys(a.stateDict())).toEqual(['weight', 'links.0.weight']);
    expect(inspect(a, { depth: Infinity })).toBe('Node(\n  links.0: Node()\n)');
  });
});

describe('modes', () => {
  test('train and eval reach every module', () => {
    const model = new Model();
    expect(model.training).toBe(true);
    expect(model.eval()).toBe(model);
    expect(Array.from(model.namedModules(), ([, module]) => module.training)).toEqual([
      false,
      false,
      false,
      false,
      false,
      false,
    ]);
    model.train();
    expect(model.blocks[1]?.linear.training).toBe(true);
  });

  test('requiresGrad_ freezes', () => {
    const model = new Model();
    model.heads.first.requiresGrad_(false);
    model
      .forward(randn([4, 3]))
      .sum()
      .backward();
    expect(model.heads.first.weight.grad).toBeUndefined();
    expect(model.heads.offset.grad).toBeDefined();
  });

  test('to refuses a device that is not there', () => {
    const model = new Model();
    expect(model.to('cpu')).toBe(model);
    expect(() => model.to('cuda:7')).toThrow(DeviceError);
    expect(() => model.to('cuda:7')).toThrow(/^Model\.to: got 'cuda:7', expected one of: cpu/);
  });

  test('a parameter holds floating numbers', () => {
    expect(() => new Parameter(tensor([1], { dtype: 'i32' }))).toThrow(
      `Parameter: got i32[1] on ${here}, expected f32 or f64`,
    );
  });
});

describe('state dict', () => {
  test('copies values in, in place', async () => {
    const [from, to] = [new Model(), new Model()];
    const weight = to.blocks[0]?.linear.weight;
    expect(to.loadStateDict(from.stateDict())).toEqual({ missing: [], unexpected: [] });
    expect(to.blocks[0]?.linear.weight).toBe(weight);
    expect(await weight?.data()).toEqual(await from.blocks[0]?.linear.weight.data());
    expect(weight?.requiresGrad).toBe(true);
  });

  test('has no history', () => {
    expect(Object.values(new Model().stateDict()).some((value) => value.requiresGrad)).toBe(false);
  });

  test('lists everything that does not fit, and copies nothing', async () => {
    const model = new Model();
    const before = await model.heads.offset.data();
    const { scale, ...state } = model.stateDict();
    const odd = { ...state, extra: scale ?? ones([1]), 'heads.offset': ones([2]), 'blocks.0.linear.bias': ones([4]) };
    expect(() => model.loadStateDict(odd)).toThrow(ShapeError);
    expect(() => model.loadStateDict(odd)).toThrow(
      'Model.loadStateDict: got a state dict without scale; with unexpected extra; ' +
        `with blocks.0.linear.bias as f32[4] on ${here} for f32[3] on ${here}, ` +
        'expected the names and shapes of the model.',
    );
    expect(() => model.loadStateDict(odd, { strict: false })).toThrow('with blocks.0.linear.bias as f32[4]');
    expect(await model.heads.offset.data()).toEqual(before);
  });

  test('without strict, says what was missing and unexpected', async () => {
    const model = new Model();
    expect(model.loadStateDict({ scale: tensor([1, 2, 3]), extra: ones([1]) }, { strict: false })).toEqual({
      missing: Object.keys(model.stateDict()).filter((name) => name !== 'scale'),
      unexpected: ['extra'],
    });
    expect(await model.scale.array()).toEqual([1, 2, 3]);
  });

  test('unknown options are errors', () => {
    const options: object = { strcit: false };
    expect(() => new Model().loadStateDict({}, options)).toThrow(
      'Model.loadStateDict: got an option strcit, expected only strict.\n  Fix: write strict',
    );
  });

  test.each<[what: string, state: unknown, message: string]>([
    [
      'a promise',
      Promise.resolve({}),
      'got a Promise, expected a state dict, an object of tensors by name.\n' +
        '  Fix: await it: model.loadStateDict(await loadSafetensors(path)).',
    ],
    [
      'a module',
      new Block(),
      'got a module, Block, expected a state dict, an object of tensors by name.\n' +
        '  Fix: pass the state of that module: other.stateDict().',
    ],
    ['a map', new Map(), 'Fix: make an object of it: Object.fromEntries(map).'],
    ['nothing', undefined, 'got undefined, expected a state dict'],
    ['a path', 'model.safetensors', 'got "model.safetensors", expected a state dict'],
  ])('refuses %s', (_, state, message) => {
    const model = new Model();
    const attempt = (): unknown =>
      Reflect.apply(Reflect.get(model, 'loadStateDict'), model, [state, { strict: false }]);
    expect(attempt).toThrow(OptionError);
    expect(attempt).toThrow(message);
  });

  test('f64 values go into f32 parameters', async () => {
    const model = new Model();
    model.loadStateDict({ scale: tensor([1, 2, 3], { dtype: 'f64' }) }, { strict: false });
    expect(await model.scale.array()).toEqual([1, 2, 3]);
  });

  test('of a tied parameter one name is enough', () => {
    const model = new Model();
    const [a, b] = model.blocks;
    if (a !== undefined && b !== undefined) b.linear.weight = a.linear.weight;
    const { 'blocks.1.linear.weight': second, ...state } = model.stateDict();
    expect(second?.shape).toEqual([3, 3]);
    expect(model.loadStateDict(state)).toEqual({ missing: [], unexpected: [] });
  });
});

describe('forward hooks', () => {
  test('see every call, in order, and may replace the output', async () => {
    const block = new Block();
    const seen: unknown[] = [];
    const x = ones([1, 3]);
    const first = block.registerForwardHook((module, inputs, output) => {
      seen.push(module, ...inputs, output);
    });
    block.registerForwardHook(() => zeros([1, 1]));
    const result = block.forward(x);
    expect(await result.array()).toEqual([[0]]);
    expect(seen[0]).toBe(block);
    expect(seen[1]).toBe(x);
    expect(seen).toHaveLength(3);
    first();
    block.forward(x);
    expect(seen).toHaveLength(3);
  });

  test('run once where a class extends another', () => {
    class Louder extends Block {
      override forward(x: Tensor): Tensor {
        return super.forward(x).mul(2);
      }
    }
    const module = new Louder();
    const hook = vi.fn<() => void>();
    module.registerForwardHook(hook);
    module.forward(ones([1, 3]));
    expect(hook).toHaveBeenCalledTimes(1);
  });

  test('need a method', () => {
    class Arrow extends Module {
      override forward = (x: Tensor): Tensor => x;
    }
    expect(() => new Arrow().registerForwardHook(() => undefined)).toThrow(OptionError);
    expect(() => new Arrow().registerForwardHook(() => undefined)).toThrow(
      'Arrow.registerForwardHook: got a module whose forward is a field, expected a method',
    );
    const outer = Object.assign(new Block(), { inner: new Arrow() });
    expect(() => outer.summary()).toThrow(OptionError);
    expect(() => outer.summary()).toThrow(
      'Arrow.summary: got a module whose forward is a field, expected a method.\n' +
        '  Fix: write forward(x) { … } in place of forward = (x) => ….',
    );
  });

  test('a forward assigned in the constructor is a field too', () => {
    class Assigned extends Module {
      declare forward: (x: Tensor) => Tensor;
      constructor() {
        super();
        this.forward = (x) => x;
      }
    }
    expect(() => new Assigned().registerForwardHook(() => undefined)).toThrow(
      'Assigned.registerForwardHook: got a module whose forward is a field',
    );
  });

  test('a module without forward says so when it is called', () => {
    class Bare extends Module {
      declare forward: (x: Tensor) => Tensor;
    }
    expect(() => new Bare().forward(ones([1]))).toThrow(OptionError);
    expect(() => new Bare().forward(ones([1]))).toThrow(
      'Bare.forward: got a module without forward, expected a method forward, which computes the output.\n' +
        '  Fix: write forward(x) { … } in class Bare.',
    );
    expect(() => new Bare().registerForwardHook(() => undefined)).not.toThrow();
  });
});

describe('what a model prints', () => {
  test('a forward may dispose of its input', async () => {
    class Doubled extends Module {
      forward(x: Tensor): Tensor {
        const y = x.mul(2);
        x.dispose();
        return y;
      }
    }
    const model = new Doubled();
    expect(await model.forward(ones([2])).array()).toEqual([2, 2]);
    expect(model.outputShape).toBe('[2]');
  });

  test('summary: a row a module, shared parameters once', () => {
    const model = new Sequential(
      new LSTM({ inputSize: 2, hiddenSize: 4, bidirectional: true }),
      new Dropout(),
      new Linear({ inFeatures: 8, outFeatures: 1000 }),
    );
    noGrad(() => model.forward(new PaddedSequence(ones([3, 5, 2]), [1, 5, 2])));
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    model.summary();
    const printed = String(write.mock.calls[0]?.[0]);
    write.mockRestore();
    expect(printed.split('\n')).toEqual([
      'name     class       output shape  parameters',
      '---------------------------------------------',
      '(model)  Sequential  [N, T, 1000]           0',
      '0        LSTM        [N, T, 8]            256',
      '1        Dropout     [N, T, 8]              0',
      '2        Linear      [N, T, 1000]       9,000',
      '---------------------------------------------',
      '9,256 parameters, 9,256 trainable',
      '',
    ]);
  });

  test('summary before the first run, with a tie and a frozen part', () => {
    const model = new Model();
    const [a, b] = model.blocks;
    if (a !== undefined && b !== undefined) b.linear.weight = a.linear.weight;
    model.heads.first.requiresGrad_(false);
    const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
    model.summary();
    const printed = String(write.mock.calls[0]?.[0]);
    write.mockRestore();
    expect(printed).toContain('(model)          Model   not run yet            5');
    expect(printed).toContain('blocks.1.linear  Linear  not run yet            3');
    expect(printed).toContain('28 parameters, 20 trainable');
  });

  test.each<[what: string, model: () => Module, input: () => Sequence, shapes: string[]]>([
    [
      'tensors',
      () =>
        new Sequential(
          new LSTM({ inputSize: 2, hiddenSize: 3 }),
          new LastStep(),
          new Linear({ inFeatures: 3, outFeatures: 5 }),
        ),
      () => ones([4, 5, 2]),
      ['[N, 5]', '[N, T, 3]', '[N, 3]', '[N, 5]'],
    ],
    [
      'indices',
      () => new Sequential(new Embedding({ numEmbeddings: 9, embeddingDim: 5 }), new MeanPool()),
      () => zeros([4, 5], { dtype: 'i32' }),
      ['[N, 5]', '[N, T, 5]', '[N, 5]'],
    ],
    [
      'steps one by one',
      () => new TimeDistributed(new Linear({ inFeatures: 2, outFeatures: 6 })),
      () => new PaddedSequence(ones([3, 4, 2]), [1, 4, 2]),
      ['[N, T, 6]', '[N, 6]'],
    ],
    [
      'time first',
      () => new LSTM({ inputSize: 2, hiddenSize: 3, batchFirst: false }),
      () => ones([4, 5, 2]),
      ['[T, N, 3]'],
    ],
    ['no batch', () => new LSTM({ inputSize: 2, hiddenSize: 3 }), () => ones([4, 2]), ['[T, 3]']],
    [
      'steps that become fewer',
      () => new Conv1d({ inChannels: 2, outChannels: 3, kernelSize: 3 }),
      () => ones([4, 9, 2]),
      ['[N, 7, 3]'],
    ],
  ])('summary names the batch and time of %s', (_, make, input, shapes) => {
    const model = make();
    noGrad(() => Reflect.apply(Reflect.get(model, 'forward'), model, [input()]));
    expect(Array.from(model.namedModules(), ([, module]) => module.symbolicShape)).toEqual(shapes);
  });

  test('the output shape itself has numbers', () => {
    const layer = new Linear({ inFeatures: 2, outFeatures: 3 });
    expect(layer.outputShape).toBeUndefined();
    layer.forward(ones([7, 2]));
    expect([layer.outputShape, layer.symbolicShape]).toEqual(['[7, 3]', '[N, 3]']);
  });

  test('inspect shows classes, options and paths', () => {
    const options = "{ inFeatures: 3, outFeatures: 3, bias: true, dtype: 'f32' }";
    expect(inspect(new Block())).toBe(`Block(\n  linear: Linear(${options})\n)`);
    expect(inspect([new Parameter(ones([2]))])).toBe(`[ Parameter f32[2] on ${here}, requires grad ]`);
  });
});

test('a container runs modules of the user’s', async () => {
  class Twice extends Module {
    forward(x: Sequence): Sequence {
      return x instanceof PaddedSequence ? x.map((values) => values.mul(2)) : x.mul(2);
    }
  }
  const output = new Sequential(new Twice(), new Twice()).forward(ones([1, 2]));
  expect(await output.array()).toEqual([[4, 4]]);
});

test('train takes the mode, as in PyTorch', () => {
  const model = new Model();
  expect(model.train(false)).toBe(model);
  expect([...model.namedModules()].map(([, module]) => module.training)).not.toContain(true);
  expect([...model.train(true).namedModules()].map(([, module]) => module.training)).not.toContain(false);
  expect(model.eval().train(undefined).training).toBe(true);
  expect(() => model.train(JSON.parse('0'))).toThrow('Model.train: got mode: 0, expected true or false for mode.');
});
