import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { Linear, quantizeDynamic } from '../../src/index';
import { quantizeTask, TextClassifier } from '../../src/tasks';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('quantize-task', (made) => (folder = made));

const texts = Array.from({ length: 40 }, (_, at) => ({
  text: `a ${at % 2 === 0 ? 'fine' : 'dull'} day, number ${at}`,
  label: at % 2 === 0 ? 'good' : 'bad',
}));

async function trained(): Promise<TextClassifier> {
  const classifier = new TextClassifier({ hiddenSize: 32, embeddingDim: 8, dropout: 0 });
  await classifier.fit(texts, { epochs: 12, batchSize: 8, learningRate: 2e-2, seed: 3, progress: false });
  return classifier;
}

test('a task answers, is saved and loaded with weights of 8 bits as before', async () => {
  const classifier = await trained();
  const [large, small] = [join(folder, 'large.safetensors'), join(folder, 'small.safetensors')];
  await classifier.save(large);
  const before = await classifier.evaluate(texts);
  expect(quantizeTask(classifier)).toEqual({ quantized: ['encoder.1', 'head'], left: [] });
  const after = await classifier.evaluate(texts);
  expect(after.accuracy).toBe(before.accuracy);
  expect(Math.abs(after.loss - before.loss)).toBeLessThan(0.02);
  expect(after.loss).not.toBe(before.loss);
  await classifier.save(small);
  expect(statSync(small).size).toBeLessThan(statSync(large).size);
  const again = await TextClassifier.load(small);
  expect(await again.predict('a dull day')).toEqual(await classifier.predict('a dull day'));
});

test('one layer alone', async () => {
  expect(quantizeTask(await trained(), { layers: ['head'] })).toEqual({
    quantized: ['head'],
    left: [{ path: 'encoder.1', reason: 'not among layers' }],
  });
});

test('what is no task, or has learned nothing, or has 8 bits already', async () => {
  expect(() => quantizeTask(new Linear({ inFeatures: 1, outFeatures: 1 }) as never)).toThrow(
    /^quantizeTask: got .* as task, expected a trained task, such as a TextClassifier\.\n {2}Fix: .*\(model\)\.$/,
  );
  expect(() => quantizeTask(new TextClassifier())).toThrow('quantizeTask: got a task that has learned nothing yet');
  const classifier = await trained();
  expect(() => quantizeTask(classifier, { layers: ['haed'] })).toThrow('quantizeTask: got "haed" in layers');
  quantizeTask(classifier);
  expect(() => quantizeTask(classifier)).toThrow('quantizeTask: got a model whose layers have 8 bits already');
  await expect(classifier.fit(texts, { output: join(folder, 'run'), progress: false })).rejects.toThrow(
    'fit: got a task with weights of 8 bits, expected one whose weights can learn.\n  Fix: load it in f32 once more',
  );
  expect(existsSync(join(folder, 'run'))).toBe(false);
  expect(() => quantizeDynamic(classifier as never)).toThrow(
    'Fix: pass it to quantizeTask(task) of stmnet/tasks, which stmnet quantize RUN does, too, or quantise task.model.',
  );
});
