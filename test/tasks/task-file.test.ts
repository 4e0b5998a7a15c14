import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { EventClassifier, Forecaster, LanguageModel, Tagger, TextClassifier } from '../../src/tasks';

test.each([
  ['TextClassifier', TextClassifier],
  ['Tagger', Tagger],
  ['LanguageModel', LanguageModel],
  ['EventClassifier', EventClassifier],
  ['Forecaster', Forecaster],
])('what is no file is refused in the name of %s.load', async (name, task) => {
  await expect(task.load(tmpdir())).rejects.toThrow(`${name}.load: got ${tmpdir()}, a folder`);
  await expect(task.load('not-there.safetensors')).rejects.toThrow(`${name}.load: `);
  await expect(task.load(3 as never)).rejects.toThrow(`${name}.load: got 3 as path`);
});
