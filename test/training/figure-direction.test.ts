import { expect, test } from 'vitest';
import { EarlyStopping } from 'stmnet';
import { readCheckpoints } from '../../src/training/checkpoint-options';
import { directionOf, isBetter } from '../../src/training/figure-direction';

test.each([
  ['validation.loss', 'min'],
  ['train.meanAbsoluteError', 'min'],
  ['validation.perplexity', 'min'],
  ['validation.wer', 'min'],
  ['validation.f1', 'max'],
  ['validation.balancedAccuracy', 'max'],
  ['train.entityF1', 'max'],
  ['validation.rocAuc', 'max'],
  ['validation.r2', 'max'],
])('%s should become %s', (figure, mode) => {
  expect(directionOf('EarlyStopping', figure)).toBe(mode);
});

test.each(['validation.words', 'validation.lossAccuracy'])('a name that does not tell: %s', (figure) => {
  expect(() => directionOf('EarlyStopping', figure)).toThrow(
    `EarlyStopping: got figure: "${figure}" without a mode, expected to be told whether it should become small or ` +
      "large.\n  Fix: pass mode: 'min' or mode: 'max'.",
  );
});

test('what is better', () => {
  expect(isBetter(1, undefined, 'min')).toBe(true);
  expect(isBetter(Number.NaN, undefined, 'min')).toBe(false);
  expect(isBetter(-Infinity, 1, 'min')).toBe(false);
  expect([isBetter(0.95, 1, 'min'), isBetter(0.95, 1, 'min', 0.1), isBetter(1, 1, 'min')]).toEqual([
    true,
    false,
    false,
  ]);
  expect([isBetter(1.05, 1, 'max'), isBetter(1.05, 1, 'max', 0.1), isBetter(1, 1, 'max')]).toEqual([
    true,
    false,
    false,
  ]);
});

test('a mode of auto, as Keras has it', () => {
  for (const make of [
    () => new EarlyStopping({ mode: 'auto' as 'min' }),
    () => readCheckpoints('Trainer.fit', { folder: 'x', best: { figure: 'validation.loss', mode: 'auto' } }),
  ])
    expect(make).toThrow(
      "got mode: \"auto\", expected one of 'min', 'max'.\n" +
        '  Fix: leave it out: what the name of the figure says is the default.',
    );
  expect(() => new EarlyStopping({ mode: 'low' as 'min' })).toThrow('got mode: "low"');
});
