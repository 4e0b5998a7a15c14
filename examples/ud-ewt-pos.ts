// Parts of speech: each word by its own vector and by its letters, read by an LSTM each.
// `npm run results -- ud-ewt-pos` runs this with three seeds. Settings were chosen on the development part; the test
// part is read once, at the end.
import { join } from 'node:path';
import { BucketSampler, DataLoader, SequenceList, Vocabulary, readConll } from 'stmnet';
import { Dropout, Embedding, LSTM, LastStep, Linear, Module, concat, unflattenSteps, type Sequence } from 'stmnet';
import { Accuracy, AdamW, CrossEntropyLoss, OneCycleLR, Trainer, manualSeed } from 'stmnet';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '12' },
    sentences: { type: 'string', default: 'Infinity' },
  },
});
type Sentence = Readonly<Record<'form' | 'upos', readonly string[]>>;

/** Letters of all words, one word behind the other, beside the words. */
type Input = Readonly<Record<'words' | 'characters', Sequence>>;

class Tagger extends Module {
  readonly words: Embedding;
  readonly characters: Embedding;
  readonly spelling = new LSTM({ inputSize: 32, hiddenSize: 64, bidirectional: true });
  readonly wholeWord = new LastStep({ bidirectional: true });
  readonly dropout = new Dropout({ p: 0.5 });
  readonly lstm = new LSTM({ inputSize: 256, hiddenSize: 200, bidirectional: true });
  readonly head: Linear;

  constructor(readonly options: { words: number; characters: number; tags: number }) {
    super();
    this.words = new Embedding({ numEmbeddings: options.words, embeddingDim: 128 });
    this.characters = new Embedding({ numEmbeddings: options.characters, embeddingDim: 32 });
    this.head = new Linear({ inFeatures: 400, outFeatures: options.tags });
  }

  forward({ words, characters }: Input): Sequence {
    const { output } = this.spelling.forward(this.characters.forward(characters));
    const spelled = unflattenSteps(words, this.wholeWord.forward(output));
    const both = concat([this.words.forward(words), spelled], -1);
    return this.head.forward(this.dropout.forward(this.lstm.forward(this.dropout.forward(both)).output));
  }
}

async function main(): Promise<void> {
  manualSeed(Number(flags.seed));
  const read = (part: string) =>
    readConll(join(flags.data, 'ud-ewt-pos', `en-ud-tag.v2.${part}`), { columns: ['form', 'upos', 'xpos'] });
  const sentences = (await read('train.txt.gz')).slice(0, Number(flags.sentences));
  const lower = ({ form }: Sentence) => form.map((word) => word.toLowerCase());
  const letters = ({ form }: Sentence) => form.map((word) => Array.from(word));
  const words = Vocabulary.fit(sentences.map(lower), { minFrequency: 2, unknown: '<unk>' });
  const characters = Vocabulary.fit(sentences.flatMap(letters), { unknown: '<unk>' });
  const tags = Vocabulary.fit(sentences.map(({ upos }) => upos));
  const encode = (part: readonly Sentence[]) =>
    part.map((sentence) => ({
      input: {
        words: words.encode(lower(sentence)),
        characters: new SequenceList(letters(sentence).map((word) => characters.encode(word))),
      },
      target: tags.encode(sentence.upos),
    }));

  const train = encode(sentences);
  const model = new Tagger({ words: words.size, characters: characters.size, tags: tags.size });
  const lengths = sentences.map(({ form }) => form.length);
  const loader = new DataLoader(train, { batchSampler: new BucketSampler(lengths, { batchSize: 32 }) });
  const epochs = Number(flags.epochs);
  const optimizer = new AdamW(model.parameters(), { learningRate: 4e-3, weightDecay: 0.01 });
  const trainer = new Trainer({
    model,
    optimizer,
    schedule: new OneCycleLR(optimizer, { maxLearningRate: 4e-3, totalSteps: epochs * loader.length }),
    scheduleEvery: 'step',
    clipGradNorm: 1,
    loss: new CrossEntropyLoss(),
    metrics: [new Accuracy()],
  });
  const validation = new DataLoader(encode(await read('dev.txt')), { batchSize: 100 });
  await trainer.fit(loader, { epochs, validation });
  const { accuracy } = await trainer.evaluate(new DataLoader(encode(await read('test.txt')), { batchSize: 100 }));
  console.log(JSON.stringify({ accuracy }));
}

void main();
