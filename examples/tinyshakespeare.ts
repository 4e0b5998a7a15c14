// Shakespeare, character by character; the state is carried from piece to piece. `npm run results -- tinyshakespeare`
// runs this. The first 90 % are learned from, the last 10 % held out, as is usual with this text.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CharacterTokenizer, TextStream, TextVectorizer } from 'stmnet';
import {
  AdamW,
  CosineAnnealingLR,
  CrossEntropyLoss,
  Dropout,
  Embedding,
  LSTM,
  Linear,
  Sequential,
  Trainer,
  manualSeed,
} from 'stmnet';
import { parseFlags } from './parse-flags';

const { values: flags } = parseFlags({
  options: {
    data: { type: 'string', default: '../shared/data' },
    seed: { type: 'string', default: '1' },
    epochs: { type: 'string', default: '14' },
    hidden: { type: 'string', default: '512' },
  },
});

async function main(): Promise<void> {
  manualSeed(Number(flags.seed));
  const play = await readFile(join(flags.data, 'tinyshakespeare', 'input.txt'), 'utf8');
  const tokenizer = new CharacterTokenizer({ unit: 'codePoint' });
  const text = TextVectorizer.fit([play], { tokenizer, unknown: null, padding: null });
  const tokens = text.encode(play);
  const heldOut = Math.floor(0.9 * tokens.length);

  const size = text.vocabulary.size;
  const hiddenSize = Number(flags.hidden);
  const model = new Sequential(
    new Embedding({ numEmbeddings: size, embeddingDim: 64 }),
    new LSTM({ inputSize: 64, hiddenSize }),
    new Dropout({ p: 0.4 }),
    new Linear({ inFeatures: hiddenSize, outFeatures: size }),
  );
  const loader = new TextStream(tokens.subarray(0, heldOut), { batchSize: 64, steps: 128 });
  const epochs = Number(flags.epochs);
  const optimizer = new AdamW(model.parameters(), { learningRate: 4e-3, weightDecay: 0.01 });
  const trainer = new Trainer({
    model,
    optimizer,
    schedule: new CosineAnnealingLR(optimizer, { tMax: epochs * loader.length }),
    scheduleEvery: 'step',
    clipGradNorm: 1,
    loss: new CrossEntropyLoss(),
    carryState: true,
  });
  const validation = new TextStream(tokens.subarray(heldOut), { batchSize: 1, steps: 1000 });
  await trainer.fit(loader, { epochs, validation });
  const { loss } = await trainer.evaluate(validation);
  console.log(JSON.stringify({ nats: loss }));
}

void main();
