// A surname, letter by letter: which of 18 languages is it from? `npm run results -- names` runs this with three seeds.
// Settings were chosen on the validation part; the test part is read once, at the end.
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { BucketSampler, CharacterTokenizer, DataLoader, TextVectorizer, readTextLines, splitDataset } from 'stmnet';
import { Dropout, Embedding, LSTM, Linear, MaxPool, Sequential } from 'stmnet';
import { Accuracy, AdamW, CrossEntropyLoss, OneCycleLR, Trainer, manualSeed } from 'stmnet';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '12' },
  },
});

interface Surname {
  readonly name: string;
  readonly language: string;
}

/** One file a language, one name a line. */
async function readNames(folder: string): Promise<Surname[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.txt')).sort();
  const read = async (file: string) =>
    (await readTextLines(join(folder, file), { skipEmpty: true })).map((name) => ({
      name,
      language: basename(file, '.txt'),
    }));
  return (await Promise.all(files.map(read))).flat();
}

async function main(): Promise<void> {
  manualSeed(Number(flags.seed));
  const names = await readNames(join(flags.data, 'names'));
  const languages = [...new Set(names.map(({ language }) => language))];
  const parts = splitDataset(
    names,
    { train: 0.8, validation: 0.1, test: 0.1 },
    { stratifyBy: ({ language }) => language, seed: 1 },
  );

  const tokenizer = new CharacterTokenizer();
  const text = TextVectorizer.fit(
    Array.from(parts.train, ({ name }) => name),
    { tokenizer, begin: '^', end: '$' },
  );
  const encode = (part: Iterable<Surname>) =>
    Array.from(part, ({ name, language }) => ({ input: text.encode(name), target: languages.indexOf(language) }));
  const train = encode(parts.train);

  const model = new Sequential(
    new Embedding({ numEmbeddings: text.vocabulary.size, embeddingDim: 64, paddingIdx: 0 }),
    new LSTM({ inputSize: 64, hiddenSize: 192, bidirectional: true }),
    new MaxPool(),
    new Dropout({ p: 0.5 }),
    new Linear({ inFeatures: 384, outFeatures: languages.length }),
  );
  const batchSampler = new BucketSampler(
    train.map(({ input }) => input.length),
    { batchSize: 64 },
  );
  const loader = new DataLoader(train, { batchSampler });
  const epochs = Number(flags.epochs);
  const optimizer = new AdamW(model.parameters(), { learningRate: 4e-3, weightDecay: 0.01 });
  const schedule = new OneCycleLR(optimizer, { maxLearningRate: 4e-3, totalSteps: epochs * loader.length });
  const trainer = new Trainer({
    model,
    optimizer,
    schedule,
    scheduleEvery: 'step',
    clipGradNorm: 1,
    loss: new CrossEntropyLoss(),
    metrics: [new Accuracy()],
  });
  await trainer.fit(loader, { epochs, validation: new DataLoader(encode(parts.validation), { batchSize: 500 }) });
  const { accuracy } = await trainer.evaluate(new DataLoader(encode(parts.test), { batchSize: 500 }));
  console.log(JSON.stringify({ accuracy }));
}

void main();
