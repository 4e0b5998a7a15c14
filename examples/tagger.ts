// What each word of a sentence is: parts of speech; or what somebody asks for, and the words that say what exactly. One
// task with its defaults for both: `npm run results -- tag-ud-ewt-pos` and `tag-snips` run this with three seeds. The
// test part is read once, at the end.
import { join } from 'node:path';
import { readConll, readParallel } from 'stmnet';
import { Tagger, type TagExample } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    set: { type: 'string', default: 'ud-ewt-pos' },
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string' },
    sentences: { type: 'string', default: 'Infinity' },
    crf: { type: 'boolean', default: false },
  },
});
type Parts = Readonly<Record<'train' | 'validation' | 'test', () => Promise<TagExample[]>>>;

async function partsOfSpeech(part: string): Promise<TagExample[]> {
  const file = join(flags.data, 'ud-ewt-pos', `en-ud-tag.v2.${part}`);
  const sentences = await readConll(file, { columns: ['form', 'upos', 'xpos'] });
  return sentences.map(({ form, upos }) => ({ tokens: form, tags: upos }));
}

async function requests(part: string): Promise<TagExample[]> {
  const file = (name: string): string => join(flags.data, 'snips', part, name);
  const rows = await readParallel({ words: file('seq.in.txt'), slots: file('seq.out.txt'), intent: file('label.txt') });
  const divided = (text: string): string[] => text.split(' ').filter(Boolean);
  return rows.map((row) => ({ tokens: divided(row.words), tags: divided(row.slots), label: row.intent.trim() }));
}

const sets: Readonly<Record<string, Parts>> = {
  'ud-ewt-pos': {
    train: () => partsOfSpeech('train.txt.gz'),
    validation: () => partsOfSpeech('dev.txt'),
    test: () => partsOfSpeech('test.txt'),
  },
  snips: { train: () => requests('train'), validation: () => requests('valid'), test: () => requests('test') },
};

async function main(): Promise<void> {
  const set = sets[flags.set];
  if (set === undefined) throw new Error(`--set: got ${flags.set}, expected one of ${Object.keys(sets).join(', ')}`);
  const tagger = new Tagger({ crf: flags.crf });
  const epochs = flags.epochs === undefined ? {} : { epochs: Number(flags.epochs) };
  const train = (await set.train()).slice(0, Number(flags.sentences));
  await tagger.fit(train, { validation: await set.validation(), seed: Number(flags.seed), ...epochs });
  const { accuracy, entityF1, labelAccuracy } = await tagger.evaluate(await set.test());
  console.log(JSON.stringify({ accuracy, entityF1, labelAccuracy }));
}

void main();
