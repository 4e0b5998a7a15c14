// What scripts/gpu/smoke.mjs asks of a device: does it compute, capture and tune? A group of rows runs in a process of
// its own under the group's variables; a row is a function that returns what was found, or throws.
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root } from '../toolchain.mjs';

const stm = createRequire(import.meta.url)(join(root, 'dist', 'index.js'));
const cuda = 'cuda:0';

/** How far a result may be from the CPU's, of its largest number: 16-bit modes round the operands of every product. */
const allowed = { fma: 1e-5, tf32: 5e-3, bf16: 3e-2 };
const modes = Object.keys(allowed);
const algorithms = ['standard', 'persistStatic', 'persistDynamic', 'persistStaticSmallH'];

/** Largest |got - expected| over the largest |expected|; infinite where a number is none. */
function distance(got, expected) {
  if (got.length !== expected.length) return Infinity;
  let [most, largest] = [0, 1e-3];
  for (let i = 0; i < got.length; i++) {
    const gap = Math.abs(got[i] - expected[i]);
    if (!Number.isFinite(gap)) return Infinity;
    most = Math.max(most, gap);
    largest = Math.max(largest, Math.abs(expected[i]));
  }
  return most / largest;
}

const read = async (tensors) =>
  Object.fromEntries(await Promise.all(Object.entries(tensors).map(async ([name, x]) => [name, await x.data()])));

/** What of `got` is too far from `expected`. @returns the row's finding */
function compared(got, expected, most) {
  const gaps = Object.entries(expected).map(([name, numbers]) => [name, distance(got[name], numbers)]);
  const [name, gap] = gaps.sort(([, a], [, b]) => b - a)[0];
  if (!(gap <= most))
    throw new Error(`${name} differs from the CPU's by ${gap.toExponential(1)}, at most ${most} is allowed`);
  return { detail: `${gap.toExponential(1)} of ${most}` };
}

function within(mode, deterministic, fn) {
  stm.setMathMode(mode);
  stm.setDeterministic(deterministic);
  return fn();
}

/** One recurrent stack, forward and backward: output, states and every gradient. */
async function stack(
  {
    cell = 'LSTM',
    T = 20,
    N = 16,
    D = 32,
    H = 64,
    numLayers = 2,
    batchFirst = true,
    ragged = false,
    algo = 'standard',
  },
  device,
) {
  stm.manualSeed(7);
  const layer = new stm[cell]({ inputSize: D, hiddenSize: H, numLayers, batchFirst, algo }).to(device);
  const onDevice = async (shape) =>
    stm.tensor({ data: await stm.randn(shape, { device: 'cpu' }).data(), shape }, { device });
  const sequence = (last) => (batchFirst ? [N, T, last] : [T, N, last]);
  const [x, upstream] = [(await onDevice(sequence(D))).requiresGrad_(true), await onDevice(sequence(H))];
  const input = ragged
    ? new stm.PaddedSequence(
        x,
        Array.from({ length: N }, (_, i) => (i * 7) % (T + 1)),
      )
    : x;
  const { output, h, c } = layer.forward(input);
  const values = ragged ? output.values : output;
  values.mul(upstream).sum().add(h.square().sum()).backward();
  const gradients = Object.fromEntries([...layer.namedParameters()].map(([name, { grad }]) => [`d ${name}`, grad]));
  return read({ output: values, h, ...(c ? { c } : {}), 'd x': x.grad, ...gradients });
}

const known = new Map();

/** A stack on the device, beside the same on the CPU. */
async function stackRow(options, mode) {
  const key = JSON.stringify({ ...options, algo: undefined });
  if (!known.has(key)) known.set(key, await within('fma', false, () => stack({ ...options, algo: 'standard' }, 'cpu')));
  return compared(await within(mode, false, () => stack(options, cuda)), known.get(key), allowed[mode]);
}

/** Embedding, LSTM, decoder, cross-entropy, clipping and Adam, as often as wanted; with lengths or with dropout. */
async function languageModel({ compiled, mode, deterministic, dropout = 0, ragged = false, steps = 20, H = 64 }) {
  stm.manualSeed(11);
  const [N, T, V] = [8, 12, 50];
  const parts = {
    embedding: new stm.Embedding({ numEmbeddings: V, embeddingDim: H }),
    drop: new stm.Dropout({ p: dropout }),
    lstm: new stm.LSTM({ inputSize: H, hiddenSize: H, numLayers: 2, dropout }),
    decoder: new stm.Linear({ inFeatures: H, outFeatures: V }),
  };
  const parameters = Object.values(parts).flatMap((part) => [...part.parameters()]);
  Object.values(parts).forEach((part) => part.to(cuda));
  const optimizer = new stm.Adam(parameters, { learningRate: 1e-2 });
  const words = stm.tensor(
    { data: Int32Array.from({ length: N * T }, (_, i) => (i * 17) % V), shape: [N, T] },
    { device: cuda },
  );
  const targets = stm.tensor(
    { data: Int32Array.from({ length: N * T }, (_, i) => ((i + 1) * 17) % V), shape: [N, T] },
    { device: cuda },
  );
  const lengths = Array.from({ length: N }, (_, i) => 1 + ((i * 5) % T));
  const sequence = (x) => (ragged ? new stm.PaddedSequence(x, lengths) : x);
  const step = (x, y) =>
    stm.scope(() => {
      const { output } = parts.lstm.forward(parts.drop.forward(parts.embedding.forward(x)));
      const loss = stm.crossEntropy(parts.decoder.forward(parts.drop.forward(output)), y);
      optimizer.zeroGrad();
      loss.backward();
      stm.clipGradNorm(parameters, { maxNorm: 1 });
      optimizer.step();
      return loss.detach();
    });
  return within(mode, deterministic, async () => {
    const run = stm.compile(step);
    const losses = [];
    for (let i = 0; i < steps; i++) losses.push((compiled ? run : step)(sequence(words), sequence(targets)));
    const results = {
      losses: await Promise.all(losses.map((loss) => loss.item())),
      weights: (await Promise.all(parameters.map((one) => one.data()))).flatMap((data) => [...data]),
    };
    const facts = { replays: run.replays, fallback: run.fallback };
    run.clear();
    return { ...results, facts };
  });
}

/** A compiled step beside the eager one: the same bits, if what runs is deterministic. */
async function graphRow({ mode, deterministic = true, ...options }, replays) {
  const [eager, compiled] = [
    await languageModel({ ...options, mode, deterministic, compiled: false }),
    await languageModel({ ...options, mode, deterministic, compiled: true }),
  ];
  const losses = eager.losses;
  if (!(losses.at(-1) < losses[0])) throw new Error(`the loss goes from ${losses[0]} to ${losses.at(-1)}`);
  const gap = Math.max(distance(compiled.losses, losses), distance(compiled.weights, eager.weights));
  const most = deterministic ? 0 : 10 * allowed[mode];
  const { replays: seen, fallback } = compiled.facts;
  if (!(gap <= most))
    throw new Error(
      `compiled differs from eager by ${gap.toExponential(1)}, at most ${most} is allowed; ${seen} replays`,
    );
  if (replays !== undefined && seen < replays) throw new Error(`${seen} of ${replays} steps were replays`);
  const from = `loss ${losses[0].toFixed(3)} to ${losses.at(-1).toFixed(3)}`;
  const detail = `${gap === 0 ? 'the same bits' : gap.toExponential(1)}, ${seen} replays, ${from}`;
  return fallback === undefined
    ? { detail }
    : { outcome: 'no graph', detail: `${detail}; no graph because of ${fallback}` };
}

/** Kernels of stmnet's own, wider than a block and of odd sizes, forward and backward beside the CPU's. */
const kernels = {
  softmax: ([x]) => stm.softmax(x, -1),
  'log softmax, columns': ([x]) => stm.logSoftmax(x, 0),
  'layer norm': ([x]) => new stm.LayerNorm({ normalizedShape: [300] }).to(x.device).forward(x),
  'batch norm': ([x]) => new stm.BatchNorm1d({ numFeatures: 300 }).to(x.device).forward(x),
  'sum of rows': ([x]) => x.sum(-1),
  'sum of columns': ([x]) => x.sum(0),
  'mean of all': ([x]) => x.square().mean(),
  'largest of rows': ([x]) => x.max(-1),
  'cumulative sum': ([x]) => stm.cumsum(x, -1),
  'matrix product': ([x]) => x.matmul(x.transpose(0, 1)),
  'sorted rows': ([x]) => stm.sort(x, -1).values,
  'cross-entropy': ([x]) =>
    stm.crossEntropy(
      x,
      stm.tensor({ data: Int32Array.from({ length: 70 }, (_, i) => (i * 7) % 300), shape: [70] }, { device: x.device }),
    ),
  'embedding, repeated words': ([x]) =>
    stm.embedding(
      stm.tensor(
        { data: Int32Array.from({ length: 500 }, (_, i) => (i * i) % 70), shape: [500] },
        { device: x.device },
      ),
      x,
    ),
  'LSTM with norms and peepholes': ([x]) =>
    variant(x, new stm.LSTM({ inputSize: 300, hiddenSize: 40, bidirectional: true, layerNorm: true, peephole: true })),
  'GRU with norms': ([x]) => variant(x, new stm.GRU({ inputSize: 300, hiddenSize: 40, layerNorm: true })),
  'GRU, reset before': ([x]) =>
    variant(x, new stm.GRU({ inputSize: 300, hiddenSize: 40, bidirectional: true, resetAfter: false })),
  'element-wise': ([x]) => x.sigmoid().mul(x.tanh()).add(x.exp()),
};

/** A variant of a cell over rows of different lengths: the output of all steps. */
const variant = (x, layer) =>
  layer.to(x.device).forward(new stm.PaddedSequence(x.reshape([7, 10, 300]), [10, 3, 0, 10, 1, 7, 10])).output.values;

async function kernelRow(kernel) {
  const on = async (device) => {
    stm.manualSeed(3);
    const x = stm.tensor(
      { data: await stm.randn([70, 300], { device: 'cpu' }).data(), shape: [70, 300] },
      { device, requiresGrad: true },
    );
    const result = kernel([x]);
    const upstream = await stm.randn(result.shape, { device: 'cpu' }).data();
    result.backward({ gradient: stm.tensor({ data: upstream, shape: result.shape }, { device }) });
    return read({ result, 'd x': x.grad });
  };
  const expected = await within('fma', false, () => on('cpu'));
  return compared(await within('fma', false, () => on(cuda)), expected, 1e-4);
}

/** A product with its bias and both gradients, of odd sizes. */
async function productRow(mode, { count = 70, inFeatures = 130, outFeatures = 301, dtype = 'f32' } = {}) {
  const on = async (device) => {
    stm.manualSeed(5);
    const layer = new stm.Linear({ inFeatures, outFeatures, dtype }).to(device);
    const onDevice = async (shape) =>
      stm.tensor({ data: await stm.randn(shape, { device: 'cpu', dtype }).data(), shape }, { device });
    const x = (await onDevice([count, inFeatures])).requiresGrad_(true);
    const gradient = await onDevice([count, outFeatures]);
    const y = layer.forward(x);
    y.backward({ gradient });
    return read({ y, 'd x': x.grad, 'd weight': layer.weight.grad, 'd bias': layer.bias.grad });
  };
  const expected = await within('fma', false, () => on('cpu'));
  return compared(await within(mode, false, () => on(cuda)), expected, dtype === 'f64' ? 1e-12 : allowed[mode]);
}

/** An algorithm computes a stack, or says why not. */
async function algorithmRow(options, mode) {
  try {
    return await stackRow(options, mode);
  } catch (error) {
    if (options.algo === 'standard' || !/algo|persist/i.test(error.message)) throw error;
    return { outcome: 'refused', detail: error.message.split('\n')[0] };
  }
}

/** What the tuner has written. */
function choices() {
  const folder = process.env.STMNET_CACHE_DIR ?? '';
  if (!existsSync(folder)) return [];
  const files = readdirSync(folder).filter((name) => name.endsWith('.txt'));
  return files.flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n')).filter(Boolean);
}

/** A shape often enough to be tuned; then its choices, as they were written. */
async function tuningRow(options, mode, uses) {
  const before = new Set(choices());
  let found;
  for (let i = 0; i < uses; i++) found = await stackRow({ ...options, algo: 'auto' }, mode);
  const lines = choices().filter((line) => !before.has(line));
  return {
    outcome: lines.length > 0 ? 'ok' : 'untuned',
    detail: `${found.detail}; ${lines.length} choices`,
    choices: lines,
  };
}

/** Microseconds from a small result to its numbers in JavaScript. */
async function readRow() {
  const x = stm.zeros([16], { device: cuda });
  for (let i = 0; i < 100; i++) await x.add(1).data();
  const times = [];
  for (let i = 0; i < 300; i++) {
    const start = performance.now();
    await x.add(1).data();
    times.push((performance.now() - start) * 1000);
  }
  times.sort((a, b) => a - b);
  const [lowest, median, most] = [0, 150, 285].map((at) => times[at].toFixed(0));
  return { detail: `median ${median} µs, lowest ${lowest}, 95 of 100 below ${most}` };
}

const rows = (list) => list.map(([name, run]) => ({ name, run }));
const layerRows = (cells, some, sizes) =>
  cells.flatMap((cell) =>
    some.flatMap((mode) =>
      [
        { form: 'batch first', batchFirst: true, ragged: false },
        { form: 'time first', batchFirst: false, ragged: false },
        { form: 'lengths', batchFirst: true, ragged: true },
      ].map(({ form, batchFirst, ragged }) => [
        `${cell} ${mode} ${form}`,
        () => stackRow({ cell, batchFirst, ragged, ...sizes }, mode),
      ]),
    ),
  );
const graphRows = (sizes) => [
  ...['fma', 'tf32', 'bf16'].map((mode) => [`language model ${mode}`, () => graphRow({ mode, ...sizes }, 18)]),
  ['language model tf32, dropout', () => graphRow({ mode: 'tf32', dropout: 0.5, ...sizes }, 18)],
  ['language model fma, lengths', () => graphRow({ mode: 'fma', ragged: true, ...sizes }, 18)],
  ['language model bf16, lengths', () => graphRow({ mode: 'bf16', ragged: true, ...sizes }, 18)],
  ['language model tf32, any order of sums', () => graphRow({ mode: 'tf32', deterministic: false, ...sizes }, 18)],
];

const stacks = () =>
  rows(
    ['LSTM', 'GRU'].map((cell) => [`${cell} of three layers, training`, () => stackRow({ cell, numLayers: 3 }, 'fma')]),
  );

// Where a row or a column is one, or the type is f64, two passes compute what cuBLASLt does otherwise.
const products = () =>
  rows([
    ...modes.flatMap((mode) => [
      [`linear ${mode}`, () => productRow(mode)],
      [`linear ${mode}, one row`, () => productRow(mode, { count: 1 })],
      [`linear ${mode}, one output`, () => productRow(mode, { outFeatures: 1 })],
      [`linear ${mode}, one input`, () => productRow(mode, { inFeatures: 1 })],
    ]),
    ['linear f64', () => productRow('fma', { dtype: 'f64' })],
    ['linear f64, one row', () => productRow('fma', { dtype: 'f64', count: 1 })],
  ]);

const layouts = () =>
  rows(
    ['fma', 'bf16'].flatMap((mode) =>
      [true, false].map((batchFirst) => [
        `LSTM ${mode} ${batchFirst ? 'batch first' : 'time first'}`,
        () => stackRow({ batchFirst }, mode),
      ]),
    ),
  );

/**
 * The groups, in order of worth.
 *
 * @returns {{ name: string, env: Record<string, string>, alone: boolean, rows: Row[] }[]} `alone`: it measures, so
 * nothing else may run; a Row is { name: string, run: () => Promise<object> }
 */
export function groupsOf(standin) {
  const fixed = { STMNET_CUDNN_AUTOTUNE: '0' };
  const wide = standin ? { T: 6, N: 4, D: 16, H: 16 } : { T: 32, N: 32, D: 256, H: 256 };
  // stmnet itself refuses it more than 192 hidden units
  const sizesFor = (algo) => (algo === 'persistStaticSmallH' ? { ...wide, H: Math.min(wide.H, 192) } : wide);
  const asked = (algo, mode) => [`${algo} ${mode}`, () => algorithmRow({ algo, ...sizesFor(algo) }, mode)];
  return [
    { name: 'layers', env: fixed, rows: rows(layerRows(['LSTM', 'GRU'], modes, {})) },
    { name: 'graph', env: fixed, rows: rows(graphRows({})) },
    { name: 'products', env: fixed, rows: products() },
    { name: 'products without cuBLASLt', env: { ...fixed, STMNET_CUBLASLT: '0' }, rows: products() },
    { name: 'dropout set', env: { ...fixed, STMNET_CUDNN_DROPOUT: 'set' }, rows: stacks() },
    { name: 'dropout null', env: { ...fixed, STMNET_CUDNN_DROPOUT: 'null' }, rows: stacks() },
    {
      name: 'algorithms',
      env: fixed,
      rows: rows(algorithms.flatMap((algo) => modes.map((mode) => asked(algo, mode)))),
    },
    {
      // run.sh has the loader know where NVRTC is; for who uses the package the plug-in has to find it
      name: 'NVRTC by the plug-in',
      env: { ...fixed, LD_LIBRARY_PATH: process.env.STMNET_GPU_LIBRARY_PATH ?? process.env.LD_LIBRARY_PATH },
      rows: rows(['fma', 'bf16'].map((mode) => asked('persistDynamic', mode))),
    },
    {
      name: 'kernels',
      env: fixed,
      rows: rows(Object.entries(kernels).map(([name, kernel]) => [name, () => kernelRow(kernel)])),
    },
    ...['time', 'batch'].map((layout) => ({
      name: `layout ${layout}`,
      env: { ...fixed, STMNET_CUDNN_LAYOUT: layout },
      rows: layouts(),
    })),
    {
      name: 'no graphs',
      env: { ...fixed, STMNET_CUDA_GRAPHS: '0' },
      rows: rows([['language model fma', () => graphRow({ mode: 'fma' })]]),
    },
    {
      name: 'tuning',
      env: { STMNET_CUDNN_AUTOTUNE: '1' },
      alone: true,
      rows: rows(['tf32', 'bf16', 'fma'].map((mode) => [`LSTM ${mode}`, () => tuningRow(wide, mode, 8)])),
    },
    { name: 'reads', env: fixed, alone: true, rows: rows([['a small result', readRow]]) },
  ].map((group) => ({ alone: false, ...group }));
}

/** The few that compute-sanitizer, which takes a hundred times as long, looks at: each kernel once. */
export function tinyRows() {
  const small = { T: 5, N: 6, D: 12, H: 16 };
  return [
    ...rows(Object.entries(kernels).map(([name, kernel]) => [name, () => kernelRow(kernel)])),
    ...rows(layerRows(['LSTM'], ['fma', 'bf16'], small)),
    ...rows([['linear', () => productRow('fma')]]),
    ...rows([
      [
        'language model bf16, dropout, lengths',
        () => graphRow({ mode: 'bf16', ragged: true, dropout: 0.5, H: 16, steps: 4 }, 2),
      ],
    ]),
  ];
}

/** Whether the device still computes: after a fault of the device itself nothing else will in this process. */
export const usable = async () => (await stm.tensor([1, 2], { device: cuda }).mul(2).data())[1] === 4;
