import { expect, test } from 'vitest';
import { drawTrials, roundsOf } from '../../src/cli/tuning';
import { entryOf } from '../../src/tasks/catalogue';

test.each([
  [20, 9, '20×1 7×3 3×9'],
  [4, 9, '4×3 2×9'],
  [1, 5, '1×5'],
  [81, 3, '81×1 27×3'],
  [27, 27, '27×1 9×3 3×9 1×27'],
])('%i trials and %i epochs are the rounds %s', (trials, epochs, rounds) => {
  expect(
    roundsOf(trials, epochs)
      .map((round) => `${round.trials}×${round.epochs}`)
      .join(' '),
  ).toBe(rounds);
});

test('trials are drawn within their ranges, the same for a seed, and leave what was given', () => {
  const open = entryOf('test', 'classify').search.filter(({ name }) => name !== 'cell');
  const trials = drawTrials(open, { trials: 200, seed: 1 });
  expect(trials[0]).toEqual({});
  expect(drawTrials(open, { trials: 200, seed: 1 })).toEqual(trials);
  expect(drawTrials(open, { trials: 7, seed: 1 })).toEqual(trials.slice(0, 7));
  expect(drawTrials(open, { trials: 200, seed: 2 })).not.toEqual(trials);
  const rates = trials.slice(1).map(({ learningRate }) => Number(learningRate));
  expect(Math.min(...rates)).toBeGreaterThanOrEqual(5e-4);
  expect(Math.max(...rates)).toBeLessThanOrEqual(1e-2);
  // Half of them lie below the geometric mean of the ends.
  const low = rates.filter((rate) => rate < Math.sqrt(5e-4 * 1e-2)).length;
  expect(low).toBeGreaterThan(80);
  expect(low).toBeLessThan(120);
  expect(new Set(trials.slice(1).map(({ hiddenSize }) => hiddenSize))).toEqual(new Set([32, 64, 128, 256]));
  expect(trials.every((trial) => !('cell' in trial))).toBe(true);
});
