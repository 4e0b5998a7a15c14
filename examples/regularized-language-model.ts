// What each regulariser does to the perplexity of a small language model of words: `npm run results --
// wikitext-2-partial`. It learns from the validation part of WikiText-2, of whose lines the last tenth are held out to
// choose the epoch by, and is tested once on the test part; `--validate` tests on what is held out.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { LanguageModel, type LanguageFitOptions, type LanguageModelOptions } from 'stmnet/tasks';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '14' },
    hidden: { type: 'string', default: '128' },
    rate: { type: 'string', default: '10' },
    rows: { type: 'string', default: '' },
    lines: { type: 'string', default: 'Infinity' },
    validate: { type: 'boolean', default: false },
  },
});

/** What a row of the table adds to the plain model. */
interface Row {
  readonly options?: LanguageModelOptions;
  readonly training?: LanguageFitOptions;
}

const locked: LanguageModelOptions = { variationalDropout: true, dropout: 0.4, hiddenDropout: 0.25, inputDropout: 0.4 };
const rows: Readonly<Record<string, Row>> = {
  none: {},
  variationalDropout: { options: locked },
  embeddingDropout: { options: { embeddingDropout: 0.2 } },
  weightDrop: { options: { weightDrop: 0.5 } },
  ar: { options: { activationRegularization: 2 } },
  tar: { options: { temporalActivationRegularization: 1 } },
  ntAsgd: { training: { optimizer: 'nt-asgd', nonMonotoneInterval: 2 } },
  all: {
    options: {
      ...locked,
      embeddingDropout: 0.02,
      weightDrop: 0.1,
      activationRegularization: 0.5,
      temporalActivationRegularization: 0.5,
    },
    training: { optimizer: 'nt-asgd', nonMonotoneInterval: 1 },
  },
};

/** Its lines, without the marks of what was taken apart, as in `red @-@ tipped`. */
async function read(part: string, most?: number): Promise<string[]> {
  const packed = await readFile(join(flags.data, 'wikitext-2-partial', `${part}.txt.gz`));
  const text = gunzipSync(packed).toString().replaceAll('<unk>', 'unk').replaceAll(/@(.)@/g, '$1');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, most);
}

async function main(): Promise<void> {
  const lines = await read('valid', Number(flags.lines));
  const heldOut = Math.floor(0.9 * lines.length);
  const [train, validation] = [lines.slice(0, heldOut).join('\n'), lines.slice(heldOut).join('\n')];
  const test = flags.validate ? validation : (await read('test')).join('\n');
  const figures: Record<string, number> = {};
  for (const name of flags.rows === '' ? Object.keys(rows) : flags.rows.split(',')) {
    const row = rows[name];
    if (row === undefined) throw new Error(`got the row ${name}, expected one of ${Object.keys(rows).join(', ')}`);
    const { options, training } = row;
    const model = new LanguageModel({
      tokens: 'words',
      minFrequency: 10,
      hiddenSize: Number(flags.hidden),
      numLayers: 2,
      dropout: 0,
      tieWeights: true,
      steps: 35,
      ...options,
    });
    const common = { validation, epochs: Number(flags.epochs), batchSize: 20, seed: Number(flags.seed) };
    const began = performance.now();
    await model.fit(train, { ...common, optimizer: 'sgd', learningRate: Number(flags.rate), ...training });
    figures[name] = (await model.perplexity(test)).perplexity;
    console.log(`${name}: ${figures[name]?.toFixed(1)}, ${((performance.now() - began) / 1000).toFixed(0)} s`);
  }
  const { none, all } = figures;
  console.log(JSON.stringify({ ...figures, ...(none && all && { gain: 1 - all / none }) }));
}

void main();
