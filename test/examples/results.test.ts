import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch';
import { dataPath, testWithData } from '../support/shared-data';

const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = scratchFolder('examples');

/** What a run may say of itself: its epochs, the best of them, and what a language model learns from. */
const progress =
  /^(epoch|best|no weights were|weights are) .*$|^[\d,]+ tokens to learn from, [\d,]+ to validate on; .*$/gm;

/** A short run of an example on its data: the figures in its last line. */
const figuresOf = (name: string, ...flags: string[]): Record<string, number> =>
  lastLineOf(name, '--data', dataPath('.'), ...flags);

/** The figures in the last line of an example. */
function lastLineOf(name: string, ...flags: string[]): Record<string, number> {
  const { status, stdout, stderr } = spawnSync(process.execPath, [`${root}dist/examples/${name}.js`, ...flags], {
    encoding: 'utf8',
    cwd: root,
  });
  expect({ status, stderr: stderr.replace(progress, '').trim() }).toEqual({ status: 0, stderr: '' });
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

testWithData('membership-leak tells less of a training with dropout and weight decay', ['names/Greek.txt'], () => {
  const { neither = 0, both = 1, neitherAccuracy } = figuresOf('membership-leak', '--names', '400', '--epochs', '16');
  expect(neither).toBeGreaterThan(0.53);
  expect(both).toBeLessThan(neither);
  expect(neitherAccuracy).toBeGreaterThan(0.5); // all Russian is 0.468
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

testWithData('language-model learns from 60,000 characters', ['tinyshakespeare/input.txt'], ([play]) => {
  const text = join(folder, 'play.txt');
  writeFileSync(text, readFileSync(play, 'utf8').slice(0, 60_000));
  const flags = ['--text', text, '--hidden', '64', '--epochs', '8'];
  const { nats, perplexity, bitsPerCharacter } = lastLineOf('language-model', ...flags);
  expect(nats).toBeLessThan(2.7); // letters by their frequency is 3.3
  expect(perplexity).toBeCloseTo(Math.exp(nats ?? 0), 6);
  expect(bitsPerCharacter).toBeCloseTo((nats ?? 0) / Math.LN2, 6);
});

testWithData('regularized-language-model measures what regularisers do', ['wikitext-2-partial/test.txt.gz'], () => {
  const flags = ['--lines', '60', '--epochs', '2', '--hidden', '16', '--rows', 'none,all', '--validate'];
  const { none = 0, all = 0, gain } = figuresOf('regularized-language-model', ...flags);
  expect(none).toBeLessThan(200); // all words as probable as each other are 400 and more
  expect(all).not.toBe(none);
  expect(gain).toBeCloseTo(1 - all / none, 9);
});

test('next-word knows what it has learned by heart', () => {
  const { train, test: heldOut } = lastLineOf('next-word');
  expect(train).toBe(1);
  expect(heldOut).toBeLessThan(0.5);
});

test.each([
  ['adding', 0.15], // 0.08 by 0.5 at all times
  ['order', 0.4], // 0.25 by chance
  ['copy', 0.92], // blanks alone are 0.917; who guesses the copied symbols comes to 0.927
])('long-memory begins to solve %s', (problem, least) => {
  const { accuracy, sequences } = lastLineOf('long-memory', '--problem', problem, '--epochs', '2');
  expect(accuracy).toBeGreaterThan(least);
  expect(sequences).toBe(4000);
});

testWithData('tinyshakespeare learns in an epoch', ['tinyshakespeare/input.txt'], () => {
  const { nats } = figuresOf('tinyshakespeare', '--hidden', '64', '--epochs', '1');
  expect(nats).toBeLessThan(2.7); // letters by their frequency is 3.3
});

testWithData('the TextClassifier learns from each set in an epoch', ['sms-spam/SMSSpamCollection.tsv'], () => {
  const accuracyOf = (set: string) => figuresOf('classify', '--set', set, '--epochs', '1')['accuracy'];
  expect(accuracyOf('sms-spam')).toBeGreaterThan(0.94); // all ham is 0.866
  expect(accuracyOf('names')).toBeGreaterThan(0.55); // all Russian is 0.468
});

testWithData('the Tagger learns parts of speech from 1,000 sentences', ['ud-ewt-pos/en-ud-tag.v2.train.txt.gz'], () => {
  const { accuracy } = figuresOf('tagger', '--sentences', '1000', '--epochs', '3');
  expect(accuracy).toBeGreaterThan(0.7); // all nouns is 0.17
});

testWithData('the Tagger learns intents and slots from 1,000 sentences', ['snips/train/seq.in.txt'], () => {
  const { labelAccuracy, entityF1 } = figuresOf('tagger', '--set', 'snips', '--sentences', '1000', '--epochs', '3');
  expect(labelAccuracy).toBeGreaterThan(0.8); // the most frequent of seven is about 0.16
  expect(entityF1).toBeGreaterThan(0.1);
});

testWithData('translate learns phonemes from 2,000 words', ['cmudict/cmudict.txt.gz'], () => {
  const { phonemeError, wordError } = figuresOf('translate', '--pairs', '2000', '--epochs', '10');
  expect(phonemeError).toBeLessThan(0.6); // 0.9 and more by the most frequent ones
  expect(wordError).toBeLessThan(1);
});

testWithData('translate tells how much better attention makes it', ['anki-eng-fra/eng-fra-5000.tsv'], () => {
  const flags = ['--set', 'anki-eng-fra', '--pairs', '1000', '--epochs', '10'];
  const { bleu, without, gain } = figuresOf('translate', ...flags);
  expect(bleu).toBeGreaterThan(0.5); // 0 of an empty text
  expect(gain).toBeCloseTo((bleu ?? 0) - (without ?? 0), 10);
});

testWithData('binary learns in three epochs', ['sms-spam/SMSSpamCollection.tsv'], () => {
  expect(figuresOf('binary')['accuracy']).toBeGreaterThan(0.95); // all ham is 0.866
});

testWithData('compare-cells compares', ['names/Greek.txt'], () => {
  const flags = ['--cells', 'gru,rnn', '--hidden-sizes', '32', '--epochs', '1'];
  expect(figuresOf('compare-cells', ...flags)['accuracy']).toBeGreaterThan(0.5); // all Russian is 0.468
});

testWithData('speech learns the digits of a speaker', ['fsdd/index.tsv'], () => {
  const { charErrorRate, accuracy } = figuresOf('speech', '--speakers', '1', '--epochs', '18');
  expect(charErrorRate).toBeLessThan(0.3); // nothing said is 1
  expect(accuracy).toBeGreaterThan(0.4); // a guess is 0.1
});

testWithData('answers finds who is where', ['babi/en/qa1_single-supporting-fact_train.txt'], () => {
  const { attention1 } = figuresOf('answers', '--tasks', '', '--epochs', '20');
  expect(attention1).toBeGreaterThan(0.5); // a guess among six is 0.17
});

testWithData('spans finds slots, from 400 sentences', ['snips/train/seq.in.txt'], () => {
  const { exactMatch, f1 } = figuresOf('spans', '--sentences', '400', '--tasks', '', '--epochs', '5');
  expect(exactMatch).toBeGreaterThan(0.5); // a random word of nine is right in less than 0.1
  expect(f1).toBeGreaterThan(exactMatch ?? 1);
});

test('purchase-intent learns from 1,000 customers', () => {
  const flags = ['--customers', '1000', '--epochs', '6'];
  const { auroc, logLoss, optimum, behind, ahead } = lastLineOf('purchase-intent', ...flags);
  expect(optimum).toBeGreaterThan(0.75);
  expect(optimum).toBeLessThan(0.85);
  expect(auroc).toBeGreaterThan(0.72);
  expect(logLoss).toBeLessThan(0.5);
  expect(behind).toBeCloseTo((optimum ?? 0) - (auroc ?? 0), 10);
  expect(ahead).toBeGreaterThan(0);
});

testWithData('forecast learns from a cut of each set', ['ett/ETTh1.csv.gz', 'beijing-pm25/pollution.csv.gz'], () => {
  const ofHours = figuresOf('forecast', '--set', 'ett', '--steps', '1500', '--epochs', '1');
  expect(ofHours['rmse']).toBeLessThan(2); // persistence is 1.7, the day before 1.96, the mean of the training 7
  const ofAir = figuresOf('forecast', '--set', 'beijing-pm25', '--steps', '1500', '--epochs', '2');
  expect(ofAir['rmse']).toBeLessThan(26); // persistence is 23.5, the hour of the day before 101
});

testWithData('forecast learns how passengers grow', ['airline-passengers/airline-passengers.csv'], () => {
  expect(figuresOf('forecast')['rmse']).toBeLessThan(47); // persistence is 48, the year before 42
});
