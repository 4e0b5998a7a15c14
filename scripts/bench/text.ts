import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { BPETokenizer, CharacterTokenizer, TextVectorizer, setNumThreads, streamTable, type Tokenizer } from 'stmnet';
import { wholeNumber, type Benchmark, type BenchmarkValues, type Outcome } from './benchmark';
import { median } from './statistics';
import { repository } from './tarball';

/** Tokens a second of processor time, from the packed file to the batch, that must be reached. */
const least = 3e6;
const batchSize = 32;

/** How fast texts become batches. */
export const textSpeed: Benchmark = {
  summary: `tokens a second of processor time, texts to batches; from a file at least ${least / 1e6} million`,
  options: { rounds: { type: 'string', default: '5', description: 'rounds, of which the median counts' } },
  run: measure,
};

/** A table of texts, packed. */
interface Corpus {
  name: string;
  path: string;
}

async function measure(values: BenchmarkValues): Promise<Outcome> {
  const rounds = wholeNumber(values, 'rounds');
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-text-'));
  try {
    setNumThreads(1);
    const results = [];
    for (const corpus of [...madeCorpora(folder), ...realCorpora()]) results.push(await speedsOf(corpus, rounds));
    const header = ['texts', 'million tokens', 'learn', 'encode', 'batch', 'file to batch', 'characters', 'BPE'];
    const shown = (speed: number): string => (speed / 1e6).toFixed(2);
    const rows = results.map(({ name, tokens, fit, encode, batch, file, characters, bpe }) => [
      name,
      shown(tokens),
      ...[fit, encode, batch, file, characters, bpe].map(shown),
    ]);
    const goals = results
      .filter(({ name }) => name.startsWith('movie'))
      .map(({ name, file }) => ({
        text: `${name}: at least ${least / 1e6} million tokens a second from the file to the batch`,
        got: shown(file),
        held: file >= least,
      }));
    const title = 'million tokens a second of processor time';
    return { tables: [{ title, header, rows, note: '' }], figures: results, goals };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Texts of 50 to 250 drawn words, frequent ones often: of ASCII, and of letters with accents. */
function madeCorpora(folder: string): Corpus[] {
  let state = 1;
  const below = (limit: number): number => (state = (state * 16807) % 2147483647) % limit;
  const syllables = 'an ber con do et fi ga hu in jo ke li mo nu or pa qui ra si ta'.split(' ');
  const vocabulary = Array.from({ length: 20_000 }, () =>
    Array.from({ length: 1 + below(4) }, () => syllables[below(20)]).join(''),
  );
  const words = Array.from({ length: 4000 }, () =>
    Array.from({ length: 50 + below(200) }, () => vocabulary[below(1 + below(20_000))]).join(' '),
  );
  const accented = words.map((text) =>
    text.replace(/[aeiou]/g, (vowel) => (below(4) === 0 ? `${vowel}\u0301` : vowel)),
  );
  return Object.entries({ 'made, ASCII': words, 'made, accents': accented }).map(([name, texts], i) => {
    const path = join(folder, `${i}.tsv.gz`);
    writeFileSync(path, gzipSync(texts.map((text, row) => `${row}\t${text.normalize('NFC')}.\n`).join('')));
    return { name, path };
  });
}

/** Those of `STMNET_DATA`, or of `shared/data` beside the checkout, where they are. */
function realCorpora(): Corpus[] {
  const data = process.env['STMNET_DATA'] ?? join(repository, '..', 'shared', 'data');
  return ['movie-reviews-pl04/reviews.tsv.gz']
    .map((name) => ({ name, path: join(data, name) }))
    .filter(({ path }) => existsSync(path));
}

async function textsOf(path: string): Promise<string[]> {
  const texts: string[] = [];
  for await (const row of streamTable(path, { header: false })) texts.push(Object.values(row).at(-1) ?? '');
  return texts;
}

async function speedsOf({ name, path }: Corpus, rounds: number): Promise<Record<Measured, number> & { name: string }> {
  const texts = await textsOf(path);
  const text = TextVectorizer.fit(texts, { minFrequency: 2 });
  const tokens = texts.reduce((sum, one) => sum + text.encode(one).length, 0);
  const trained = BPETokenizer.train(texts.slice(0, 500), { vocabularySize: 4000 });
  const encodeAll = (vectorizer: TextVectorizer): number =>
    texts.reduce((sum, one) => sum + vectorizer.encode(one).length, 0);
  const by = (tokenizer: Tokenizer): TextVectorizer => TextVectorizer.fit(texts, { tokenizer });
  const [characters, pieces] = [by(new CharacterTokenizer()), by(trained)];
  const speed = async (run: () => number | Promise<number>): Promise<number> => {
    const speeds: number[] = [];
    for (let round = 0; round < rounds; round++) {
      globalThis.gc?.();
      const start = process.cpuUsage();
      const count = await run();
      const { user, system } = process.cpuUsage(start);
      speeds.push((1e6 * count) / (user + system));
    }
    return median(speeds);
  };
  return {
    name,
    tokens,
    fit: await speed(() => (TextVectorizer.fit(texts, { minFrequency: 2 }), tokens)),
    encode: await speed(() => encodeAll(text)),
    batch: await speed(() => batchAll(text, texts)),
    file: await speed(() => fileToBatches(text, path)),
    characters: await speed(() => encodeAll(characters)),
    bpe: await speed(() => encodeAll(pieces)),
  };
}

type Measured = 'tokens' | 'fit' | 'encode' | 'batch' | 'file' | 'characters' | 'bpe';

function batchAll(text: TextVectorizer, texts: readonly string[]): number {
  let count = 0;
  for (let at = 0; at < texts.length; at += batchSize) {
    const batch = text.encodeBatch(texts.slice(at, at + batchSize));
    count += batch.lengths.reduce((sum, length) => sum + length, 0);
    batch.dispose();
  }
  return count;
}

/** Read, unpacked, divided into fields, tokenised and batched. */
async function fileToBatches(text: TextVectorizer, path: string): Promise<number> {
  let [count, waiting] = [0, [] as string[]];
  for await (const row of streamTable(path, { header: false })) {
    waiting.push(Object.values(row).at(-1) ?? '');
    if (waiting.length < batchSize) continue;
    count += batchAll(text, waiting);
    waiting = [];
  }
  return waiting.length === 0 ? count : count + batchAll(text, waiting);
}
