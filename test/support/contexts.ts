import type { SpanAnswererOptions, SpanExample } from '../../src/tasks';

const WHAT = ['capital', 'river', 'highest mountain', 'anthem'];
const LANDS = ['Arland', 'Borduria', 'Costaguana', 'Freedonia', 'Grand Fenwick'];
const SOUNDS = ['ba', 'ko', 'mi', 'ru', 'te', 'lo', 'fa', 'zu'];
const pick = (words: readonly string[], at: number): string => words[at % words.length] ?? '';
/** A name, of one or two words, that few others have. */
const nameOf = (at: number): string => {
  const word = (seed: number): string => {
    const text = pick(SOUNDS, seed) + pick(SOUNDS, Math.floor(seed / 3)) + pick(SOUNDS, Math.floor(seed / 7));
    return text.slice(0, 1).toUpperCase() + text.slice(1);
  };
  return at % 3 === 0 ? `${word(at * 5)} ${word(at * 11 + 2)}` : word(at * 13 + 1);
};

/** Texts of three sentences about things with names, and a question about one of them. */
export const contexts: readonly SpanExample[] = Array.from({ length: 160 }, (_, at) => {
  const facts = [0, 1, 2].map((part) => ({
    what: pick(WHAT, at + part),
    land: pick(LANDS, at * 2 + part * (1 + (at % 3))),
    name: nameOf(at * 3 + part),
  }));
  const told = facts.map(({ what, land, name }) => `The ${what} of ${land} is ${name}.`);
  const asked = at % 3;
  const { what = '', land = '', name = '' } = facts[asked] ?? {};
  const begin = told.slice(0, asked).reduce((sum, text) => sum + text.length + 1, 0);
  const start = begin + (told[asked] ?? '').lastIndexOf(name);
  return { context: told.join(' '), question: `What is the ${what} of ${land}?`, answer: name, start };
});

/** A network that learns them in seconds. */
export const smallSpans: SpanAnswererOptions = { hiddenSize: 16, embeddingDim: 16, dropout: 0.1 };
/** A training that does. */
export const quickSpans = { epochs: 30, batchSize: 16, learningRate: 2e-2, seed: 2, progress: false } as const;
