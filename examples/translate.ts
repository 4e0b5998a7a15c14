// A text becomes another one: the letters of a word its phonemes, an English sentence a French one. One task for both:
// `npm run results -- cmudict` and `anki-eng-fra` run this, the latter beside the same model without attention.
// Settings were chosen on the validation part; the test part is read once, at the end.
import { join } from 'node:path';
import { readParallel, readTextLines, splitDataset } from 'stmnet';
import { Seq2Seq, type PairExample, type Seq2SeqOptions } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    set: { type: 'string', default: 'cmudict' },
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string' },
    pairs: { type: 'string', default: 'Infinity' },
  },
});

/** The first pronunciation of each word, without its stress: { source: 'ABLE', target: 'EY B AH L' }. */
async function pronunciations(): Promise<PairExample[]> {
  const lines = await readTextLines(join(flags.data, 'cmudict', 'cmudict.txt.gz'));
  const entries = lines.map((line) => line.trim().split(/\s+/)).filter(([, number]) => number === '1');
  return entries.map(([word = '', , ...phonemes]) => ({
    source: word,
    target: phonemes.map((phoneme) => phoneme.replace(/\d$/, '')).join(' '),
  }));
}

const translations = () => readParallel<'source' | 'target'>(join(flags.data, 'anki-eng-fra', 'eng-fra-5000.tsv'));

const fitted = { seed: Number(flags.seed), ...(flags.epochs !== undefined && { epochs: Number(flags.epochs) }) };

/** How good a model is on the test part, all pairs of a source being in one part. */
async function evaluate(pairs: readonly PairExample[], test: number, options: Seq2SeqOptions, training: object) {
  const sizes = { train: 1 - 2 * test, validation: test, test };
  const parts = splitDataset(pairs, sizes, { groupBy: ({ source }) => source, seed: 1 });
  const cut = (part: Iterable<PairExample>): PairExample[] => [...part].slice(0, Number(flags.pairs));
  const task = new Seq2Seq(options);
  await task.fit(cut(parts.train), { validation: cut(parts.validation), ...training, ...fitted });
  return task.evaluate(cut(parts.test));
}

async function main(): Promise<Record<string, number>> {
  if (flags.set === 'cmudict') {
    const options: Seq2SeqOptions = { attention: 'multiplicative', dropout: 0.2 };
    const training = { epochs: 8, batchSize: 128, learningRate: 3e-3 };
    const { tokenErrorRate, exactMatch } = await evaluate(await pronunciations(), 0.05, options, training);
    return { phonemeError: tokenErrorRate, wordError: 1 - exactMatch };
  }
  const training = { epochs: 20 };
  const pairs = await translations();
  const bleuOf = async (options: Seq2SeqOptions): Promise<number> =>
    (await evaluate(pairs, 0.1, options, training)).bleu;
  const [bleu, without] = [await bleuOf({}), await bleuOf({ attention: 'none' })];
  return { bleu, without, gain: bleu - without };
}

void main().then((figures) => console.log(JSON.stringify(figures)));
