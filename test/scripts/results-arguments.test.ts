import { expect, test } from 'vitest';
import { readArguments } from '../../scripts/results-arguments';

test.each([
  [['names'], { name: 'names', data: [], flags: [] }],
  [['names', '--runs', '1,2'], { name: 'names', runs: ['1', '2'], data: [], flags: [] }],
  [['names', '--epochs', '3', '--runs=4'], { name: 'names', runs: ['4'], data: [], flags: ['--epochs', '3'] }],
  [['names', '--data', 'a=b', '--epochs=3'], { name: 'names', data: ['--data=a=b'], flags: ['--epochs=3'] }],
  [[], { name: '', data: [], flags: [] }],
])('%j', (given, read) => {
  expect(readArguments(given)).toEqual(read);
});
