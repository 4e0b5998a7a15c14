// Does a model tell which examples it learned from? An attacker who knows an example and its loss takes those of small
// losses for examples of the training (Yeom et al., 2018). How often that is right of one example of the training and
// one that was held out is the AUC: 0.5 says nothing, 1 says all. Family names and their languages, learned without
// regularisation, with dropout, with weight decay (L2), and with both: `npm run results -- membership-leak` runs it
// with three seeds.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { AUROC, readTextLines, splitDataset } from 'stmnet';
import { TextClassifier, type TextExample } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    names: { type: 'string', default: '1000' },
    epochs: { type: 'string', default: '20' },
  },
});

/** What is tried, by what the figure is called. */
const regularisations = {
  neither: { dropout: 0, weightDecay: 0 },
  dropout: { dropout: 0.5, weightDecay: 0 },
  decay: { dropout: 0, weightDecay: 1 },
  both: { dropout: 0.5, weightDecay: 1 },
} as const;

/** Names to learn from, and as many that are held out, of each language alike. */
async function names(): Promise<{ train: TextExample[]; heldOut: TextExample[] }> {
  const folder = join(flags.data, 'names');
  const files = (await readdir(folder)).filter((file) => file.endsWith('.txt')).sort();
  const read = files.map(async (file) =>
    (await readTextLines(join(folder, file), { skipEmpty: true })).map((text) => ({
      text,
      label: basename(file, '.txt'),
    })),
  );
  const all = (await Promise.all(read)).flat();
  const part = Number(flags.names) / all.length;
  const sizes = { train: part, validation: part, test: 1 - 2 * part };
  const { train, validation } = splitDataset(all, sizes, { stratifyBy: ({ label }) => label, seed: 1 });
  return { train: [...train], heldOut: [...validation] };
}

/** The loss of each example: how improbable its label is to the model, in nats. */
async function lossesOf(classifier: TextClassifier, examples: readonly TextExample[]): Promise<number[]> {
  const said = await classifier.predict(examples.map(({ text }) => text));
  return examples.map(({ label = '' }, at) => -Math.log(Math.max(said[at]?.probabilities[label] ?? 0, 1e-30)));
}

async function main(): Promise<void> {
  const { train, heldOut } = await names();
  const figures: Record<string, number> = {};
  for (const [name, { dropout, weightDecay }] of Object.entries(regularisations)) {
    const classifier = new TextClassifier({ dropout, hiddenSize: 64, embeddingDim: 32 });
    await classifier.fit(train, { seed: Number(flags.seed), epochs: Number(flags.epochs), weightDecay });
    const [known, unknown] = [await lossesOf(classifier, train), await lossesOf(classifier, heldOut)];
    const attack = new AUROC();
    const scores = [...known, ...unknown].map((loss) => 1 / (1 + loss)); // the smaller the loss, the surer it is known
    attack.update(scores, [...known.map(() => 1), ...unknown.map(() => 0)]);
    figures[name] = await attack.compute();
    const { accuracy } = await classifier.evaluate(heldOut);
    figures[`${name}Accuracy`] = accuracy;
    console.log(`${name}: AUC ${figures[name].toFixed(4)}, accuracy on held out names ${accuracy.toFixed(4)}`);
  }
  console.log(JSON.stringify(figures));
}

void main();
