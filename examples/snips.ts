// What somebody asks an assistant for, and the words that say what exactly: one model answers both.
// `npm run results -- snips` runs this with three seeds. Settings were chosen on the validation part; the test part is
// read once, at the end.
import { join } from 'node:path';
import { BucketSampler, DataLoader, Vocabulary, readParallel } from 'stmnet';
import { Dropout, Embedding, LSTM, Linear, MaxPool, Module, add, crossEntropy, type Sequence } from 'stmnet';
import { Accuracy, AdamW, EntityF1Score, OneCycleLR, Trainer, manualSeed } from 'stmnet';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '12' },
    sentences: { type: 'string', default: 'Infinity' },
  },
});

class Assistant extends Module {
  readonly words: Embedding;
  readonly dropout = new Dropout({ p: 0.5 });
  readonly lstm = new LSTM({ inputSize: 128, hiddenSize: 200, numLayers: 2, dropout: 0.5, bidirectional: true });
  readonly pool = new MaxPool();
  readonly intent: Linear;
  readonly slots: Linear;

  constructor(readonly options: { words: number; intents: number; slots: number }) {
    super();
    this.words = new Embedding({ numEmbeddings: options.words, embeddingDim: 128 });
    this.intent = new Linear({ inFeatures: 400, outFeatures: options.intents });
    this.slots = new Linear({ inFeatures: 400, outFeatures: options.slots });
  }

  forward(words: Sequence) {
    const { output } = this.lstm.forward(this.dropout.forward(this.words.forward(words)));
    const steps = this.dropout.forward(output);
    return { intent: this.intent.forward(this.pool.forward(steps)), slots: this.slots.forward(steps) };
  }
}

async function read(part: string) {
  const file = (name: string) => join(flags.data, 'snips', part, name);
  const rows = await readParallel({ words: file('seq.in.txt'), slots: file('seq.out.txt'), intent: file('label.txt') });
  const divided = (text: string) => text.split(' ').filter(Boolean);
  return rows.map((row) => ({ words: divided(row.words), slots: divided(row.slots), intent: [row.intent.trim()] }));
}

async function main(): Promise<void> {
  manualSeed(Number(flags.seed));
  const sentences = (await read('train')).slice(0, Number(flags.sentences));
  const words = Vocabulary.fit(
    sentences.map((one) => one.words),
    { minFrequency: 2, unknown: '<unk>' },
  );
  const slots = Vocabulary.fit(
    sentences.map((one) => one.slots),
    { specials: ['O'], unknown: 'O' },
  );
  const intents = Vocabulary.fit(sentences.map((one) => one.intent));
  const encode = (part: typeof sentences) =>
    part.map((one) => ({
      words: words.encode(one.words),
      slots: slots.encode(one.slots),
      intent: intents.indexOf(one.intent[0] ?? ''),
    }));
  const loaderOf = async (part: string) => new DataLoader(encode(await read(part)), { batchSize: 100 });

  const model = new Assistant({ words: words.size, intents: intents.size, slots: slots.size });
  const lengths = sentences.map((one) => one.words.length);
  const loader = new DataLoader(encode(sentences), { batchSampler: new BucketSampler(lengths, { batchSize: 32 }) });
  const epochs = Number(flags.epochs);
  const optimizer = new AdamW(model.parameters(), { learningRate: 3e-3, weightDecay: 0.01 });
  const labels = Array.from({ length: slots.size }, (_, index) => slots.at(index));
  const trainer = new Trainer({
    model,
    optimizer,
    schedule: new OneCycleLR(optimizer, { maxLearningRate: 3e-3, totalSteps: epochs * loader.length }),
    scheduleEvery: 'step',
    clipGradNorm: 1,
    forward: (assistant, batch: { words: Sequence; slots: Sequence; intent: Sequence }) =>
      assistant.forward(batch.words),
    loss: (said, batch) => add(crossEntropy(said.intent, batch.intent), crossEntropy(said.slots, batch.slots)),
    metrics: [
      { metric: new Accuracy(), from: (said, batch) => [said.intent, batch.intent] },
      { metric: new EntityF1Score({ labels }), from: (said, batch) => [said.slots, batch.slots] },
    ],
  });
  await trainer.fit(loader, { epochs, validation: await loaderOf('valid') });
  const { accuracy, entityF1 } = await trainer.evaluate(await loaderOf('test'));
  console.log(JSON.stringify({ accuracy, entityF1 }));
}

void main();
