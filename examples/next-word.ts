// Which word comes next? Ten texts of twenty words, of which eight are learned from and two held out. All that was
// learned is known by heart; of the held-out texts little is guessed, since so few texts say little of others.
import { Accuracy, Adam, CrossEntropyLoss, DataLoader, Embedding, LSTM, Linear, Sequential } from 'stmnet';
import { TextVectorizer, Trainer, manualSeed, noGrad, splitDataset } from 'stmnet';
import { parseFlags } from './parse-flags';

const texts = [
  'the old lighthouse keeper climbed the narrow stairs each evening to light the lamp that guided ships past the rocks',
  'every morning the baker opened his small shop and the smell of warm bread drifted slowly down the quiet street',
  'when the first snow fell the children ran outside to build a tall man of snow beside the frozen pond',
  'our train left the city at noon and rolled through green hills and small villages until it reached the sea',
  'a young musician practised the same song for many weeks until she could play it without looking at the page',
  'in the garden behind the house my grandmother grew red tomatoes and tall beans that she sold at the market',
  'last summer we walked along the river for three days and slept in a tent under the old oak trees',
  'scientists watched the bright comet cross the night sky and wrote down the time of each change in its tail',
  'before the storm came the sailors tied down the boats and carried the nets and ropes into the wooden shed',
  'his brother repaired old clocks in a room full of wheels and springs where no two clocks told the time',
];

const { values: flags } = parseFlags({
  options: { seed: { type: 'string', default: '1' }, epochs: { type: 'string', default: '150' } },
});

async function main(): Promise<void> {
  manualSeed(Number(flags.seed));
  const parts = splitDataset(texts, { train: 0.8, test: 0.2 }, { seed: Number(flags.seed) });
  const text = TextVectorizer.fit([...parts.train]);
  const items = (part: Iterable<string>) =>
    Array.from(part, (one) => text.encode(one)).map((ids) => ({ input: ids.slice(0, -1), target: ids.slice(1) }));
  const train = items(parts.train);

  const model = new Sequential(
    new Embedding({ numEmbeddings: text.vocabulary.size, embeddingDim: 64, paddingIdx: text.paddingIdx }),
    new LSTM({ inputSize: 64, hiddenSize: 128 }),
    new LSTM({ inputSize: 128, hiddenSize: 64 }),
    new Linear({ inFeatures: 64, outFeatures: text.vocabulary.size }),
  );
  const optimizer = new Adam(model.parameters(), { learningRate: 5e-3 });
  const trainer = new Trainer({ model, optimizer, loss: new CrossEntropyLoss(), metrics: [new Accuracy()] });
  await trainer.fit(new DataLoader(train, { batchSize: 4, shuffle: true }), { epochs: Number(flags.epochs) });

  const words = [...parts.train][0]?.split(' ').slice(0, 2) ?? [];
  model.eval();
  while (words.length < 20) {
    const scores = noGrad(() => model.forward(text.encodeBatch([words.join(' ')])));
    const best = await scores.argmax(-1).data();
    words.push(text.vocabulary.at(best.at(-1) ?? 0));
  }
  console.log(words.join(' '));
  const [known, heldOut] = [train, items(parts.test)].map((part) => new DataLoader(part, { batchSize: 10 }));
  const [on, off] = [await trainer.evaluate(known ?? []), await trainer.evaluate(heldOut ?? [])];
  console.log(JSON.stringify({ train: on.accuracy, test: off.accuracy }));
}

void main();
