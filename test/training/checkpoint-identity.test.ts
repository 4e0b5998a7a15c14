import { spawnSync } from 'node:child_process';
import { chmod, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  Adam,
  AdamW,
  CrossEntropyLoss,
  DataLoader,
  Dropout,
  EarlyStopping,
  FileError,
  LastStep,
  Linear,
  LSTM,
  OptionError,
  Sequential,
  StepLR,
  Trainer,
  crossEntropy,
  loadCheckpoint,
  saveCheckpoint,
  tensor,
  type FitOptions,
  type Tensor,
} from 'stmnet';
import { items } from '../support/trainers';

let root = '';
let folder = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'stmnet-identity-'));
  folder = join(root, 'run', 'checkpoints');
  await make().fit(loader(), options());
});
afterAll(() => rm(root, { recursive: true }));

interface Settings {
  hiddenSize?: number;
  p?: number;
  learningRate?: number;
  gamma?: number;
  clipGradNorm?: number;
  smoothing?: number;
  optimizer?: typeof Adam | typeof AdamW;
}

function make(settings: Settings = {}): Trainer {
  const { hiddenSize = 4, p = 0.1, learningRate = 1e-2, gamma = 0.5, clipGradNorm, smoothing = 0 } = settings;
  const model = new Sequential(
    new LSTM({ inputSize: 2, hiddenSize }),
    new LastStep(),
    new Dropout({ p }),
    new Linear({ inFeatures: hiddenSize, outFeatures: 2 }),
  );
  const optimizer = new (settings.optimizer ?? Adam)(model.parameters(), { learningRate });
  return new Trainer({
    model,
    loss: new CrossEntropyLoss({ labelSmoothing: smoothing }),
    optimizer,
    schedule: new StepLR(optimizer, { stepSize: 2, gamma }),
    ...(clipGradNorm === undefined ? {} : { clipGradNorm }),
  });
}

const loader = (given = items, batchSize = 20): DataLoader<(typeof items)[number]> =>
  new DataLoader(given, { batchSize, shuffle: true });
const options = (more: Partial<FitOptions> = {}): FitOptions => ({
  epochs: 1,
  progress: false,
  validation: loader(items.slice(0, 20)),
  checkpoints: { folder },
  ...more,
});

const path = (): string => join(folder, 'step-000000003.safetensors');

describe('resume is refused', () => {
  const cases: [
    what: string,
    differences: string,
    settings: Settings,
    data?: () => DataLoader<(typeof items)[number]>,
  ][] = [
    ['a model of another size', 'model.children.0.options.hiddenSize: 5, there 4;', { hiddenSize: 5 }],
    ['a model with other settings', '(model.children.2.options.p: 0.2, there 0.1)', { p: 0.2 }],
    ['another optimizer', '(optimizer.class: "AdamW", there "Adam";', { optimizer: AdamW }],
    ['another learning rate', '(optimizer.groups.0.learningRate: 0.001, there 0.01)', { learningRate: 1e-3 }],
    ['another schedule', '(schedule.rates.after 2 steps: 0.1, there 0.5)', { gamma: 0.1 }],
    ['another loss', '(loss.options.labelSmoothing: 0.1, there 0)', { smoothing: 0.1 }],
    ['another limit of gradients', '(trainer.clipGradNorm: 1, there nothing)', { clipGradNorm: 1 }],
    ['other data', 'data.content: ', {}, () => loader(items.map((item) => ({ ...item, target: 1 - item.target })))],
    ['fewer data', '(59 examples here, 60 there)', {}, () => loader(items.slice(1))],
    ['other batches', '(data.batchSize: 10, there 20)', {}, () => loader(items, 10)],
  ];

  test.each(cases)('with %s, and nothing changes', async (_, differences, settings, data = loader) => {
    const trainer = make(settings);
    const before = await trainer.model.parameters()[0]?.data();
    const training = trainer.fit(data(), options({ epochs: 2, resume: true }));
    await expect(training).rejects.toThrow(OptionError);
    await expect(training).rejects.toThrow(`Trainer.fit: got resume with another training than that of ${path()} (`);
    await expect(training).rejects.toThrow(differences);
    await expect(training).rejects.toThrow(
      'expected the data, model and options that the checkpoint was made with.\n' +
        '  Fix: make them as they were; or begin anew in another folder, with the weights and the optimizer there if ' +
        'they fit: await loadCheckpoint(path, { model, optimizer }), and after it set another learningRate in ' +
        'optimizer.groups.',
    );
    expect(await trainer.model.parameters()[0]?.data()).toEqual(before);
    expect([trainer.steps, await readdir(folder)]).toEqual([0, ['step-000000003.safetensors']]);
  });

  test('but the optimizer goes on as the message says, by another learning rate', async () => {
    const { model, optimizer } = make();
    await loadCheckpoint(path(), { model, optimizer });
    expect(optimizer.stateDict().steps).toBe(3);
    expect(Object.keys(optimizer.stateDict().state)).not.toEqual([]);
    for (const group of optimizer.groups) group.learningRate = 1e-3;
    const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer });
    await trainer.fit(loader(), options({ checkpoints: { folder: await mkdtemp(join(root, 'anew-')) } }));
    expect(optimizer.stateDict().steps).toBe(6);
    expect(trainer.history.last?.learningRate).toBe(1e-3);
  });

  test('with a validation of other data, or none', async () => {
    const validation = loader(items.slice(0, 21));
    await expect(make().fit(loader(), options({ resume: true, validation }))).rejects.toThrow(
      '(validated on 21 here, on 20 there)',
    );
    const { validation: _, ...without } = options({ resume: true });
    await expect(make().fit(loader(), without)).rejects.toThrow('(validated on none here, on 20 there)');
    await expect(make().fit(loader(), without)).rejects.toThrow(
      'Fix: pass the validation, too, which stmnet train holds back from the examples; make them as they were; or',
    );
    await expect(make({ gamma: 0.1, learningRate: 1e-3 }).fit(loader(items.slice(1)), without)).rejects.toThrow(
      '(59 examples here, 60 there; validated on none here, on 20 there; optimizer.groups.0.learningRate: 0.001, there',
    );
  });

  test('with a callback that changes the training, or without one, or with another one', async () => {
    const changing = (identity: Record<string, unknown>): Partial<FitOptions> => ({
      callbacks: [{ onStep: () => undefined, identity: () => identity }],
    });
    const own = { folder: await mkdtemp(join(root, 'changing-')) };
    await expect(make().fit(loader(), options({ resume: true, ...changing({ decay: 0.5 }) }))).rejects.toThrow(
      '(callbacks.Object.decay: 0.5, there nothing)',
    );
    await make().fit(loader(), options({ checkpoints: own, ...changing({ decay: 0.5 }) }));
    await expect(make().fit(loader(), options({ checkpoints: own, resume: true }))).rejects.toThrow(
      '(callbacks.Object.decay: nothing, there 0.5)',
    );
    const other = options({ checkpoints: own, resume: true, ...changing({ decay: 0.9 }) });
    await expect(make().fit(loader(), other)).rejects.toThrow('(callbacks.Object.decay: 0.9, there 0.5)');
  });

  test('by a checkpoint of a loop of one’s own', async () => {
    const own = await mkdtemp(join(root, 'own-'));
    await saveCheckpoint(join(own, 'step-000000001.safetensors'), { epoch: 3 });
    await expect(make().fit(loader(), options({ resume: true, checkpoints: { folder: own } }))).rejects.toThrow(
      `${join(own, 'step-000000001.safetensors')}, which saveCheckpoint() wrote, expected a checkpoint of fit`,
    );
  });
});

test('class weights and big integers among the options of a loss are kept and compared', async () => {
  const place = await mkdtemp(join(root, 'weights-'));
  const fit = (loss: CrossEntropyLoss | Own, more: Partial<FitOptions> = {}): Promise<unknown> => {
    const { model, optimizer } = make();
    const training = new Trainer({ model, optimizer, loss });
    return training.fit(loader(), options({ checkpoints: { folder: place }, ...more }));
  };
  const weight = tensor([1, 3]);
  await fit(new CrossEntropyLoss({ weight }));
  await fit(new CrossEntropyLoss({ weight }), { epochs: 2, resume: true });
  await expect(fit(new CrossEntropyLoss(), { resume: true })).rejects.toThrow(
    '(loss.options.weight: nothing, there "f32[2]")',
  );
  class Own {
    readonly options: Record<string, unknown>;

    constructor(size: bigint) {
      this.options = { size, limit: Infinity, sizes: [1n, undefined] };
      this.options['all'] = [this.options];
    }

    forward(output: Tensor, target: Tensor): Tensor {
      return crossEntropy(output, target);
    }
  }
  const more = { checkpoints: { folder: await mkdtemp(join(root, 'own-loss-')) } };
  await fit(new Own(3n), more);
  await fit(new Own(3n), { ...more, epochs: 2, resume: true });
  await expect(fit(new Own(4n), { ...more, resume: true })).rejects.toThrow('(loss.options.size: "4n", there "3n")');
});

describe('a folder is refused', () => {
  test('that has checkpoints of an earlier training', async () => {
    await expect(make().fit(loader(), options())).rejects.toThrow(
      `Trainer.fit: got a folder with checkpoints of an earlier training (${path()}), expected an empty one, where ` +
        'the training is not to go on from there.\n' +
        '  Fix: pass resume: true to go on, or another folder, or remove this one.',
    );
  });

  test('and nobody listens to standard error afterwards', async () => {
    const listeners = process.stderr.listenerCount('error');
    await expect(make().fit(loader(), options({ progress: true }))).rejects.toThrow('got a folder with checkpoints');
    await setImmediate();
    expect(process.stderr.listenerCount('error')).toBe(listeners);
  });

  test('that is in use', async () => {
    const busy = await mkdtemp(join(root, 'busy-'));
    const [first, second] = [make(), make()];
    const refused = async (): Promise<void> =>
      expect(second.fit(loader(), options({ checkpoints: { folder: busy }, resume: true }))).rejects.toThrow(
        `Trainer.fit: got ${busy}, which is in use by process ${process.pid}`,
      );
    await first.fit(loader(), options({ checkpoints: { folder: busy }, callbacks: [{ onStart: refused }] }));
    await second.fit(loader(), options({ checkpoints: { folder: busy }, resume: true }));
  });

  test('no longer once what was wrong is mended', async () => {
    const place = await mkdtemp(join(root, 'mended-'));
    const trainer = make();
    const odd = {
      get options(): never {
        throw new Error('no options');
      },
      forward: (output: Tensor, target: Tensor): Tensor => crossEntropy(output, target),
    };
    const { model, optimizer } = trainer;
    const failing = new Trainer({ model, optimizer, loss: odd });
    await expect(failing.fit(loader(), options({ checkpoints: { folder: place } }))).rejects.toThrow('no options');
    await trainer.fit(loader(), options({ checkpoints: { folder: place } }));
    expect(await readdir(place)).toEqual(['step-000000003.safetensors']);
  });

  test('that cannot be made or written', async () => {
    const file = join(root, 'file');
    await writeFile(file, '');
    const fit = (place: string): Promise<unknown> => make().fit(loader(), options({ checkpoints: { folder: place } }));
    await expect(fit(join(file, 'run'))).rejects.toMatchObject({ name: 'FileError', code: 'ENOTDIR' });
    await expect(fit(file)).rejects.toMatchObject({ name: 'FileError', code: 'EEXIST' });
    await expect(fit(file)).rejects.toThrow('Fix: give the path of a folder: a file is in its place.');
    if (process.getuid?.() === 0) return; // who may write everywhere
    const closed = join(root, 'closed');
    await mkdir(closed);
    await chmod(closed, 0o500);
    await expect(fit(closed)).rejects.toThrow(FileError);
  });

  test('when the disk is full: the training breaks off, and goes on from the last whole checkpoint', async () => {
    const small = await mkdtemp(join(root, 'small-'));
    // No file of the child may grow beyond 8 blocks of 512 bytes, which is less than a checkpoint.
    const script = `
      const { readdirSync } = require('node:fs');
      const { CrossEntropyLoss, DataLoader, Linear, SGD, Trainer } = require('stmnet');
      const model = new Linear({ inFeatures: 2, outFeatures: 700 });
      const optimizer = new SGD(model.parameters(), { learningRate: 1 });
      const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer });
      const loader = new DataLoader([{ input: [1, 2], target: 0 }]);
      trainer.fit(loader, { epochs: 3, progress: false, checkpoints: { folder: process.argv[1] } }).catch((error) => {
        const left = readdirSync(process.argv[1]);
        console.log(JSON.stringify([error.name, error.code, error.message, trainer.steps, left]));
      });`;
    const child = spawnSync('sh', ['-c', 'ulimit -f 8; exec "$0" -e "$1" "$2"', process.execPath, script, small], {
      encoding: 'utf8',
    });
    const [name, code, message, steps, left] = JSON.parse(child.stdout) as unknown[];
    expect({ name, code, left }).toEqual({ name: 'FileError', code: 'EFBIG', left: [] });
    expect(steps).toBeLessThanOrEqual(2); // it is written beside the next step
    expect(message).toContain(
      `Trainer.fit: got ${join(small, 'step-000000001.safetensors')}, of which the system says`,
    );
    expect(message).toContain('. The model in memory is that of the last step.');
  });
});

describe('options', () => {
  const untyped = (given: object): Promise<unknown> => make().fit(loader(), { ...options(), ...given } as FitOptions);

  /** The same with a folder of its own in the place of `x`. */
  const within = (place: string, given: { checkpoints?: unknown }): object =>
    typeof given.checkpoints === 'object' && 'folder' in (given.checkpoints ?? {})
      ? { ...given, checkpoints: { ...given.checkpoints, folder: place } }
      : given;

  test.each<[given: { checkpoints?: unknown; [name: string]: unknown }, message: string]>([
    [
      { checkpoints: undefined, resume: true },
      'got resume without checkpoints, expected a folder of checkpoints to go on',
    ],
    [{ checkpoints: 'run' }, "Fix: pass an object of options: checkpoints: { folder: 'run/checkpoints' }"],
    [{ checkpoints: {} }, 'got undefined as path, expected the name of a file, a string'],
    [{ checkpoints: { folder: 'x', every: 3 } }, 'every'],
    [{ checkpoints: { folder: 'x', everySteps: 0 } }, 'everySteps: 0'],
    [{ checkpoints: { folder: 'x', keep: 0 } }, 'keep: 0'],
    [
      { checkpoints: { folder: 'x', best: 'validation.loss' } },
      "Fix: pass an object of options: best: { figure: 'valid",
    ],
    [{ checkpoints: { folder: 'x', best: { figure: 7 } } }, 'got figure: 7, expected the name of a figure'],
    [{ checkpoints: { folder: 'x', best: { figure: 'validation.f1' } } }, 'validation.f1'],
    [{ checkpoints: { folder: 'x', best: { figure: 'validation.loss', mode: 'up' } } }, 'mode: "up"'],
    [{ checkpoints: { folder: 'x', restoreBest: true } }, 'got checkpoints with restoreBest and no best'],
    [
      {
        checkpoints: { folder: 'x', best: { figure: 'train.loss' }, restoreBest: true },
        callbacks: [new EarlyStopping({ figure: 'train.loss', restoreBest: true })],
      },
      'Trainer.fit: got restoreBest of checkpoints and of EarlyStopping, expected one choice of the weights at the ' +
        'end.\n  Fix: leave restoreBest out of one of the two.',
    ],
  ])('%j are refused before the first step', async (given, message) => {
    const place = join(await mkdtemp(join(root, 'options-')), 'x');
    await expect(untyped(within(place, given))).rejects.toThrow(OptionError);
    await expect(untyped(within(place, given))).rejects.toThrow(message);
    await expect(readdir(place)).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
