import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runInThisContext } from 'node:vm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BatchNorm1d,
  compile,
  Dropout,
  init,
  Linear,
  load,
  Module,
  noGrad,
  ones,
  OptionError,
  Parameter,
  rand,
  ReLU,
  save,
  Sequential,
  Standardize,
  synchronize,
  type Tensor,
} from 'stmnet';
import { stateOf } from '../support/state-of';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-rebuild-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

/** A model whose forward nobody calls. */
abstract class Model extends Module {
  forward(x: Tensor): Tensor {
    return x;
  }
}

const linear = (size = 2): Linear => new Linear({ inFeatures: size, outFeatures: size });

async function comesBack(model: Module): Promise<void> {
  await save(model, path);
  const classes = { [model.constructor.name]: model.constructor as new (...args: never[]) => Module };
  const copy: Module = await load(path, { classes });
  expect(copy).toBeInstanceOf(model.constructor);
  expect(await stateOf(copy)).toEqual(await stateOf(model));
}

describe('saved, and loaded again, are models', () => {
  test('whose constructor takes an optional argument that was not given', async () => {
    class Optional extends Model {
      readonly inner: Linear;
      constructor(size?: number) {
        super();
        this.inner = linear(size ?? 3);
      }
    }
    await comesBack(new Optional());
    await expect(save(new Optional(4), path)).rejects.toThrow('save: got inner.weight: f32[4, 4]');
  });

  test('whose constructor takes options apart, with defaults, and keeps them whole', async () => {
    class Apart extends Model {
      readonly options: { size: number; deep: boolean };
      readonly inner: Linear;
      readonly extra: Linear | undefined;
      constructor({ size = 2, deep = false }: { size?: number; deep?: boolean } = {}) {
        super();
        this.options = { size, deep };
        this.inner = linear(size);
        this.extra = deep ? linear(size) : undefined;
      }
    }
    for (const model of [new Apart(), new Apart({ size: 5 }), new Apart({ deep: true })]) await comesBack(model);
  });

  test('whose options have the name of the parameter that takes them', async () => {
    class Named extends Model {
      readonly options: { settings: { size: number } };
      readonly inner: Linear;
      constructor(settings: { settings: { size: number } }) {
        super();
        this.options = settings;
        this.inner = linear(settings.settings.size);
      }
    }
    await comesBack(new Named({ settings: { size: 3 } }));
  });

  test('whose class hands on what it gets, by a constructor of rest arguments with code of its own', async () => {
    class Base extends Model {
      readonly inner: Linear;
      constructor(readonly options: { size: number }) {
        super();
        this.inner = linear(options.size);
      }
    }
    class Derived extends Base {
      readonly scale: Parameter;
      constructor(...args: [{ size: number }]) {
        const [options] = args;
        super(...args);
        this.scale = new Parameter(ones([options.size]));
      }
    }
    await comesBack(new Derived({ size: 3 }));
  });

  test('whose class has no source that tells much: behind a proxy, or made small', async () => {
    class Plain extends Model {
      readonly inner = linear();
    }
    const Guarded = new Proxy(Plain, {});
    await save(new Guarded(), path);
    expect(await load(path, { classes: { Plain } })).toBeInstanceOf(Plain);
    const make: unknown = runInThisContext(
      '(M,l)=>class t extends M{constructor(e=0){super(),this.n=l()}forward(t){return t}}',
    );
    const Made = Reflect.apply(make as () => new () => Module, undefined, [Module, linear]);
    await comesBack(new Made());
  });

  test('whose constructor computes with its parameters, ties, initialises and reads them', async () => {
    const read: number[] = [];
    class Busy extends Model {
      readonly inner = linear(3);
      readonly tied = linear(3);
      readonly scale: Parameter;
      readonly ready: Promise<void>;
      constructor() {
        super();
        init.orthogonal_(this.inner.weight);
        noGrad(() => this.inner.weight.mul_(0.5));
        this.tied.weight = this.inner.weight;
        this.scale = new Parameter(noGrad(() => this.inner.weight.mul(this.inner.weight).sum()));
        this.ready = this.scale.item().then((value) => void read.push(value));
      }
    }
    const model = new Busy();
    await comesBack(model);
    await model.ready;
    await synchronize();
    expect(read.map((value) => value.toFixed(4))).toEqual(['0.7500', '0.7500', '0.7500']);
  });

  test('that count, take the time, or have changed since they were built', async () => {
    let made = 0;
    class Counting extends Model {
      readonly inner = linear();
      readonly id = ++made;
      readonly started = performance.now();
      readonly lists: number[] = [];
      steps = 0;
      rate = 0.5;
      best: number | undefined;
    }
    const model = new Counting();
    Object.assign(model, { steps: 7, rate: 0.25, best: 0.1, note: 'added' });
    model.lists.push(1);
    await comesBack(model);
  });

  test('that share a module with others, which save() leaves as it is', async () => {
    const shared = linear();
    class Sharing extends Model {
      readonly own = linear();
      readonly shared = shared;
    }
    const model = new Sharing();
    shared.weight = model.own.weight;
    await save(model, path);
    expect(shared.weight).toBe(model.own.weight);
    expect(model.parameters()).toHaveLength(3);
  });
});

describe('refused are models', () => {
  const refusal = async (model: Module): Promise<string> => {
    const error: unknown = await save(model, path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OptionError);
    return String(error);
  };

  class Deep extends Model {
    readonly first = linear();
    readonly second: Linear | undefined;
    constructor(deep = false) {
      super();
      if (deep) this.second = linear();
    }
  }

  test('with a layer that an argument asks for', async () => {
    expect(await refusal(new Deep(true))).toBe(
      'OptionError: save: got second: Linear, expected undefined, which new Deep() makes.\n' +
        "  Fix: keep the constructor's argument in a field options: this.options = options in Deep; " +
        'or build all of it without an argument; ' +
        'saveSafetensors(path, model.stateDict()) writes the tensors as they are.',
    );
    const list = Object.assign(new Deep(), { second: new ReLU() });
    expect(await refusal(list)).toContain('save: got second: ReLU, expected undefined');
    await comesBack(new Deep());
  });

  test('whose argument goes into a layer without weights, or into a field that forward reads', async () => {
    class Dropping extends Model {
      readonly drop: Dropout;
      constructor(p = 0.5) {
        super();
        this.drop = new Dropout({ p });
      }
    }
    expect(await refusal(new Dropping(0.25))).toContain(
      'save: got drop.options.p: 0.25, expected 0.5, which new Dropping() makes.',
    );
    class Keeping extends Model {
      readonly inner = linear();
      constructor(readonly rate = 0.5) {
        super();
      }
    }
    expect(await refusal(new Sequential(new Keeping(0.25)))).toContain(
      'save: got 0.rate: 0.25, expected 0.5, which new Keeping() makes.',
    );
    await comesBack(new Keeping(0.5));
  });

  test('whose constructor takes its options one by one, and does not mind others', async () => {
    class Lax extends Model {
      readonly options: { size: number; rate: number };
      readonly scale: Parameter;
      constructor(size: number, rate: number) {
        super();
        this.options = { size, rate };
        this.scale = new Parameter(ones([Number.isInteger(size) ? size : 1]));
      }
    }
    expect(await refusal(new Lax(3, 0.1))).toBe(
      'OptionError: save: got scale: f32[3] on cpu, expected f32[1] on cpu, which new Lax(options) makes.\n' +
        '  Fix: write constructor(options) { super(); this.options = options; … } in Lax, ' +
        'and build all of it from options; ' +
        'saveSafetensors(path, model.stateDict()) writes the tensors as they are.',
    );
    expect(await refusal(new Lax(1, 0.1))).toContain(
      'save: got options.size: 1, expected { size, rate }, which new Lax(options) makes',
    );
  });

  test('whose constructor throws when load() calls it, with its reason as the cause', async () => {
    class Words extends Model {
      readonly count: number;
      constructor(words: string[]) {
        super();
        this.count = words.length;
      }
    }
    const error: unknown = await save(new Words(['a']), path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OptionError);
    expect(String(error)).toBe(
      'OptionError: save: got Words, whose constructor fails as load() calls it ' +
        "(TypeError: Cannot read properties of undefined (reading 'length')), " +
        'expected new Words() to build the model that is saved.\n' +
        "  Fix: keep the constructor's argument in a field options: this.options = options in Words; " +
        "or build all of it without an argument; see the error's cause.",
    );
    expect(error).toMatchObject({ cause: { name: 'TypeError' } });
  });

  test('with a replaced, an added or a fitted part that the constructor does not make', async () => {
    class Fitted extends Model {
      readonly norm = new Standardize();
    }
    const fitted = new Fitted();
    fitted.norm.fit([[[1, 2]], [[3, 5]]]);
    expect(await refusal(fitted)).toContain('save: got norm.mean: f32[2]');
    expect(await refusal(Object.assign(new Deep(), { third: new Parameter(ones([1])) }))).toContain(
      'save: got third: f32[1]',
    );
    const wide = Object.assign(linear(), { weight: new Parameter(rand([2, 2], { dtype: 'f64' })) });
    expect(await refusal(new Sequential(wide))).toContain('save: got 0.weight: f64[2, 2]');
  });

  test('that have apart what their constructor ties', async () => {
    class Tying extends Model {
      readonly a = new BatchNorm1d({ numFeatures: 2 });
      readonly b = new BatchNorm1d({ numFeatures: 2 });
      constructor() {
        super();
        this.b.weight = this.a.weight;
      }
    }
    await comesBack(new Tying());
    const untied = new Tying();
    untied.b.weight = new Parameter(ones([2]));
    expect(await refusal(untied)).toContain(
      'save: got a.weight and b.weight: parts of their own, expected one and the same, which new Tying() makes.',
    );
  });

  test('in a step of compile()', async () => {
    const saving: Promise<void>[] = [];
    const step = compile((x: Tensor) => {
      saving.push(save(linear(), path));
      return x.mul(2);
    });
    step(ones([1]));
    await expect(saving[0]).rejects.toThrow('compile: got save() inside a compiled step');
  });
});
