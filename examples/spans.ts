// Questions answered by a part of a text. What people ask an assistant for, with a question for each slot: "add sabrina
// salerno to my playlist", which artist? And the first two tasks of bAbI, where the sentence that says it is known:
// `npm run results -- spans`.
import { readFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { readParallel } from 'stmnet';
import { SpanAnswerer, type SpanExample } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    sentences: { type: 'string', default: 'Infinity' },
    tasks: { type: 'string', default: '1,2' },
    epochs: { type: 'string', default: '5' },
    validate: { type: 'boolean', default: false },
  },
});

/** A question for each kind of slot of each sentence. A slot that stands there twice has two right answers. */
async function slots(part: string): Promise<SpanExample[]> {
  const file = (name: string) => join(flags.data, 'snips', part, name);
  const rows = await readParallel({ words: file('seq.in.txt'), tags: file('seq.out.txt') });
  return rows.slice(0, part === 'train' ? Number(flags.sentences) : undefined).flatMap(({ words, tags }) => {
    const [all, named] = [words, tags].map((text) => text.split(' ').filter(Boolean));
    const found = new Map<string, { from: number; to: number }[]>();
    named?.forEach((tag, at) => {
      const spans = found.get(tag.slice(2)) ?? [];
      if (tag.startsWith('B-')) found.set(tag.slice(2), [...spans, { from: at, to: at }]);
      if (tag.startsWith('I-')) spans.splice(-1, 1, { from: spans.at(-1)?.from ?? at, to: at });
    });
    return [...found].map(([slot, spans]): SpanExample => ({
      context: all?.join(' ') ?? '',
      question: `Which ${slot.replaceAll('_', ' ')}?`,
      answer: spans.map(({ from, to }) => all?.slice(from, to + 1).join(' ') ?? ''),
      start: all?.slice(0, spans[0]?.from).join(' ').length ? all.slice(0, spans[0]?.from).join(' ').length + 1 : 0,
    }));
  });
}

/** Lines `n sentence`, or `n question \t answer \t n n`, which names the sentences that say it; 1 begins a story. */
async function stories(task: string, part: string): Promise<SpanExample[]> {
  const folder = join(flags.data, 'babi', 'en');
  const file = readdirSync(folder).find((name) => name.startsWith(`qa${task}_`) && name.endsWith(`_${part}.txt`)) ?? '';
  const examples: SpanExample[] = [];
  let told = new Map<string, string>();
  for (const line of (await readFile(join(folder, file), 'utf8')).trim().split('\n')) {
    const [, number = '', text = ''] = /^(\d+) (.*)$/.exec(line) ?? [];
    const [said = '', answer, sources = ''] = text.split('\t');
    if (number === '1') told = new Map();
    if (answer === undefined) told.set(number, said.trim());
    else {
      const source = sources.split(' ').findLast((one) => told.get(one)?.includes(answer)) ?? '';
      const before = [...told].filter(([one]) => Number(one) < Number(source)).map(([, sentence]) => `${sentence} `);
      const start = before.join('').length + (told.get(source)?.indexOf(answer) ?? 0);
      examples.push({ context: [...told.values()].join(' '), question: said.trim(), answer, start });
    }
  }
  return examples;
}

/** Learns from one part, and answers another that was not looked at before. */
async function figuresOf(train: readonly SpanExample[], test: readonly SpanExample[], options: object, epochs: number) {
  const answerer = new SpanAnswerer(options);
  await answerer.fit(train, { seed: Number(flags.seed), epochs });
  return answerer.evaluate(test);
}

async function main(): Promise<void> {
  const asked = await slots(flags.validate ? 'valid' : 'test');
  const { exactMatch, f1 } = await figuresOf(await slots('train'), asked, { dropout: 0.3 }, Number(flags.epochs));
  const figures: Record<string, number> = { exactMatch, f1 };
  for (const task of flags.tasks.split(',').filter(Boolean)) {
    const [train, test] = [await stories(task, 'train'), await stories(task, 'test')];
    const [learnt, held] = flags.validate ? [train.slice(0, 900), train.slice(900)] : [train, test];
    const options = { hiddenSize: 64, embeddingDim: 64, dropout: 0.1 };
    figures[`story${task}`] = (await figuresOf(learnt, held, options, 5 * Number(flags.epochs))).exactMatch;
  }
  console.log(JSON.stringify(figures));
}

void main();
