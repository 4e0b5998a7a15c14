import { describe, expect, test } from 'vitest';
import { onStandin, standinIsBuilt } from '../support/standin';

/** What became of a step that ran 6 times by itself, and 6 times compiled. */
interface Outcome {
  eager: number[];
  compiled: number[];
  replays: number;
  fallback: string | null;
  warnings: string[];
  errors: string[];
  calls: Record<string, number>;
  leaks: string;
}

const counted = ['cudaStreamBeginCapture', 'cudaGraphInstantiate', 'cudaGraphUpload', 'cudaGraphLaunch'];

/** Trains in a process of its own; `faults` hold from the first compiled call on. */
function train({
  faults = '',
  lengths = '[5, 5, 5]',
  environment = {},
}: {
  faults?: string;
  lengths?: string;
  environment?: Record<string, string>;
}): Outcome {
  const body = `
    stm.setDeterministic(true);
    const outcome = { warnings: [], errors: [] };
    process.on('warning', ({ name, code, message }) => outcome.warnings.push(name + ' ' + code + ' ' + message));
    const data = Float32Array.from({ length: 3 * 5 * 4 }, (_, i) => Math.sin(i));
    const x = new stm.PaddedSequence(stm.tensor({ data, shape: [3, 5, 4] }), ${lengths});
    const noteAnd = (instead) => (error) => {
      outcome.errors.push(error.message);
      return instead;
    };
    async function run(wrap, before = () => {}) {
      stm.manualSeed(5);
      const lstm = new stm.LSTM({ inputSize: 4, hiddenSize: 6, numLayers: 2, dropout: 0.2 });
      const optimizer = new stm.Adam(lstm.parameters(), { learningRate: 0.05 });
      const step = wrap((x) => {
        const loss = lstm.forward(x).output.values.square().mean();
        optimizer.zeroGrad();
        loss.backward();
        optimizer.step();
        return loss;
      });
      before();
      const losses = [];
      for (let i = 0; i < 6; i++) losses.push(await step(x).item().catch(noteAnd(-1)));
      for (const parameter of lstm.parameters()) losses.push(...await parameter.flatten().array().catch(noteAnd([])));
      return losses;
    }
    outcome.eager = await run((step) => step);
    let compiled;
    outcome.compiled = await run((step) => compiled = stm.compile(step), () => {
      control.resetCounts();
      control.setFaults(${JSON.stringify(faults)});
    });
    outcome.fallback = compiled.fallback ?? null;
    outcome.replays = compiled.replays;
    outcome.calls = Object.fromEntries(${JSON.stringify(counted)}.map((name) => [name, control.callCount(name)]));
    compiled.clear();
    if (compiled.fallback !== undefined) outcome.errors.push('a reason without a recording');
    await stm.synchronize('cuda').catch(() => {});
    outcome.leaks = (control.leaks().match(/[0-9]+ (executable )?graphs/g) ?? []).join();
    await new Promise((resolve) => setImmediate(resolve)); // for warnings
    return outcome;`;
  return onStandin<Outcome>(body, { STMNET_CUDNN_AUTOTUNE: '0', ...environment });
}

/** Every other call makes up for an end that failed. */
const end = (call: number): string => `cudaStreamEndCapture:${call}=901`;

describe.skipIf(!standinIsBuilt)('a compiled step on a device (the stand-in)', () => {
  test('runs as a graph, which is on the device before its first launch, and has no reason not to', () => {
    const outcome = train({ lengths: '[5, 0, 3]' });
    expect(outcome.compiled).toEqual(outcome.eager);
    expect(outcome).toMatchObject({ fallback: null, replays: 4, errors: [], warnings: [], leaks: '' });
    expect(outcome.calls).toEqual({
      cudaStreamBeginCapture: 1,
      cudaGraphInstantiate: 1,
      cudaGraphUpload: 1,
      cudaGraphLaunch: 4,
    });
  });

  test.each([
    [
      'its begin',
      'cudaStreamBeginCapture:1+=900',
      /^compile: cudaStreamBeginCapture failed: cudaErrorStreamCaptureUnsupported/,
    ],
    [
      'its end',
      `${end(1)},${end(3)},${end(5)}`,
      /^compile: cudaStreamEndCapture failed: cudaErrorStreamCaptureInvalidated/,
    ],
    ['making a graph of it', 'cudaGraphInstantiate:1+=801', /^compile: cudaGraphInstantiate failed/],
  ])('goes on op by op if %s fails three times, with the same numbers', (_, faults, reason) => {
    const outcome = train({ faults });
    expect(outcome.fallback).toMatch(reason);
    expect(outcome.compiled).toEqual(outcome.eager);
    expect(outcome).toMatchObject({ replays: 4, errors: [], warnings: [], leaks: '' });
    expect(outcome.calls).toMatchObject({ cudaStreamBeginCapture: 3, cudaGraphLaunch: 0 });
  });

  test.each([
    ['its begin', 'cudaStreamBeginCapture:1=900'],
    ['a call of it', 'cudnnRNNForward:5=5000'],
    ['its end, twice', `${end(1)},${end(3)}`],
    ['making a graph of it', 'cudaGraphInstantiate:1=801'],
  ])('tries again if %s fails, which another thread may be the cause of', (_, faults) => {
    const outcome = train({ faults });
    expect(outcome.compiled).toEqual(outcome.eager);
    expect(outcome).toMatchObject({ fallback: null, replays: 4, errors: [], warnings: [], leaks: '' });
    const failed = faults.split(',').length;
    expect(outcome.calls).toMatchObject({ cudaStreamBeginCapture: failed + 1, cudaGraphLaunch: 4 - failed });
  });

  test.each(['cudaGraphInstantiate:1=2', 'cudaGraphUpload:1=2'])('tries again where memory was short: %s', (faults) => {
    const outcome = train({ faults });
    expect(outcome.compiled).toEqual(outcome.eager);
    expect(outcome).toMatchObject({ fallback: null, errors: [], leaks: '' });
    expect(outcome.calls).toMatchObject({ cudaStreamBeginCapture: 2, cudaGraphLaunch: 3 });
  });

  test('does without an upload that fails', () => {
    const outcome = train({ faults: 'cudaGraphUpload:1=801' });
    expect(outcome.compiled).toEqual(outcome.eager);
    expect(outcome).toMatchObject({ fallback: null, errors: [], leaks: '' });
    expect(outcome.calls).toMatchObject({ cudaStreamBeginCapture: 1, cudaGraphLaunch: 4 });
  });

  test('a launch that fails spoils what it may have changed, and is the last', () => {
    const outcome = train({ faults: 'cudaGraphLaunch:2=1' });
    expect(outcome.compiled.slice(0, 3)).toEqual(outcome.eager.slice(0, 3));
    expect(outcome.errors[0]).toMatch(/^compile: cudaGraphLaunch failed: cudaErrorInvalidValue/);
    expect(outcome.fallback).toMatch(/^compile: cudaGraphLaunch failed/);
    expect(outcome.calls).toMatchObject({ cudaStreamBeginCapture: 1, cudaGraphLaunch: 2 });
    expect(outcome.leaks).toBe('');
  });

  test('of rows of different lengths that cuDNN cannot capture goes on op by op; one of equal rows is a graph', () => {
    const environment = { STMNET_STANDIN_LENGTHS: 'refused' };
    const varying = train({ lengths: '[5, 0, 3]', environment });
    expect(varying.fallback).toMatch(/^recurrent: cudnnRNNForward failed.*different lengths/);
    expect(varying.compiled).toEqual(varying.eager);
    expect(varying).toMatchObject({ replays: 4, errors: [], leaks: '' });
    expect(train({ environment })).toMatchObject({ fallback: null, calls: { cudaGraphLaunch: 4 } });
  });

  test('STMNET_CUDA_GRAPHS=0 captures nothing', () => {
    const outcome = train({ environment: { STMNET_CUDA_GRAPHS: '0' } });
    expect(outcome.fallback).toBe('STMNET_CUDA_GRAPHS is 0');
    expect(outcome.compiled).toEqual(outcome.eager);
    expect(outcome.calls).toEqual({
      cudaStreamBeginCapture: 0,
      cudaGraphInstantiate: 0,
      cudaGraphUpload: 0,
      cudaGraphLaunch: 0,
    });
  });

  test('says under setDebug, once, that it is no graph', () => {
    const { warnings, fallback } = train({ faults: 'cudaStreamEndCapture:1+=901', environment: { STMNET_DEBUG: '1' } });
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/^StmnetWarning STM_COMPILE_NO_GRAPH compile: got a step that cannot run as a graph, /);
    expect(warnings[0]).toMatch(/because of compile: cudaStreamEndCapture failed[\s\S]*\n {2}Fix: /);
    expect(fallback).toMatch(/^compile: cudaStreamEndCapture failed/);
  });
});
