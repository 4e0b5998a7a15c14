// Learns how a text goes on, character by character, and writes a text of its own: the recipe of tinyshakespeare.ts by
// a task. `node dist/examples/language-model.js --text book.txt` reads any text.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LanguageModel } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    text: { type: 'string' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '14' },
    hidden: { type: 'string', default: '512' },
    prompt: { type: 'string', default: 'ROMEO:' },
  },
});

async function main(): Promise<void> {
  const text = await readFile(flags.text ?? join(flags.data, 'tinyshakespeare', 'input.txt'), 'utf8');
  const heldOut = Math.floor(0.9 * text.length);
  const validation = text.slice(heldOut);

  const model = new LanguageModel({ hiddenSize: Number(flags.hidden) });
  await model.fit(text.slice(0, heldOut), { validation, epochs: Number(flags.epochs), seed: Number(flags.seed) });

  const { prompt } = flags;
  process.stdout.write(prompt);
  for await (const piece of model.generate({ prompt, length: 400, temperature: 0.8, seed: Number(flags.seed) }))
    process.stdout.write(piece);
  const { loss, perplexity, bitsPerCharacter } = await model.evaluate(validation);
  console.log(`\n${JSON.stringify({ nats: loss, perplexity, bitsPerCharacter })}`);
}

void main();
