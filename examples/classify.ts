// Is it spam, from which language is a name, what does somebody want? One task with its defaults for all three:
// `npm run results -- classify-sms-spam`, `classify-names` and `classify-snips` run this with three seeds. The test
// part is read once, at the end.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readParallel, readTable, readTextLines, splitDataset } from 'stmnet';
import { TextClassifier, type Examples, type TextExample } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    set: { type: 'string', default: 'sms-spam' },
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string' },
  },
});
type Part = 'train' | 'validation' | 'test';
type Parts = Readonly<Record<Part, Examples<TextExample>>>;

const split = (examples: readonly TextExample[]): Parts =>
  splitDataset(
    examples,
    { train: 0.8, validation: 0.1, test: 0.1 },
    { stratifyBy: ({ label = '' }) => label, seed: 1 },
  );

const sets: Readonly<Record<string, () => Promise<Parts>>> = {
  'sms-spam': async () => {
    const file = join(flags.data, 'sms-spam', 'SMSSpamCollection.tsv');
    return split(await readTable(file, { header: false, columns: ['label', 'text'] }));
  },
  names: async () => {
    const folder = join(flags.data, 'names');
    const files = (await readdir(folder)).filter((file) => file.endsWith('.txt')).sort();
    const named = files.map(async (file) =>
      (await readTextLines(join(folder, file), { skipEmpty: true })).map((text) => ({
        text,
        label: basename(file, '.txt'),
      })),
    );
    return split((await Promise.all(named)).flat());
  },
  snips: async () => {
    const read = (part: string) =>
      readParallel({
        text: join(flags.data, 'snips', part, 'seq.in.txt'),
        label: join(flags.data, 'snips', part, 'label.txt'),
      });
    return { train: await read('train'), validation: await read('valid'), test: await read('test') };
  },
};

async function main(): Promise<void> {
  const read = sets[flags.set];
  if (read === undefined) throw new Error(`--set: got ${flags.set}, expected one of ${Object.keys(sets).join(', ')}`);
  const { train, validation, test } = await read();
  const classifier = new TextClassifier();
  const epochs = flags.epochs === undefined ? {} : { epochs: Number(flags.epochs) };
  await classifier.fit(train, { validation, seed: Number(flags.seed), ...epochs });
  const { accuracy, f1 } = await classifier.evaluate(test);
  console.log(JSON.stringify({ accuracy, f1 }));
}

void main();
