import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runChild, runScript, workerSource, type Child } from '../support/child';

const root = join(__dirname, '..', '..');
const nobody = 65_534;

/** Requires the package. */
const required = `require(${JSON.stringify(join(root, 'dist', 'index.js'))})`;

/** What the scripts use: the package, and `product()`, which is worth a team. */
const load = `
  const stm = ${required};
  const product = () => stm.ones([600, 600]).matmul(stm.ones([600, 600])).sum().item();\n`;

/**
 * Runs `script` as a user who may have only `spare` threads beside those that the process has when `limit()` is called.
 * A limit holds for no process of root's, so that it takes root to make a process of another user, of whom there are no
 * others to be counted.
 */
function runLimited(script: string, spare: number): Pick<Child, 'code' | 'signal' | 'stdout' | 'stderr'> {
  const prelude = `
    const limit = () => {
      const threads = require('node:fs').readdirSync('/proc/self/task').length + ${spare};
      const options = ['--nproc=' + threads + ':' + threads, '--pid', String(process.pid)];
      require('node:child_process').execFileSync('prlimit', options);
    };\n`;
  const options = { cwd: '/', encoding: 'utf8', timeout: 30_000, uid: nobody, gid: nobody } as const;
  const child = spawnSync(process.execPath, ['-e', prelude + script], options);
  return { code: child.status, signal: child.signal, stdout: child.stdout, stderr: child.stderr };
}

const refusal =
  /^ERR_STM_DEVICE stmnet: got no thread for a queue of commands .*, expected one\.\n {2}Fix: raise the limit /;

describe.skipIf(process.getuid?.() !== 0)('where the system gives few threads (tested as root only)', () => {
  test('a team is made of those that there are', () => {
    const script = `${load}
      (async () => {
        stm.setNumThreads(2);
        await product();
        limit();
        stm.setNumThreads(16);
        console.log(await product(), await product());
      })();`;
    const child = runLimited(script, 5);
    expect(child).toEqual({ code: 0, signal: null, stdout: '216000000 216000000\n', stderr: '' });
  });

  test('without any thread the calling one computes', () => {
    const script = `${load}
      (async () => {
        stm.setNumThreads(1);
        await product();
        limit();
        stm.setNumThreads(8);
        console.log(await product());
      })();`;
    const child = runLimited(script, 0);
    expect(child).toEqual({ code: 0, signal: null, stdout: '216000000\n', stderr: '' });
  });

  test('process.exit after a team that could not be made', () => {
    const script = `${load}
      (async () => {
        await product();
        limit();
        stm.setNumThreads(64);
        product();
        setTimeout(() => process.exit(4), 100);
      })();`;
    const child = runLimited(script, 3);
    expect(child).toEqual({ code: 4, signal: null, stdout: '', stderr: '' });
  });

  test('a worker whose queue gets no thread ends with an error that says so, and the main thread goes on', () => {
    const script = `${load}
      const { Worker } = require('node:worker_threads');
      (async () => {
        await product();
        limit();
        const w = new Worker(${JSON.stringify(required)}, { eval: true });
        w.on('error', (error) => console.log(error.code, error.message));
        w.on('exit', async (code) => console.log('exit', code, await product()));
      })();`;
    const child = runLimited(script, 1);
    expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(child.stdout).toMatch(refusal);
    expect(child.stdout).toMatch(/\nexit 1 216000000\n$/);
  });

  test('an import whose queue gets no thread is an error that says so', () => {
    const child = runLimited(`limit(); try { ${load} } catch (error) { console.log(error.code, error.message); }`, 0);
    expect(child).toMatchObject({ code: 0, signal: null, stderr: '' });
    expect(child.stdout).toMatch(refusal);
  });
});

test('the number of threads changes while the main thread and two workers compute', () => {
  const compute = `async () => {
    stm.manualSeed(1);
    const lstm = new stm.LSTM({ inputSize: 16, hiddenSize: 64, numLayers: 3 }).eval();
    const row = stm.randn([1, 12, 16]), rows = stm.randn([9, 6, 16]);
    const results = [];
    for (let i = 0; i < 15; i++) {
      stm.setNumThreads(1 + (i * 7) % 5);
      results.push(await stm.noGrad(() => lstm.forward(row).output.sum().add(lstm.forward(rows).output.sum())).item());
    }
    return results;
  }`;
  const worker = workerSource(`(${compute})().then((results) => parentPort.postMessage(results));`);
  const child = runChild(`
    const { Worker } = require('node:worker_threads');
    const source = ${worker};
    const workers = [0, 1].map(() => new Promise((done) => new Worker(source, { eval: true }).once('message', done)));
    (async () => {
      const results = [await (${compute})(), ...(await Promise.all(workers))].flat();
      const [first] = results;
      console.log(results.length, results.every((value) => Math.abs(value - first) < 1e-3), Number.isFinite(first));
    })();`);
  expect(child).toMatchObject({ code: 0, signal: null, stderr: '', stdout: '45 true true\n' });
});

describe('STMNET_NUM_THREADS', () => {
  const run = (threads: string): Child =>
    runScript(`${load} product().then(() => console.log(stm.numThreads()));`, {
      environment: { STMNET_NUM_THREADS: threads },
    });
  const unset = Number(run('').stdout);

  test.each(['abc', '0', '-1', '2.5', '2 ', '1025', '99999999999'])(
    '%j is told once, and counts for nothing',
    (given) => {
      expect(run(given)).toMatchObject({
        code: 0,
        stdout: `${unset}\n`,
        stderr:
          `STMNET_NUM_THREADS: got '${given}', expected a whole number from 1 to 1024. ` +
          `Fix: set one of these or unset it; ${unset} ${unset === 1 ? 'is' : 'are'} used now.\n`,
      });
    },
  );

  test.each(['1', '7', '1024'])('%s is the number of threads, and nothing is told', (given) => {
    expect(run(given)).toMatchObject({ code: 0, stdout: `${given}\n`, stderr: '' });
  });
});
