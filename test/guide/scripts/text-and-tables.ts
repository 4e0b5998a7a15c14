import { writeFileSync } from 'node:fs';

/** 200 messages, every fifth of them spam. */
const messages = Array.from({ length: 200 }, (_, i) =>
  i % 5 === 0
    ? `spam\tWINNER!! Call now to claim prize ${i} of £${1000 * (i % 7)}`
    : `ham\tSee you at ${i % 12}, don't call before, ok? I am in lecture ${i % 9} now.`,
);
writeFileSync('spam.tsv', messages.join('\n'));
const vector = (at: number): string => Array.from({ length: 100 }, (_, i) => Math.sin(at + i).toFixed(4)).join(' ');
writeFileSync(
  'glove.6B.100d.txt',
  ['the', 'call', 'now', '!', 'prize'].map((word, at) => `${word} ${vector(at)}\n`).join(''),
);

// ---- as in the guide
import {
  Embedding,
  LastStep,
  Linear,
  LSTM,
  Sequential,
  TextVectorizer,
  WordTokenizer,
  loadExtras,
  loadWordVectors,
  readTable,
  save,
  splitDataset,
} from 'stmnet';

// { label, text }[]; streamTable(...) for files larger than memory
const rows = await readTable('spam.tsv', { header: false, columns: ['label', 'text'] });
const parts = splitDataset(
  rows,
  { train: 0.8, validation: 0.1, test: 0.1 },
  { stratifyBy: (row) => row.label, seed: 1 },
);
// learns its vocabulary here, and is saved with the model
const text = TextVectorizer.fit(
  parts.train.map((row) => row.text),
  {
    tokenizer: new WordTokenizer({ lowercase: true, punctuation: 'split', stopWords: [], locale: 'en' }),
    minFrequency: 2,
    maxTokens: 20_000,
    maxLength: 200,
    truncate: 'end',
  },
);
text.encode('Call now!'); // Int32Array
text.decode(text.encode('Call now!')); // 'call now !'
const batch = text.encodeBatch(['Call now!', 'See you']); // i32 [2, 3] with lengths [3, 2]

// streamed; { matrix, found, missing }
const vectors = await loadWordVectors('glove.6B.100d.txt', { vocabulary: text.vocabulary });
const model = new Sequential(
  Embedding.fromPretrained(vectors.matrix, { freeze: false, paddingIdx: text.paddingIdx }),
  new LSTM({ inputSize: 100, hiddenSize: 64 }),
  new LastStep(),
  new Linear({ inFeatures: 64, outFeatures: 2 }),
);
const scores = model.forward(batch); // f32 [2, 2]

await save(model, 'spam.safetensors', { extras: { text, labels: ['ham', 'spam'] } });
const saved = await loadExtras<{ text: TextVectorizer; labels: string[] }>('spam.safetensors');

// ---- what the test looks at
export { batch, parts, rows, saved, scores, text, vectors };
