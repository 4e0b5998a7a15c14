// Where is Mary? Who has the milk? Questions of bAbI about small stories, 1,000 to learn from in each of the tasks 1 to
// 5, without attention and with it: `npm run results -- babi`.
import { readFile } from 'node:fs/promises';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { QuestionAnswerer, type QuestionExample } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    tasks: { type: 'string', default: '1,2,3,4,5' },
    attention: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '25' },
    validate: { type: 'boolean', default: false },
  },
});

/** Lines `n sentence`, or `n question \t answer \t …`; 1 begins a story. */
async function read(task: string, part: string): Promise<QuestionExample[]> {
  const folder = join(flags.data, 'babi', 'en');
  const file = readdirSync(folder).find((name) => name.startsWith(`qa${task}_`) && name.endsWith(`_${part}.txt`)) ?? '';
  const examples: QuestionExample[] = [];
  let story: string[] = [];
  for (const line of (await readFile(join(folder, file), 'utf8')).trim().split('\n')) {
    const [, place, text = ''] = /^(\d+) (.*)$/.exec(line) ?? [];
    const [said = '', answer] = text.split('\t');
    if (place === '1') story = [];
    if (answer === undefined) story.push(said);
    else examples.push({ story: [...story], question: said.trim(), answer });
  }
  return examples;
}

async function main(): Promise<void> {
  const figures: Record<string, number> = {};
  const named = (list: string): string[] => list.split(',').filter((task) => task !== '');
  const runs = [
    ...named(flags.tasks).map((task) => ({ task, attention: false })),
    ...named(flags.attention).map((task) => ({ task, attention: true })),
  ];
  for (const { task, attention } of runs) {
    const [train, test] = [await read(task, 'train'), await read(task, 'test')];
    const [learnt, asked] = flags.validate ? [train.slice(0, 900), train.slice(900)] : [train, test];
    const answerer = new QuestionAnswerer({ attention, hiddenSize: 32, embeddingDim: 32, dropout: 0.1 });
    await answerer.fit(learnt, { seed: Number(flags.seed), epochs: Number(flags.epochs) });
    figures[`${attention ? 'attention' : 'task'}${task}`] = (await answerer.evaluate(asked)).accuracy;
  }
  console.log(JSON.stringify(figures));
}

void main();
