import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { prelude, runChild, runScript, workerSource } from '../support/child';

/** `make()` gives a small LSTM in training; its `step()` queues one step and returns the loss. */
const training = `
  const make = (hiddenSize = 32) => {
    const lstm = new stm.LSTM({ inputSize: 8, hiddenSize });
    const head = new stm.Linear({ inFeatures: hiddenSize, outFeatures: 2 });
    const model = new stm.Sequential(lstm, new stm.LastStep(), head);
    const optimizer = new stm.Adam(model.parameters());
    const x = stm.randn([16, 30, 8]), y = stm.randint(0, 2, [16]);
    const step = () => {
      const loss = stm.crossEntropy(model.forward(x), y);
      optimizer.zeroGrad();
      loss.backward();
      optimizer.step();
      return loss;
    };
    const steps = (count) => {
      let loss;
      for (let i = 0; i < count; i++) loss = step();
      return loss;
    };
    return { model, optimizer, step, steps };
  };
  const example = () => ({ input: { data: new Float32Array(240), shape: [30, 8] }, target: 1 });
  const examples = (count) => Array.from({ length: count }, example);
  const trainerOf = ({ model, optimizer }) => new stm.Trainer({ model, loss: new stm.CrossEntropyLoss(), optimizer });
`;

/** \`start(body)\` gives a worker that runs \`body\` after the same prelude. */
const workers = `
  const { Worker } = require('node:worker_threads');
  const before = ${workerSource(training)};
  const start = (body, options = {}) => new Worker(before + body, { eval: true, ...options });
`;

const run = (script: string): ReturnType<typeof runChild> => runChild(training + workers + script);

interface Ending {
  name: string;
  script: string;
  /** How the script must end: with a code, or by a signal. */
  end: number | string;
}

const ends: readonly Ending[] = [
  {
    name: 'exit in a microtask',
    script: 'make().steps(100); Promise.resolve().then(() => process.exit(7));',
    end: 7,
  },
  {
    name: 'exit inside a scope',
    script: 'const t = make(); stm.scope(() => { t.steps(50); process.exit(7); });',
    end: 7,
  },
  {
    name: 'exit inside a backward of the user',
    script: `
      const f = stm.defineFunction({
        forward: (x) => ({ output: x.mul(2), saved: x }),
        backward: () => process.exit(7),
      });
      f(stm.ones([2], { requiresGrad: true })).sum().backward();`,
    end: 7,
  },
  {
    name: 'an error with a full queue',
    script: 'make().steps(300); throw new Error("mine");',
    end: 1,
  },
  {
    name: 'an unhandled rejection with a full queue',
    script: 'make().steps(300); Promise.reject(new Error("mine"));',
    end: 1,
  },
  {
    name: 'exit in an exit handler',
    script: `
      process.on("exit", () => { stm.ones([3]).add(1).data(); process.exit(9); });
      make().step();`,
    end: 9,
  },
  {
    name: 'many ops and reads in an exit handler',
    script: `
      process.on("exit", () => {
        for (let i = 0; i < 1e4; i++) stm.ones([3]).add(1);
        stm.ones([2]).data();
        stm.memory();
      });
      make().step();`,
    end: 0,
  },
  {
    name: 'reallyExit',
    script: 'make().steps(300); process.reallyExit(7);',
    end: 7,
  },
  {
    name: 'abort',
    script: 'make().step(); process.abort();',
    end: 'SIGABRT',
  },
  {
    name: 'the end of the script with work that nobody reads',
    script: 'make().steps(50);',
    end: 0,
  },
  {
    name: 'a read that is awaited at the end',
    script: `
      make().steps(20).item().then((value) => { process.exitCode = Number.isFinite(value) ? 5 : 6; });`,
    end: 5,
  },
  {
    name: 'SIGINT',
    script: `
      const t = make();
      setInterval(() => t.steps(20), 1);
      setTimeout(() => process.kill(process.pid, "SIGINT"), 200);`,
    end: 'SIGINT',
  },
  {
    name: 'SIGTERM with a handler',
    script: `
      process.on("SIGTERM", () => process.exit(3));
      const t = make();
      setInterval(() => t.steps(20), 1);
      setTimeout(() => process.kill(process.pid, "SIGTERM"), 200);`,
    end: 3,
  },
  {
    name: 'SIGINT during fit',
    script: `
      process.on("SIGINT", () => process.exit(4));
      trainerOf(make()).fit(new stm.DataLoader(examples(200), { batchSize: 4 }), { epochs: 1000, progress: false });
      setTimeout(() => process.kill(process.pid, "SIGINT"), 400);`,
    end: 4,
  },
  {
    name: 'a read after the event loop was starved',
    script: `
      const loss = make().step();
      for (const end = Date.now() + 800; Date.now() < end; );
      loss.item().then(() => process.exit(7));`,
    end: 7,
  },
];

describe('a process in training ends by', () => {
  for (const { name, script, end } of ends) {
    test(name, () => {
      const { code, signal } = run(script);
      expect(signal ?? code).toBe(end);
    });
  }
});

const withWorkers: readonly Ending[] = [
  {
    name: 'end while the main thread goes on',
    script: `
      const loss = make().steps(20);
      const worker = start("make().steps(20).item().then((value) => parentPort.postMessage(value));");
      const ended = new Promise((done) => worker.once("exit", done));
      Promise.all([loss.item(), ended]).then(([value, code]) => {
        process.exit(Number.isFinite(value) && code === 0 ? 7 : 8);
      });`,
    end: 7,
  },
  {
    name: 'are terminated in a loop that never yields',
    script: `
      const worker = start("const t = make(); parentPort.postMessage(1); for (;;) t.step();");
      worker.once("message", () => setTimeout(() => worker.terminate().then(() => process.exit(7)), 200));`,
    end: 7,
  },
  {
    name: 'are terminated with reads pending',
    script: `
      const worker = start(
        "const t = make(); for (let i = 0; i < 200; i++) t.step().data(); parentPort.postMessage(1);"
      );
      worker.once("message", () => worker.terminate().then(() => process.exit(7)));`,
    end: 7,
  },
  {
    name: 'come and go twenty times',
    script: `
      (async () => {
        for (let i = 0; i < 20; i++) {
          const worker = start("make(16).steps(3).item().then((value) => parentPort.postMessage(value));");
          const code = await new Promise((done, fail) => worker.on("exit", done).on("error", fail));
          if (code !== 0) process.exit(8);
        }
        process.exit(7);
      })();`,
    end: 7,
  },
  {
    name: 'train while the main thread exits',
    script: `
      for (let i = 0; i < 3; i++) start("const t = make(); setInterval(() => t.steps(50), 0);");
      const t = make();
      setTimeout(() => { t.steps(100); process.exit(7); }, 500);`,
    end: 7,
  },
  {
    name: 'exit by themselves',
    script: `
      start("make().steps(100); process.exit(5);")
        .on("exit", (code) => process.exit(code === 5 ? 7 : 8));`,
    end: 7,
  },
  {
    name: 'throw',
    script: `
      start("make().steps(100); throw new Error(1);")
        .on("error", () => {})
        .on("exit", (code) => process.exit(code === 1 ? 7 : 8));`,
    end: 7,
  },
];

describe('workers in training', () => {
  for (const { name, script, end } of withWorkers) {
    test(name, () => {
      const { code, signal } = run(script);
      expect(signal ?? code).toBe(end);
    });
  }
});

describe('processes that share the package', () => {
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-lifecycle-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  const file = (name: string, script: string): string => {
    const path = join(folder, name);
    writeFileSync(path, prelude + training + script);
    return path;
  };

  test('a fork trains beside its parent', () => {
    const script = `
      const t = make();
      if (process.argv[2] === 'child') t.step().item().then(() => process.exit(0));
      else {
        const child = require('node:child_process').fork(__filename, ['child']);
        t.step();
        child.on('exit', (code) => process.exit(code === 0 ? 7 : 8));
      }`;
    const { code, signal } = runScript(
      `process.argv.splice(1, 0, 'x'); require(${JSON.stringify(file('fork.cjs', script))});`,
    );
    expect(signal ?? code).toBe(7);
  });

  test('a cluster trains in each of its workers', () => {
    const script = `
      const cluster = require('node:cluster');
      const t = make();
      if (cluster.isPrimary) {
        cluster.setupPrimary({ exec: __filename });
        let ended = 0;
        const end = (code) => {
          if (code !== 0) process.exit(8);
          if (++ended === 2) process.exit(7);
        };
        for (let i = 0; i < 2; i++) cluster.fork().on('exit', end);
      } else t.steps(5).item().then(() => process.exit(0));`;
    const { code, signal } = runScript(`require(${JSON.stringify(file('cluster.cjs', script))});`);
    expect(signal ?? code).toBe(7);
  });
});

test('two fits and an evaluation at once: the second fit is refused, the trainer stays usable', () => {
  const child = run(`
    const trainer = trainerOf(make()), loader = new stm.DataLoader(examples(32), { batchSize: 4 });
    const fit = () => trainer.fit(loader, { epochs: 1, progress: false });
    Promise.allSettled([fit(), fit(), trainer.evaluate(loader)]).then(async (results) => {
      console.log(results.map(({ status, reason }) => status + ' ' + (reason?.name ?? '')).join());
      await fit();
      process.exit(7);
    });`);
  expect(child).toMatchObject({ code: 7, stdout: 'fulfilled ,rejected OptionError,fulfilled \n' });
});
