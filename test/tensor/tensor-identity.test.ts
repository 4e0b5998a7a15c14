import { inspect } from 'node:util';
import { describe, expect, test, vi } from 'vitest';
import * as stm from 'stmnet';
import { Linear, LSTM, Parameter, PaddedSequence, SGD, StmnetError, tensor, Tensor, zeros } from 'stmnet';
import * as data from '../../src/data';
import * as text from '../../src/text';
import { exportedClasses } from '../support/exports';
import { inferenceLayers, oneOfEach } from '../support/layer-cases';
import { make } from '../support/ops/inputs';
import { opTable } from '../support/ops/table';

/** Another copy of the package in this process, as two installed versions are. */
vi.resetModules();
const other: typeof stm = await import('stmnet');

const own = tensor([1, 2]);
const closed = new Proxy(
  {},
  {
    get: () => {
      throw new Error('closed');
    },
  },
);
/** What is no tensor, by name. */
const garbage: Record<string, unknown> = {
  undefined: undefined,
  null: null,
  number: 5,
  NaN: Number.NaN,
  string: '1',
  boolean: true,
  symbol: Symbol('x'),
  bigint: 5n,
  list: [1, 2],
  nested: [[own]],
  typed: new Float32Array(2),
  buffer: new ArrayBuffer(8),
  promise: Promise.resolve(own),
  empty: {},
  row: { id: 0 },
  'row of one': { id: 1, shape: [2], dtype: 'f32' },
  bare: Object.create(null),
  heir: Object.create(Tensor.prototype),
  proxy: new Proxy(own, {}),
  function: () => own,
  module: new Linear({ inFeatures: 1, outFeatures: 1 }),
  map: new Map([['id', 1]]),
  date: new Date(0),
  closed,
  result: { output: own },
  sequence: new PaddedSequence(zeros([2, 3]), [1, 2]),
  'another copy': other.tensor([1, 2]),
};

/** What `call` throws; a plain TypeError would be a fault of the package. */
async function mistake(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  return undefined;
}

/** Each kind of garbage that `call` does not refuse with an error of the package. */
async function accepted(call: (x: never) => unknown, allowed: readonly string[] = []): Promise<string[]> {
  const found: string[] = [];
  for (const [kind, value] of Object.entries(garbage)) {
    if (allowed.includes(kind)) continue;
    const error = await mistake(() => call(value as never));
    if (!(error instanceof StmnetError)) found.push(`${kind}: ${String(error)}`);
  }
  return found;
}

/** Ops that take numbers beside tensors, and sequences. */
const NUMBERS = ['number', 'NaN'];
const numbersAt = (op: string, place: number): readonly string[] =>
  (place === 1 && /^(add|sub|mul|div|floorDivide|remainder|pow|maximum|minimum|eq|ne|lt|le|gt|ge)_?$/.test(op)) ||
  (place > 0 && op === 'where')
    ? NUMBERS
    : [];
/** Ops that take a PaddedSequence in the place of `x`. */
const sequences = (op: string): readonly string[] => (/^(select|slice|flip)$/.test(op) ? ['sequence'] : []);
const ABSENT = ['undefined', 'null'];
const optional = (op: string, place: number): readonly string[] =>
  place > 0 &&
  (op === 'layerNorm' ||
    op === 'batchNorm' ||
    (place > 1 && ['linear', 'crossEntropy', 'scaledDotProductAttention', 'conv1d', 'softmax'].includes(op)))
    ? ABSENT
    : [];

/** `contiguous`, `fill_` and `zero_` are called on something else in their rows; as methods they are below. */
const notHere = /^(contiguous|fill_|zero_)$/;

describe('nothing but a tensor is a tensor', () => {
  for (const [op, [row]] of Object.entries(opTable)) {
    test.skipIf(notHere.test(op))(op, async () => {
      const inputs = make(row?.inputs ?? [], 1, 'cpu', 'f32').map((x) => x.detach());
      for (const place of inputs.keys()) {
        const call = (x: never): unknown => row?.run(...inputs.map((input, at) => (at === place ? x : input)));
        expect(
          await accepted(call, [...numbersAt(op, place), ...optional(op, place), ...sequences(op)]),
          `place ${place}`,
        ).toEqual([]);
      }
    });
  }
});

const layer = (): Linear => new Linear({ inFeatures: 2, outFeatures: 1 });
const trained = (): SGD => new SGD(layer().parameters());
/** Places for tensors beside those of ops: what takes one, and what else it takes. */
const places: Record<string, readonly [(x: never) => unknown, (readonly string[])?]> = {
  'grad = x': [
    (x) => {
      zeros([1], { requiresGrad: true }).grad = x;
    },
    ABSENT,
  ],
  'gradient of backward': [(x) => zeros([1], { requiresGrad: true }).sum().backward({ gradient: x }), ABSENT],
  concat: [(x) => stm.concat([own, x], 0)],
  'list of concat': [(x) => stm.concat(x, 0)],
  stack: [(x) => stm.stack([own, x], 0)],
  'list of stack': [(x) => stm.stack(x, 0)],
  'mask of softmax': [(x) => stm.softmax(own, 0, { mask: x }), ABSENT],
  'mask of attention': [
    (x) => stm.scaledDotProductAttention(zeros([1, 2]), zeros([1, 2]), zeros([1, 2]), { mask: x }),
    ABSENT,
  ],
  posWeight: [(x) => stm.binaryCrossEntropyWithLogits(own, own, { posWeight: x }), ABSENT],
  stepWeights: [(x) => stm.crossEntropy(zeros([2, 2]), tensor([0, 1], { dtype: 'i32' }), { stepWeights: x }), ABSENT],
  'bias of conv1d': [(x) => stm.conv1d(zeros([1, 3, 1]), zeros([1, 1, 1]), { bias: x }), ABSENT],
  flattenSteps: [(x) => stm.flattenSteps(x), ['sequence']],
  unflattenSteps: [(x) => stm.unflattenSteps([2], x)],
  'like of unflattenSteps': [(x) => stm.unflattenSteps(x, zeros([6, 1])), ['sequence']],
  activationRegularization: [(x) => stm.activationRegularization(x), ['sequence']],
  temporalActivationRegularization: [(x) => stm.temporalActivationRegularization(x), ['sequence']],
  zerosLike: [(x) => stm.zerosLike(x)],
  onesLike: [(x) => stm.onesLike(x)],
  Tensor: [(x) => Reflect.construct(Tensor, [x])],
  Parameter: [(x) => new Parameter(x)],
  BufferTensor: [(x) => new stm.BufferTensor(x)],
  PaddedSequence: [(x) => new PaddedSequence(x, [1])],
  'map of a sequence': [(x) => new PaddedSequence(zeros([1, 1]), [1]).map(() => x)],
  pad: [(x) => stm.pad(x), ['nested', 'list']],
  'item of pad': [(x) => stm.pad([own, x]), ['list', 'typed', 'nested']],
  layer: [(x) => layer().forward(x)],
  LSTM: [(x) => new LSTM({ inputSize: 3, hiddenSize: 1 }).forward(x)],
  'state of an LSTM': [
    (x) => new LSTM({ inputSize: 2, hiddenSize: 1 }).forward(zeros([1, 2, 2]), x),
    [...ABSENT, 'closed'],
  ],
  'h of an LSTM': [
    (x) => new LSTM({ inputSize: 2, hiddenSize: 1 }).forward(zeros([1, 2, 2]), { h: x, c: zeros([1, 1, 1]) }),
  ],
  'parameters of an optimizer': [(x) => new SGD(x), ['module']],
  'a parameter of an optimizer': [(x) => new SGD([x])],
  'parameters of a group': [(x) => new SGD([{ parameters: x }]), ['module']],
  skip: [(x) => trained().step({ skip: x }), ABSENT],
  clipGradNorm: [(x) => stm.clipGradNorm(x, { maxNorm: 1 })],
  'a parameter to clip': [(x) => stm.clipGradValue([x], { clipValue: 1 })],
  scale: [(x) => new stm.GradScaler().scale(x)],
  unscale_: [(x) => new stm.GradScaler().unscale_(x)],
  'step of a scaler': [(x) => new stm.GradScaler().step(x)],
  init: [(x) => stm.init.xavierUniform_(x)],
  orthogonal_: [(x) => stm.init.orthogonal_(x)],
  constant_: [(x) => stm.init.constant_(x, 1)],
  setForgetBias: [(x) => stm.init.setForgetBias(x), ['closed']],
  saveSafetensors: [(x) => stm.saveSafetensors('/nowhere/x.safetensors', { x })],
  'a model to save': [(x) => stm.save(x, '/nowhere/x')],
  loadStateDict: [(x) => layer().loadStateDict({ weight: x, bias: zeros([1]) })],
  'input of defineFunction': [
    (x) =>
      stm.defineFunction({ forward: (a: Tensor) => ({ output: stm.neg(a), saved: a }), backward: (grad) => [grad] })(x),
  ],
  'output of defineFunction': [
    (x) => stm.defineFunction({ forward: () => ({ output: x, saved: own }), backward: () => [] })(),
  ],
  'result of forward': [(x) => stm.defineFunction({ forward: () => x, backward: () => [] })(), ['result']],
  'gradient of defineFunction': [
    (x) =>
      stm
        .defineFunction({ forward: (a: Tensor) => ({ output: stm.neg(a), saved: a }), backward: () => [x] })(
          zeros([2], { requiresGrad: true }),
        )
        .sum()
        .backward(),
    [...ABSENT, 'closed'],
  ],
  Sequential: [(x) => new stm.Sequential(x), ['module']],
  Residual: [(x) => new stm.Residual(x), ['module']],
  TimeDistributed: [(x) => new stm.TimeDistributed(x), ['module']],
  Bidirectional: [(x) => new stm.Bidirectional(x, layer()), ['module']],
  schedule: [(x) => new stm.StepLR(x, { stepSize: 1 })],
  tokenProbabilities: [(x) => stm.tokenProbabilities(x), ['list', 'typed']],
  'scores of a sampler': [(x) => new stm.TokenSampler().next(x), ['list', 'typed']],
  selectRows: [(x) => stm.selectRows(own, x), ['list', 'typed']],
  'scores of a step': [(x) => stm.beamSearch(() => ({ scores: x, state: 1 }), { maxLength: 1 })],
  'attention of a step': [
    (x) =>
      stm.greedySearch(() => ({ scores: zeros([1, 2]), state: 1, attention: x }), {
        maxLength: 1,
      }),
    ['undefined'],
  ],
  beamSearch: [(x) => stm.beamSearch(x, { maxLength: 1 })],
  greedySearch: [(x) => stm.greedySearch(x, { maxLength: 1 })],
  sample: [(x) => stm.sample(x, {}), ['function']],
  'scores of a sample': [(x) => stm.sample(() => ({ scores: x, state: 1 }), {}).next()],
  ctcBeamSearch: [(x) => stm.ctcBeamSearch(x)],
  ctcGreedyDecode: [(x) => stm.ctcGreedyDecode(x)],
  entitySpans: [(x) => stm.entitySpans(x)],
  'a tag of entitySpans': [(x) => stm.entitySpans([x])],
};

describe('places for tensors beside those of ops', () => {
  for (const [place, [call, allowed = []]] of Object.entries(places))
    test(place, async () => expect(await accepted(call, allowed)).toEqual([]));
});

/** Layers on inputs of [2, 3, 4], and what else they take: attention takes three tensors. */
const made = oneOfEach();
const attentions = made.filter((module) => module.constructor.name.endsWith('Attention'));
const layers = made.filter((module) => !attentions.includes(module));
const losses = exportedClasses<stm.Loss>(stm.Loss).map(([, Loss]) => new Loss());
const forwardOf = (module: object, inputs: readonly unknown[]): unknown =>
  Reflect.apply(Reflect.get(module, 'forward') as () => unknown, module, inputs);

describe('classes', () => {
  const x = zeros([2, 3, 4]);
  test.each(layers.map((module) => [module.constructor.name, module] as const))('%s', async (_, module) => {
    expect(await accepted((value) => forwardOf(module, [value]), ['sequence'])).toEqual([]);
  });

  test.each(attentions.map((module) => [module.constructor.name, module] as const))('%s', async (_, module) => {
    for (const place of [0, 1, 2]) {
      expect(
        await accepted(
          (value) =>
            forwardOf(
              module,
              [x, x, x].map((input, at) => (at === place ? value : input)),
            ),
          [...(place === 2 ? ABSENT : []), 'sequence'],
        ),
        `place ${place}`,
      ).toEqual([]);
    }
    expect(await accepted((value) => forwardOf(module, [x, x, x, { mask: value }]), [...ABSENT, 'closed'])).toEqual([]);
  });

  test.each(losses.map((loss) => [loss.constructor.name, loss] as const))('%s', async (_, loss) => {
    for (const place of [0, 1]) {
      const call = (value: never): unknown =>
        forwardOf(
          loss,
          [x, x].map((input, at) => (at === place ? value : input)),
        );
      expect(await accepted(call, ['sequence']), `place ${place}`).toEqual([]); // zeros [2, 3] may be labels
    }
  });

  test.each(
    [
      new stm.Accuracy(),
      new stm.ConfusionMatrix({ numClasses: 2 }),
      new stm.MeanAbsoluteError(),
      new stm.MeanSquaredError(),
    ].map((metric) => [metric.constructor.name, metric] as const),
  )('%s', async (_, metric) => {
    for (const place of [0, 1]) {
      const call = (value: never): unknown =>
        metric.update(...([x, x].map((input, at) => (at === place ? value : input)) as [Tensor, Tensor]));
      expect(await accepted(call, ['sequence']), `place ${place}`).toEqual([]);
    }
  });
});

/** Functions that take no tensor, as those of data do, or whose tensors are above under another name. */
const elsewhere = [
  ...Object.keys(data),
  ...Object.keys(text),
  'arange',
  'autocast',
  'compile',
  'defaultDevice',
  'defineFunction',
  'detach',
  'devices',
  'enableGrad',
  'eye',
  'full',
  'getRandomState',
  'isDebug',
  'isDeterministic',
  'isGradEnabled',
  'keep',
  'load',
  'loadCheckpoint',
  'loadExtras',
  'loadSafetensors',
  'loadSafetensorsMetadata',
  'manualSeed',
  'mathMode',
  'memory',
  'noGrad',
  'numThreads',
  'ones',
  'rand',
  'randint',
  'randn',
  'save',
  'saveCheckpoint',
  'scope',
  'setDebug',
  'setDefaultDevice',
  'setDeterministic',
  'setMathMode',
  'setMaxMemory',
  'setNumThreads',
  'setRandomState',
  'synchronize',
  'tensor',
  'zeros',
  'clipGradValue',
  'emptyCache',
  'permutation',
  'mapValues',
  'isEntityTag',
  'partGroups',
  'quantizeDynamic',
];

test('every exported function and layer is among those above', () => {
  const covered = new Set([...Object.keys(opTable), ...Object.keys(places), ...elsewhere]);
  const exported = Object.entries(stm).filter(
    (entry): entry is [string, () => unknown] => typeof entry[1] === 'function',
  );
  const isClass = (value: () => unknown): boolean => Function.prototype.toString.call(value).startsWith('class');
  expect(exported.filter(([name, value]) => !isClass(value) && !covered.has(name)).map(([name]) => name)).toEqual([]);
  const tried = new Set<unknown>(made.map((module) => module.constructor));
  const bases: unknown[] = [stm.RecurrentCell, stm.RecurrentLayer, stm.Activation];
  const missing = exportedClasses(stm.Module).filter(([, Layer]) => !tried.has(Layer) && !bases.includes(Layer));
  expect(missing.map(([name]) => name).sort()).toEqual([...inferenceLayers].sort());
});

test('a method or property asked of something else is an error of the package', async () => {
  for (const name of Reflect.ownKeys(Tensor.prototype)) {
    const property: Record<string, unknown> = { ...Object.getOwnPropertyDescriptor(Tensor.prototype, name) };
    for (const member of Object.values(property).filter((found) => typeof found === 'function' && found !== Tensor)) {
      if (name === inspect.custom) continue; // what console.log shows of an heir is no error
      const call = (receiver: never): unknown => Reflect.apply(member as () => unknown, receiver, []);
      expect(await accepted(call), String(name)).toEqual([]);
    }
  }
});
