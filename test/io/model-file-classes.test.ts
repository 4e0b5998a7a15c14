import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  BatchNorm1d,
  BufferTensor,
  Embedding,
  FormatError,
  Linear,
  MeanPool,
  Module,
  OptionError,
  ReLU,
  Residual,
  Sequential,
  load,
  manualSeed,
  ones,
  Parameter,
  rand,
  save,
  tensor,
} from 'stmnet';
import type { PaddedSequence, Tensor } from 'stmnet';
import { stateOf } from '../support/state-of';

let folder = '';
let path = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stmnet-model-'));
  path = join(folder, 'model.safetensors');
});
afterAll(() => rm(folder, { recursive: true }));

class Tagger extends Module {
  readonly options: { tags: number };
  readonly embedding = new Embedding({ numEmbeddings: 10, embeddingDim: 4 });
  readonly head: Linear;

  constructor(options: { tags: number }) {
    super();
    this.options = options;
    this.head = new Linear({ inFeatures: 4, outFeatures: options.tags });
  }

  forward(words: Tensor): Tensor {
    return this.head.forward(this.embedding.forward(words));
  }
}

class Average extends Module {
  readonly pool = new MeanPool();

  forward(input: PaddedSequence): Tensor {
    return this.pool.forward(input);
  }
}

describe('classes of the user', () => {
  test('are rebuilt with their options, inside containers too', async () => {
    await save(new Tagger({ tags: 3 }), path);
    const tagger = await load<Tagger>(path, { classes: { Tagger } });
    expect(tagger).toBeInstanceOf(Tagger);
    expect(tagger.head.weight.shape).toEqual([3, 4]);
    await save(new Sequential(new Linear({ inFeatures: 2, outFeatures: 5 }), new Average()), path);
    expect((await load<Sequential>(path, { classes: { Average } }))[1]).toBeInstanceOf(Average);
  });

  test('that are not passed are named', async () => {
    await save(new Tagger({ tags: 3 }), path);
    const error: unknown = await load(path).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(FormatError);
    expect(String(error)).toBe(
      `FormatError: load: got a model that holds a Tagger in ${path}, ` +
        'expected a class of stmnet or one that is passed.\n' +
        '  Fix: load(path, { classes: { Tagger } }).',
    );
  });

  test('must have options that a file can carry, and a name', async () => {
    const odd = new Tagger({ tags: 3 });
    Object.assign(odd.options, { callback: () => 1 });
    await expect(save(odd, path)).rejects.toThrow(
      /save: got Tagger with options\.callback: function callback, expected options that JSON can carry[\s\S]*Fix:/,
    );
    Object.assign(odd.options, { callback: [1, { deep: Number.NaN }] });
    await expect(save(odd, path)).rejects.toThrow(/options\.callback\[1\]\.deep: NaN/);
    Object.assign(odd.options, { callback: tensor([1]) });
    await expect(save(odd, path)).rejects.toThrow(OptionError);
    const Nameless = ((): typeof Average => class extends Average {})();
    await expect(save(new Nameless(), path)).rejects.toThrow(/class without a name[\s\S]*Fix: write class Tagger/);
  });
});

/** Takes a number and keeps it under another name than options. */
class Sized extends Module {
  readonly linear: Linear;
  constructor(readonly width = 3) {
    super();
    this.linear = new Linear({ inFeatures: width, outFeatures: width });
  }
  forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

/** Builds a Sized itself, so that nobody else has to. */
class Holder extends Module {
  readonly inner = new Sized(5);
  forward(x: Tensor): Tensor {
    return this.inner.forward(x);
  }
}

describe('constructors of the user', () => {
  test('whose argument no field options keeps are refused by save, alone and in a container', async () => {
    const message = (at: string): string =>
      `save: got ${at}linear.weight: f32[4, 4] on cpu, expected f32[3, 3] on cpu, which new Sized() makes.\n` +
      "  Fix: keep the constructor's argument in a field options: this.options = options in Sized; " +
      'or build all of it without an argument; ' +
      'saveSafetensors(path, model.stateDict()) writes the tensors as they are.';
    const inside = new Sequential(new ReLU(), new Residual(new Sized(4)));
    for (const [model, at] of [[new Sized(4), ''] as const, [inside, '1.module.'] as const]) {
      await expect(save(model, path)).rejects.toBeInstanceOf(OptionError);
      await expect(save(model, path)).rejects.toThrow(message(at));
    }
  });

  test('whose argument has a default are saved where that builds the same', async () => {
    await save(new Sized(3), path);
    expect((await load(path, { classes: { Sized } })).linear.weight.shape).toEqual([3, 3]);
  });

  test('that another class of the user’s calls may take what they like', async () => {
    await save(new Holder(), path);
    const copy = await load<Holder>(path, { classes: { Holder } });
    expect(copy.inner.linear.weight.shape).toEqual([5, 5]);
  });

  test('that throw are named with their reason, and the file is not blamed', async () => {
    await save(new Tagger({ tags: 3 }), path);
    const failing = class Tagger extends Module {
      constructor() {
        super();
        throw new TypeError('no vocabulary.');
      }
      forward(x: Tensor): Tensor {
        return x;
      }
    };
    const error: unknown = await load(path, { classes: { Tagger: failing } }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(OptionError);
    expect(String(error)).toBe(
      `OptionError: load: got Tagger, whose constructor fails (TypeError: no vocabulary), in ${path}, ` +
        'expected new Tagger(options) to build the model that was saved.\n' +
        "  Fix: keep the constructor's argument in a field options of Tagger before saving, " +
        "and let the constructor take it; see the error's cause.",
    );
    expect(error).toMatchObject({ cause: { name: 'TypeError', message: 'no vocabulary.' } });
  });
});

/** Takes its settings one by one. */
class Apart extends Module {
  readonly linear: Linear;
  readonly options: unknown;
  constructor(n: number, k: number, asList = false) {
    super();
    this.options = asList ? [n, k] : { n, k };
    this.linear = new Linear({ inFeatures: n, outFeatures: k });
  }
  forward(x: Tensor): Tensor {
    return this.linear.forward(x);
  }
}

test('options that the constructor takes one by one are refused by save', async () => {
  const message = (given: string): string =>
    `save: got Apart, whose constructor fails as load() calls it (OptionError: Linear: got inFeatures: ${given}, ` +
    'expected a whole number of at least 1 for inFeatures), ' +
    'expected new Apart(options) to build the model that is saved.\n' +
    '  Fix: write constructor(options) { super(); this.options = options; … } in Apart, ' +
    "and build all of it from options; see the error's cause.";
  for (const model of [new Apart(2, 3), new Sequential(new Apart(2, 3))]) {
    await expect(save(model, path)).rejects.toThrow(message('{ n, k }'));
  }
  await expect(save(new Apart(2, 3, true), path)).rejects.toThrow(message('[2, 3]'));
});

/** Its constructor replaces a parameter, as a derived class may; so does the constructor of the copy. */
class Wider extends Module {
  scale = new Parameter(ones([2]));
  constructor() {
    super();
    this.scale = new Parameter(ones([3]));
  }
  forward(x: Tensor): Tensor {
    return x.mul(this.scale);
  }
}

describe('parameters that the options do not tell of', () => {
  const linear = (): Linear => new Linear({ inFeatures: 2, outFeatures: 3 });

  test.each<[what: string, model: () => Module, message: RegExp]>([
    [
      'another shape',
      () => Object.assign(linear(), { weight: new Parameter(ones([3, 4])) }),
      /save: got weight: f32\[3, 4\].*, expected f32\[3, 2\].* which the options/,
    ],
    ['undefined', () => Object.assign(linear(), { bias: undefined }), /save: got bias: undefined, expected f32\[3\]/],
    [
      'another shape, in a container',
      () => new Sequential(new ReLU(), Object.assign(linear(), { bias: new Parameter(ones([1])) })),
      /save: got 1\.bias: f32\[1\]/,
    ],
    [
      'another shape, in a class of the user’s',
      () => Object.assign(new Wider(), { scale: new Parameter(ones([4])) }),
      /save: got scale: f32\[4\].*, expected f32\[3\]/,
    ],
    [
      'another shape of a buffer',
      () => Object.assign(new BatchNorm1d({ numFeatures: 2 }), { running_mean: new BufferTensor(ones([3])) }),
      /save: got running_mean: f32\[3\]/,
    ],
  ])('%s: refused by save', async (_, model, message) => {
    const made = model();
    manualSeed(4);
    const next = await rand([3]).data();
    manualSeed(4);
    await expect(save(made, path)).rejects.toBeInstanceOf(OptionError);
    await expect(save(made, path)).rejects.toThrow(message);
    expect(await rand([3]).data()).toEqual(next);
  });

  test('of the shape that they make are saved, whoever replaced them', async () => {
    const model = Object.assign(linear(), { weight: new Parameter(ones([3, 2])) });
    await save(model, path);
    expect(await stateOf(await load<Module>(path))).toEqual(await stateOf(model));
    await save(Object.assign(new Wider(), { scale: new Parameter(tensor([1, 2, 3])) }), path);
    expect(await (await load(path, { classes: { Wider } })).scale.data()).toEqual(Float32Array.of(1, 2, 3));
  });
});
