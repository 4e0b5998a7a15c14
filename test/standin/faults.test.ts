import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runScript } from '../support/child';
import { standinEnvironment } from '../../scripts/standin';

const root = join(__dirname, '..', '..');
const built = existsSync(join(root, 'build', 'standin', 'standin_control.node'));

/** What became of one fault: which call was failed, what the user saw, and what was left behind. */
interface Outcome {
  name: string;
  call: number;
  reached: boolean;
  sticky: boolean;
  errors: string[];
  /** Why the compiled step was no graph: its capture failed, and its ops ran one by one. */
  fallback: string;
  retried: string;
  leaks: string;
}

/**
 * In a process whose CUDA is the stand-in: fails the first, second and last call of every function in turn, in an
 * environment (worker) of its own that trains, reads, compiles and evaluates; after the error it does all of that
 * again.
 */
const script = `
  const { Worker } = require('node:worker_threads');
  const control = require(${JSON.stringify(join(root, 'build', 'standin', 'standin_control.node'))});
  const work = ${JSON.stringify(`
    const { parentPort, workerData } = require('node:worker_threads');
    const stm = require(${JSON.stringify(join(root, 'dist', 'index.js'))});
    async function everything() {
      const errors = [];
      let fallback = '';
      const tell = (error) => { errors.push(error.message); };
      try {
        stm.manualSeed(3);
        stm.setMathMode('fma');
        const device = 'cuda';
        stm.setDefaultDevice(device);
        const embedding = new stm.Embedding({ numEmbeddings: 20, embeddingDim: 6 });
        const lstm = new stm.LSTM({ inputSize: 6, hiddenSize: 5, numLayers: 2, dropout: 0.1 });
        const head = new stm.Linear({ inFeatures: 5, outFeatures: 4 });
        const parameters = [...embedding.parameters(), ...lstm.parameters(), ...head.parameters()];
        const optimizer = new stm.Adam(parameters, { learningRate: 0.01 });
        const integers = (valueAt) => Int32Array.from({ length: 12 }, (_, i) => valueAt(i));
        const sequence = (data) => new stm.PaddedSequence(stm.tensor({ data, shape: [3, 4] }), [4, 0, 2]);
        const words = () => sequence(integers((i) => i));
        const tags = () => sequence(integers((i) => i % 4));
        const step = (x, y) => {
          const loss = stm.crossEntropy(head.forward(lstm.forward(embedding.forward(x)).output), y);
          optimizer.zeroGrad();
          loss.backward();
          stm.clipGradNorm(parameters, { maxNorm: 1 });
          optimizer.step();
          return loss;
        };
        for (let i = 0; i < 2; i++) await step(words(), tags()).item().catch(tell);
        const compiled = stm.compile(step);
        const [x, y] = [words(), tags()];
        for (let i = 0; i < 3; i++) await compiled(x, y).item().catch(tell);
        const fixed = new stm.GRU({ inputSize: 6, hiddenSize: 5 });
        await fixed.forward(stm.randn([2, 3, 6])).output.sum().item().catch(tell);
        const large = stm.full([300, 300], 2);
        await stm.tensor(new Float32Array(90000).fill(1)).reshape([300, 300]).matmul(large).data().catch(tell);
        await large.to('cpu').sum().item().catch(tell);
        const free = stm.full([64, 64], 1);
        await free.sum().item().catch(tell);
        await stm.synchronize(device).catch(tell);
        fallback = compiled.fallback ?? '';
        compiled.clear();
      } catch (error) {
        tell(error);
      }
      return { errors, fallback };
    }
    (async () => {
      const { errors, fallback } = await everything();
      const control = require(${JSON.stringify(join(root, 'build', 'standin', 'standin_control.node'))});
      control.setFaults('');
      const reached = workerData === '' ? 0 : control.callCount(workerData);
      await (async () => stm.synchronize('cuda'))().catch(() => {}); // what no read has reported yet
      const again = await everything();
      parentPort.postMessage({ errors, fallback, reached, retried: again.errors[0] ?? again.fallback });
    })();
  `)};
  // What lives now, by kind: objects that an earlier fatal error made it impossible to free stay in the count.
  const living = () => Object.fromEntries(control.leaks().split(', ').filter(Boolean).map((text) => {
    const [count, ...kind] = text.split(' ');
    return [kind.join(' '), Number(count)];
  }));
  const livingSince = (before) => Object.entries(living())
    .map(([kind, count]) => [count - (before[kind] ?? 0), kind])
    .filter(([more]) => more > 0)
    .map(([more, kind]) => more + ' ' + kind)
    .join(', ');
  const run = (name) => new Promise((resolve) => {
    const before = living();
    const worker = new Worker(work, { eval: true, workerData: name });
    let answer = { errors: ['the worker ended without an answer'], fallback: '', reached: 0, retried: '' };
    worker.on('message', (message) => { answer = message; });
    worker.on('error', (error) => { answer = { errors: [String(error)], fallback: '', reached: 0, retried: '' }; });
    worker.on('exit', () => resolve({ ...answer, left: () => livingSince(before) }));
  });
  // Codes that the libraries give. 700 is one after which the CUDA context is lost.
  const codes = (name) => {
    if (name.startsWith('cudnn')) return [5000];
    if (name.startsWith('cublas')) return [14];
    return /Malloc|HostAlloc/.test(name) ? [2, 700] : [1, 700];
  };
  (async () => {
    const outcomes = [];
    control.resetCounts();
    const clean = await run('');
    outcomes.push({ name: '', call: 0, reached: true, sticky: false, ...clean, leaks: clean.left() });
    const functions = control.functions().map((name) => ({ name, calls: control.callCount(name) }));
    const used = functions.filter(({ calls }) => calls > 0);
    for (const { name, calls } of used) {
      // they say what failed, and cannot fail
      if (/Get(Last)?Error(Name|String)?$|PeekAtLastError$|ErrorString$|StatusString$/.test(name)) continue;
      for (const call of new Set([1, 2, Math.ceil(calls / 4), Math.ceil(calls / 2)].filter((n) => n <= calls))) {
        for (const code of codes(name)) {
          control.resetCounts();
          // once, memory that is short is found on second thoughts
          control.setFaults(name + ':' + call + (name === 'cudaMallocAsync' ? '+=' : '=') + code);
          const { reached: calls, ...outcome } = await run(name);
          const reached = calls >= call;
          control.setFaults('');
          control.recover();
          outcomes.push({ name, call, reached, sticky: code === 700, ...outcome, leaks: outcome.left() });
        }
      }
    }
    console.log(JSON.stringify({ outcomes, used: used.map(({ name }) => name) }));
  })();
`;

/** Calls after whose failure the work itself is done all the same. */
const harmless = new RegExp(
  [
    '^cublasLt|Destroy|Free|Query|TrimTo|GraphUpload|StreamSynchronize|SetAttribute|SetDevice',
    'GetVersion|GetCudartVersion|DriverGetVersion|RuntimeGetVersion|VersionCheck',
    'MemGetInfo|GetDevice|GetAttribute|GetDefaultMemPool',
  ].join('|'),
);

describe.skipIf(!built)('each call of CUDA, cuBLAS and cuDNN that fails', () => {
  const child = built ? runScript(script, { environment: standinEnvironment(root), timeout: 300_000 }) : undefined;
  const { outcomes, used } = (child?.code === 0 ? JSON.parse(child.stdout) : { outcomes: [], used: [] }) as {
    outcomes: Outcome[];
    used: string[];
  };

  test('the work itself needs none to fail, and leaves nothing behind', () => {
    expect(child?.code, child?.stderr).toBe(0);
    expect(outcomes[0]).toMatchObject({ errors: [], fallback: '', retried: '', leaks: '' });
    expect(used.length).toBeGreaterThan(40);
  });

  test('is an error that names the call, or a step that is no graph for a reason that does, or does no harm', () => {
    const silent = outcomes.filter(
      ({ name, reached, errors, fallback }) =>
        name !== '' && reached && errors.length === 0 && fallback === '' && !harmless.test(name),
    );
    expect(silent).toEqual([]);
    const unclear = outcomes.flatMap(({ name, call, errors, fallback }) =>
      [...errors.slice(0, 1), ...(fallback === '' ? [] : [fallback])]
        .filter((text) => !/cuda|cublas|cudnn|CUDA|memory|asked for/.test(text))
        .map((text) => `${name}:${call} ${text}`),
    );
    expect(unclear).toEqual([]);
  });

  test('leaves a process that goes on, unless CUDA itself is lost', () => {
    const broken = outcomes.filter(({ name, sticky, retried }) => name !== '' && !sticky && retried !== '');
    expect(broken).toEqual([]);
    const unsaid = outcomes.filter(
      ({ sticky, reached, errors, retried }) =>
        sticky && reached && errors.length > 0 && !/lost|cudaErrorIllegalAddress/.test(errors.join() + retried),
    );
    expect(unsaid).toEqual([]);
  });

  test('leaks nothing', () => {
    const leaking = outcomes.filter(({ name, sticky, leaks }) => leaks !== '' && !sticky && !/Destroy|Free/.test(name));
    expect(leaking).toEqual([]);
  });
});
