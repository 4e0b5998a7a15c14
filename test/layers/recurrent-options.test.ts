import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { GRU, LSTM, RNN } from 'stmnet';

let warned: [message: string, code: unknown][] = [];
beforeEach(() => {
  warned = [];
  vi.spyOn(process, 'emitWarning').mockImplementation((message, options) => {
    warned.push([String(message), (options as { code?: string } | undefined)?.code]);
  });
});
afterEach(() => void vi.restoreAllMocks());

const sizes = { inputSize: 2, hiddenSize: 3 };

test('dropout with one layer is told of, once for each class', () => {
  const silent = [new LSTM({ ...sizes, dropout: 0.5, numLayers: 2 }), new LSTM(sizes)];
  expect(warned.slice(0, silent.length)).toEqual([]);
  const odd = [0, 1].map(() => [
    new LSTM({ ...sizes, dropout: 0.5 }),
    new GRU({ ...sizes, dropout: 0.25, numLayers: 1 }),
    new RNN({ ...sizes, dropout: 0.5, bidirectional: true }),
  ]);
  expect(odd).toHaveLength(2);
  const told = (name: string, p: number): [string, string] => [
    `${name}: got dropout: ${p} with numLayers: 1, expected at least 2 layers, between which it drops: it does ` +
      'nothing here.\n  Fix: put a Dropout({ p }) behind the layer, raise numLayers, or leave dropout out.',
    'STM_UNUSED_DROPOUT',
  ];
  expect(warned).toEqual([told('LSTM', 0.5), told('GRU', 0.25), told('RNN', 0.5)]);
});
