// Is a message spam? `npm run results -- sms-spam` runs this with three seeds. Settings were chosen on the validation
// part of split 1; the test part is read once, at the end.
import { join } from 'node:path';
import { BucketSampler, DataLoader, TextVectorizer, WordTokenizer, readTable, splitDataset } from 'stmnet';
import { Dropout, Embedding, LSTM, Linear, MaxPool, Sequential } from 'stmnet';
import { Accuracy, AdamW, CrossEntropyLoss, F1Score, OneCycleLR, Trainer, manualSeed } from 'stmnet';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    split: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '8' },
  },
});
const labels = ['ham', 'spam'];

interface Message {
  readonly label: string;
  readonly text: string;
}

async function main(): Promise<void> {
  manualSeed(Number(flags.seed));
  const file = join(flags.data, 'sms-spam', 'SMSSpamCollection.tsv');
  const messages = await readTable(file, { header: false, columns: ['label', 'text'] });
  const parts = splitDataset(
    messages,
    { train: 0.8, validation: 0.1, test: 0.1 },
    { stratifyBy: ({ label }) => label, seed: Number(flags.split) },
  );
  const text = TextVectorizer.fit(
    Array.from(parts.train, (message) => message.text),
    {
      tokenizer: new WordTokenizer({ numbers: 'mask' }),
      minFrequency: 2,
      maxLength: 100,
    },
  );
  const encode = (part: Iterable<Message>) =>
    Array.from(part, (message) => ({ input: text.encode(message.text), target: labels.indexOf(message.label) }));
  const train = encode(parts.train);

  const model = new Sequential(
    new Embedding({ numEmbeddings: text.vocabulary.size, embeddingDim: 100, paddingIdx: text.paddingIdx }),
    new Dropout({ p: 0.3 }),
    new LSTM({ inputSize: 100, hiddenSize: 100, bidirectional: true }),
    new MaxPool(),
    new Dropout({ p: 0.5 }),
    new Linear({ inFeatures: 200, outFeatures: 2 }),
  );
  const lengths = train.map(({ input }) => input.length);
  const loader = new DataLoader(train, { batchSampler: new BucketSampler(lengths, { batchSize: 32 }) });
  const epochs = Number(flags.epochs);
  const optimizer = new AdamW(model.parameters(), { learningRate: 3e-3, weightDecay: 0.01 });
  const trainer = new Trainer({
    model,
    optimizer,
    schedule: new OneCycleLR(optimizer, { maxLearningRate: 3e-3, totalSteps: epochs * loader.length }),
    scheduleEvery: 'step',
    clipGradNorm: 1,
    loss: new CrossEntropyLoss(),
    metrics: [new Accuracy(), new F1Score({ labels, positive: 'spam' })],
  });
  await trainer.fit(loader, { epochs, validation: new DataLoader(encode(parts.validation), { batchSize: 200 }) });
  const { accuracy, f1 } = await trainer.evaluate(new DataLoader(encode(parts.test), { batchSize: 200 }));
  console.log(JSON.stringify({ accuracy, f1 }));
}

void main();
