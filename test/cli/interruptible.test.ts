import { expect, test } from 'vitest';
import { interruptible } from '../../src/cli/interruptible';
import { Interrupted } from '../../src/cli/report-error';
import { fitTask } from '../../src/cli/task-verbs';
import { entryOf } from '../../src/tasks/catalogue';
import { silent, type Progress } from '../../src/training/progress';

const ctrlC = (): boolean => process.emit('SIGINT');

test('Ctrl-C between two trainings is known to the check, and the message tells what is done by then', async () => {
  let [done, asked] = [0, 0];
  const running = interruptible(
    { options: { quiet: true }, onAsked: () => (asked += 1), message: () => `${done} done` },
    async (check) => {
      for (; done < 5; done++) {
        check();
        if (done === 2) ctrlC();
      }
    },
  );
  await expect(running).rejects.toEqual(new Interrupted('3 done'));
  expect({ done, asked }).toEqual({ done: 3, asked: 1 });
  expect(process.listenerCount('SIGINT')).toBe(0);
});

test('what Ctrl-C did not bring about stays as it is', async () => {
  const message = (): string => 'stopped';
  await expect(interruptible({ options: {}, message }, async () => 7)).resolves.toBe(7);
  const failing = interruptible({ options: {}, message }, () => Promise.reject(new TypeError('other')));
  await expect(failing).rejects.toEqual(new TypeError('other'));
});

test('Ctrl-C while a task prepares its training ends it before the first step', async () => {
  const entry = entryOf('test', 'events');
  const task = entry.make({ horizon: 5, hiddenSize: 4 });
  const days = Array.from({ length: 400 }, (_, at) => ({ customer: at % 20, date: Math.floor(at / 20) * 5 }));
  const train = days.filter(({ customer, date }) => customer % 2 === 0 || date < 40); // half of them stop
  let epochs = 0;
  const progress = (): Progress => ({ ...silent, end: () => (epochs += 1) });
  const running = interruptible({ options: { quiet: true }, message: () => 'stopped' }, (check) => {
    const data = { train, validation: undefined };
    const training = fitTask(entry, task, data, { epochs: 3, progress }, check);
    ctrlC(); // `fit` has yet to read the examples and to fit the baseline
    return training;
  });
  await expect(running).rejects.toEqual(new Interrupted('stopped'));
  expect(epochs).toBe(0);
});
