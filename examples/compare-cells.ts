// Which cell, and how wide? Each learns the languages of surnames; the table says how long that takes, how long the
// names of the test take, how many parameters there are, and how many languages are right. `stmnet compare` does the
// same for a file of yours.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { readTextLines, splitDataset } from 'stmnet';
import { TextClassifier, type Cell } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    cells: { type: 'string', default: 'lstm,gru,rnn' },
    'hidden-sizes': { type: 'string', default: '64,128' },
    epochs: { type: 'string', default: '4' },
  },
});

async function main(): Promise<void> {
  const folder = join(flags.data, 'names');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.txt')).sort();
  const ofFile = async (file: string) =>
    (await readTextLines(join(folder, file), { skipEmpty: true })).map((text) => ({
      text,
      label: basename(file, '.txt'),
    }));
  const names = (await Promise.all(files.map(ofFile))).flat();
  const sizes = { train: 0.8, validation: 0.1, test: 0.1 };
  const { train, validation, test } = splitDataset(names, sizes, { stratifyBy: ({ label }) => label, seed: 1 });

  const rows = [];
  for (const cell of flags.cells.split(',') as Cell[]) {
    for (const hiddenSize of flags['hidden-sizes'].split(',').map(Number)) {
      const classifier = new TextClassifier({ cell, hiddenSize });
      let start = performance.now();
      await classifier.fit(train, { validation, epochs: Number(flags.epochs), seed: 1, progress: false });
      const training = (performance.now() - start) / 1000;
      start = performance.now();
      const { accuracy } = await classifier.evaluate(test);
      const prediction = (performance.now() - start) / 1000;
      const parameters = classifier.model?.parameters().reduce((sum, { size }) => sum + size, 0) ?? 0;
      rows.push({ cell, hiddenSize, training, prediction, parameters, accuracy });
    }
  }
  console.table(rows);
  const best = rows.reduce((one, other) => (other.accuracy > one.accuracy ? other : one));
  console.log(JSON.stringify({ accuracy: best.accuracy }));
}

void main();
