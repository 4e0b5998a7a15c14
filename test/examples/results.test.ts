import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { dataPath, testWithData } from '../support/shared-data';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** A short run of an example: the figures in its last line. */
function figuresOf(name: string, ...flags: string[]): Record<string, number> {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [`${root}dist/examples/${name}.js`, '--data', dataPath('.'), ...flags],
    { encoding: 'utf8', cwd: root },
  );
  expect({ status, stderr: stderr.replace(/^epoch .*$/gm, '').trim() }).toEqual({ status: 0, stderr: '' });
  return JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, number>;
}

testWithData('sms-spam learns in two epochs', ['sms-spam/SMSSpamCollection.tsv'], () => {
  const { accuracy, f1 } = figuresOf('sms-spam', '--epochs', '2');
  expect(accuracy).toBeGreaterThan(0.96); // all ham is 0.866
  expect(f1).toBeGreaterThan(0.85);
});

testWithData('names learns in an epoch', ['names/Greek.txt'], () => {
  expect(figuresOf('names', '--epochs', '1')['accuracy']).toBeGreaterThan(0.6); // all Russian is 0.468
});

testWithData('ud-ewt-pos learns from 2,000 sentences', ['ud-ewt-pos/en-ud-tag.v2.train.txt.gz'], () => {
  const { accuracy } = figuresOf('ud-ewt-pos', '--sentences', '2000', '--epochs', '2');
  expect(accuracy).toBeGreaterThan(0.75); // all nouns is 0.17
});

testWithData('snips learns from 2,000 sentences', ['snips/train/seq.in.txt'], () => {
  const { accuracy, entityF1 } = figuresOf('snips', '--sentences', '2000', '--epochs', '2');
  expect(accuracy).toBeGreaterThan(0.8); // the most frequent of seven is about 0.16
  expect(entityF1).toBeGreaterThan(0.1);
});

testWithData('tinyshakespeare learns in an epoch', ['tinyshakespeare/input.txt'], () => {
  const { nats } = figuresOf('tinyshakespeare', '--hidden', '64', '--epochs', '1');
  expect(nats).toBeLessThan(2.7); // letters by their frequency is 3.3
});
