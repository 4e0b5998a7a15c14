import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import {
  DeviceError,
  Module,
  OptionError,
  PaddedSequence,
  Parameter,
  Sequential,
  ones,
  randn,
  tensor,
  zeros,
  type Sequence,
  type Tensor,
} from 'stmnet';
import { here } from '../support/devices';
import { Block, Model } from '../support/block-model';

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
    expect(() => model.to('cuda:7')).toThrow(/^Model\.to: got device 'cuda:7', expected one of: cpu/);
  });

  test('a parameter holds floating numbers', () => {
    expect(() => new Parameter(tensor([1], { dtype: 'i32' }))).toThrow(
      `Parameter: got i32[1] on ${here}, expected f32 or f64`,
    );
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
