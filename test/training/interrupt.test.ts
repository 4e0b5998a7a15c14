import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { runScript, runWithoutErrors } from '../support/child';
import { scratchFolder } from '../support/scratch';

const root = scratchFolder('interrupt');

/** `train(folder, callback)`: eight steps in four epochs, with checkpoints if there is a folder. */
const training = `
  const { Linear, MSELoss, SGD, Trainer, tensor } = require('stmnet');
  const train = (folder, onStep, progress = false, more = {}) => {
    const model = new Linear({ inFeatures: 1, outFeatures: 1 });
    const optimizer = new SGD(model.parameters(), { learningRate: 0.01 });
    const trainer = new Trainer({ model, loss: new MSELoss(), optimizer });
    const batches = [1, 2].map((x) => ({ input: tensor([[x]]), target: tensor([[x]]) }));
    const checkpoints = folder === undefined ? {} : { checkpoints: { folder } };
    return trainer.fit(batches, { epochs: 4, progress, callbacks: [{ onStep }], ...checkpoints, ...more });
  };
  const interrupt = ({ steps }) => { if (steps === 3) process.kill(process.pid, 'SIGINT'); };
  // Signals come to JavaScript with the event loop.
  const waiting = async (run) => { interrupt(run); await new Promise((resolve) => setTimeout(resolve, 20)); };
`;

describe('Ctrl-C in a training', () => {
  test('with checkpoints ends the process by the signal, with one of the running step', async () => {
    const folder = join(root, 'plain');
    const child = runScript(
      `${training} train(${JSON.stringify(folder)}, waiting).then(() => console.log('went on'));`,
    );
    expect({ ...child, ms: 0, stderr: '' }).toEqual({ code: null, signal: 'SIGINT', stdout: '', stderr: '', ms: 0 });
    expect(child.stderr).toContain('Trainer.fit: stopped after step 3. Resumed, it goes on from ');
    expect(await readdir(folder)).toEqual(['step-000000002.safetensors', 'step-000000003.safetensors']);
  });

  test('is told by whoever shows the training, where that says so', () => {
    const folder = JSON.stringify(join(root, 'told'));
    const child = runScript(`${training}
      process.on('SIGINT', () => console.log('handled'));
      const nothing = () => undefined;
      const names = ['start', 'step', 'figures', 'validation', 'end', 'note', 'stop'];
      const progress = () => ({ ...Object.fromEntries(names.map((name) => [name, nothing])), tellsInterrupts: true });
      train(${folder}, waiting, progress).catch(({ code }) => console.log(code));
    `);
    expect({ ...child, ms: 0 }).toEqual({
      code: 0,
      signal: null,
      stdout: 'handled\nERR_STM_INTERRUPTED\n',
      stderr: '',
      ms: 0,
    });
  });

  test('is told after the checkpoint was read that a training goes on from, by whoever shows it', () => {
    const resumed = (tellsInterrupts: boolean): ReturnType<typeof runScript> => {
      const folder = JSON.stringify(join(root, `resumed-${tellsInterrupts}`));
      return runScript(`${training}
        process.on('SIGINT', () => console.log('handled'));
        const nothing = () => undefined;
        const names = ['start', 'step', 'figures', 'validation', 'end', 'note', 'stop'];
        const shown = Object.fromEntries(names.map((name) => [name, nothing]));
        const progress = () => (console.log('shown'), { ...shown, tellsInterrupts: ${tellsInterrupts} });
        // While the training listens, and has yet to read its checkpoint.
        const ctrlC = () => process.once('newListener', () => queueMicrotask(() => process.emit('SIGINT')));
        const again = () => (ctrlC(), train(${folder}, nothing, progress, { resume: true }));
        train(${folder}, waiting, progress).catch(again).catch(({ message }) => console.log(message.split('\\n')[0]));
      `);
    };
    const given = 'Trainer.fit: got Ctrl-C in epoch 2, after step 4, expected to train 4 epochs.';
    const stdout = `shown\nhandled\nhandled\nshown\n${given}\n`;
    expect({ ...resumed(true), ms: 0 }).toEqual({ code: 0, signal: null, stdout, stderr: '', ms: 0 });
    const { stderr, ...told } = resumed(false);
    expect(told.stdout).toBe(stdout);
    expect(stderr.match(/Trainer\.fit: stops after this step/g)).toHaveLength(2);
  });

  test('is an error where the program has a handler of its own, and handlers are gone afterwards', async () => {
    const [own, other] = ['own', 'other'].map((name) => JSON.stringify(join(root, name)));
    const child = runScript(`${training}
      process.on('SIGINT', () => console.log('handled'));
      const listeners = () => process.listenerCount('SIGINT');
      const told = ({ name, code, message }) => console.log(name, code, message.split('\\n')[0], listeners());
      const again = () => train(${other}, () => undefined);
      train(${own}, waiting).catch(told).then(again).then(({ epochs }) => console.log(epochs.length, listeners()));
    `);
    expect(child.code, child.stderr).toBe(0);
    const given = 'Trainer.fit: got Ctrl-C in epoch 2, after step 3, expected to train 4 epochs.';
    expect(child.stdout).toBe(`handled\nTrainingError ERR_STM_INTERRUPTED ${given} 1\n4 1\n`);
  });

  test('makes a checkpoint where nobody reads standard error any more', async () => {
    const folder = join(root, 'unread');
    const child = await runWithoutErrors(`${training}
      process.on('SIGINT', () => console.log('handled'));
      train(${JSON.stringify(folder)}, waiting).catch(({ code }) => console.log(code));
    `);
    expect(child).toEqual({ code: 0, stdout: 'handled\nERR_STM_INTERRUPTED\n' });
    expect(await readdir(folder)).toEqual(['step-000000002.safetensors', 'step-000000003.safetensors']);
  });

  test('without checkpoints ends the process at once, as it does by default', () => {
    const child = runScript(`${training} train(undefined, waiting);`);
    expect({ ...child, ms: 0 }).toEqual({ code: null, signal: 'SIGINT', stdout: '', stderr: '', ms: 0 });
  });

  test('waits for all trainings that are to have a checkpoint', async () => {
    const [first, second] = [join(root, 'first'), join(root, 'second')];
    const child = runScript(`${training}
      let struck;
      const interrupted = new Promise((resolve) => { struck = resolve; });
      const slow = () => interrupted;
      train(${JSON.stringify(first)}, async (run) => { await waiting(run); if (run.steps === 3) struck(); });
      train(${JSON.stringify(second)}, slow);
    `);
    expect(child.signal, child.stderr).toBe('SIGINT');
    expect(await readdir(first)).toContain('step-000000003.safetensors');
    expect(await readdir(second)).toEqual(['step-000000001.safetensors']);
  });

  test('is not heard in a worker, where checkpoints work as elsewhere', async () => {
    const folder = join(root, 'worker');
    const body = JSON.stringify(`${training}
      const { parentPort } = require('node:worker_threads');
      const told = ({ epochs }) => parentPort.postMessage([epochs.length, process.listenerCount('SIGINT')]);
      train(${JSON.stringify(folder)}, () => undefined).then(told);`);
    const child = runScript(`
      const { Worker } = require('node:worker_threads');
      new Worker(${body}, { eval: true }).on('message', (message) => console.log(JSON.stringify(message)));
    `);
    expect([child.stdout, child.stderr, child.code]).toEqual(['[4,0]\n', '', 0]);
    expect(await readdir(folder)).toEqual(['step-000000006.safetensors', 'step-000000008.safetensors']);
  });
});
