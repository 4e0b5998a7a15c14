// Spam or not, as one would write it with Keras: text to numbers, four layers, training, and what it makes of messages
// that it never saw.
import {
  Accuracy,
  Adam,
  BCEWithLogitsLoss,
  DataLoader,
  TextVectorizer,
  Trainer,
  readTable,
  splitDataset,
} from 'stmnet';
import { Embedding, LSTM, LastStep, Linear, Sequential, manualSeed } from 'stmnet';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({ options: { data: { type: 'string', default: '../shared/data' } } });
const columns = ['label', 'text'] as const;

async function main(): Promise<void> {
  manualSeed(1);
  const rows = await readTable(`${flags.data}/sms-spam/SMSSpamCollection.tsv`, { header: false, columns });
  const { train, test } = splitDataset(rows, { train: 0.8, test: 0.2 }, { seed: 1 });
  const text = TextVectorizer.fit(train.map((row) => row.text));
  const loaderOf = (part: typeof train) =>
    new DataLoader(
      part.map((row) => ({ input: text.encode(row.text), target: [Number(row.label === 'spam')] })),
      { batchSize: 32, shuffle: part === train },
    );
  const model = new Sequential(
    new Embedding({ numEmbeddings: text.vocabulary.size, embeddingDim: 32 }),
    new LSTM({ inputSize: 32, hiddenSize: 32 }),
    new LastStep(),
    new Linear({ inFeatures: 32, outFeatures: 1 }),
  );
  const optimizer = new Adam(model.parameters(), { learningRate: 3e-3 });
  const trainer = new Trainer({ model, optimizer, loss: new BCEWithLogitsLoss(), metrics: [new Accuracy()] });
  await trainer.fit(loaderOf(train), { epochs: 3 });
  const { accuracy } = await trainer.evaluate(loaderOf(test));
  console.log(JSON.stringify({ accuracy }));
}

void main();
