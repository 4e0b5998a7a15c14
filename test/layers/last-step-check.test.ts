import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  Bidirectional,
  Dropout,
  GRU,
  LastStep,
  LayerNorm,
  Linear,
  LSTM,
  noGrad,
  ReLU,
  Sequential,
  zeros,
  type Module,
} from 'stmnet';

let warned: string[] = [];
beforeEach(() => {
  warned = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void warned.push(String(warning)));
});
afterEach(() => void vi.restoreAllMocks());

const both = (): LSTM => new LSTM({ inputSize: 2, hiddenSize: 4, bidirectional: true });
const one = (): GRU => new GRU({ inputSize: 2, hiddenSize: 8 });
const halves = (): LastStep => new LastStep({ bidirectional: true });
const twoModules = (merge: 'concat' | 'sum'): Bidirectional => new Bidirectional(one(), one(), { merge });

/** What is said of the layers, which run twice. */
function said(...layers: Module[]): string[] {
  const model = new Sequential(...layers);
  expect(warned).toEqual([]);
  noGrad(() => [model.forward(zeros([2, 3, 2])), model.forward(zeros([2, 3, 2]))]);
  return warned;
}

test('LastStep after a bidirectional layer without its option is told once', () => {
  expect(said(both(), new LastStep(), new Linear({ inFeatures: 8, outFeatures: 1 }))).toEqual([
    'Sequential: got LastStep() after a bidirectional LSTM, expected new LastStep({ bidirectional: true }): the ' +
      'backward half of the last step has seen no other step, that of the first step all of them.\n' +
      '  Fix: write new LastStep({ bidirectional: true }).',
  ]);
});

test('and LastStep with its option after a layer of one direction', () => {
  expect(said(one(), halves())).toEqual([
    'Sequential: got LastStep({ bidirectional: true }) after GRU of one direction, expected new LastStep(): half of ' +
      'the features would be those of the first step, which has seen no other.\n  Fix: write new LastStep().',
  ]);
});

test('also through layers that leave features where they are, and in a Sequential within', () => {
  const keepers = [new Dropout(), new LayerNorm({ normalizedShape: 8 }), new ReLU()];
  expect(said(new Sequential(both(), ...keepers), new Sequential(new LastStep()))).toHaveLength(1);
  warned = [];
  expect(said(new Sequential(one(), halves()))).toHaveLength(1);
  warned = [];
  expect(said(twoModules('concat'), new LastStep())).toHaveLength(1);
});

test.each<[string, () => Module[]]>([
  ['both directions', () => [both(), new Dropout(), halves()]],
  ['one direction', () => [one(), new LastStep()]],
  ['features that were mixed', () => [both(), new Linear({ inFeatures: 8, outFeatures: 2 }), new LastStep()]],
  ['a sum of both directions', () => [twoModules('sum'), halves()]],
  ['the last of two layers', () => [both(), new GRU({ inputSize: 8, hiddenSize: 2 }), new LastStep()]],
  ['no recurrent layer', () => [halves()]],
])('nothing is said of %s', (_, layers) => {
  expect(said(...layers())).toEqual([]);
});
