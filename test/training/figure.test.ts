import { expect, test } from 'vitest';
import { Accuracy, DeviceMetric, zeros, type Tensor } from 'stmnet';
import { checkFigure, figureNames, figureOf } from '../../src/training/figure';

class Spread extends DeviceMetric {
  readonly name = 'spread';
  override readonly figureNames = ['low', 'high'];
  protected count = (): Tensor => zeros([], { dtype: 'f64' });
  protected result = (): number => 0;
}
const metrics = [
  { metric: new Accuracy(), name: 'f1' },
  { metric: new Accuracy(), name: 'words.accuracy' },
];
const trained = figureNames(metrics, false);
const validated = figureNames(metrics, true);

test('the names of the figures', () => {
  expect(trained).toEqual(['train.loss', 'train.f1', 'train.words.accuracy']);
  expect(validated).toEqual([...trained, 'validation.loss', 'validation.f1', 'validation.words.accuracy']);
});

test('further figures of a metric have names below its own', () => {
  expect(figureNames([{ metric: new Spread(), name: 'margin' }], false)).toEqual([
    'train.loss',
    'train.margin',
    'train.margin.low',
    'train.margin.high',
  ]);
});

test('the value of a figure', () => {
  const record = { train: { loss: 1, 'words.accuracy': 0.5 }, validation: { loss: Number.NaN } };
  expect(figureOf(record, 'train.words.accuracy')).toBe(0.5);
  expect(figureOf(record, 'validation.loss')).toBeNaN();
  expect(figureOf({ train: { loss: 1 } }, 'validation.loss')).toBeUndefined();
  expect(figureOf(record, 'loss')).toBeUndefined();
});

test.each([
  ['validation.f1', trained, 'pass fit a validation: trainer.fit(loader, { epochs, validation })'],
  ['val_loss', trained, 'pass fit a validation: trainer.fit(loader, { epochs, validation })'],
  ['loss', validated, "write 'validation.loss', if that is what you mean"],
  ['loss', trained, "write 'train.loss', if that is what you mean"],
  ['val_loss', validated, "write 'validation.loss', if that is what you mean"],
  ['f1', validated, "write 'validation.f1', if that is what you mean"],
  ['validation.f2', validated, "write 'validation.f1', if that is what you mean"],
  ['validation.words.acc', validated, "write 'validation.words.accuracy', if that is what you mean"],
  ['val_words.acc', validated, "write 'validation.words.accuracy', if that is what you mean"],
  ['words', validated, "write 'validation.words.accuracy', if that is what you mean"],
  ['validaton.loss', validated, "write 'validation.loss', if that is what you mean"],
  ['validation.los', validated, "write 'validation.loss', if that is what you mean"],
  ['validation.auc', validated, 'give the Trainer a metric of this name, or watch one of those'],
  ['validation.recall', validated, 'give the Trainer a metric of this name, or watch one of those'],
  [7, validated, 'give the Trainer a metric of this name, or watch one of those'],
])('a figure that is not there: %s', (figure, known, fix) => {
  const check = (): void => checkFigure('EarlyStopping', 'figure', figure, known);
  const given = typeof figure === 'string' ? `"${figure}"` : String(figure);
  expect(check).toThrow(`EarlyStopping: got figure: ${given}, expected one of ${known.join(', ')}.\n  Fix: ${fix}.`);
});
