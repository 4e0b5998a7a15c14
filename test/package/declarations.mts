// The declarations as an ES module sees them, in a project without the types of Node; checked, not run.
import {
  CrossEntropyLoss,
  DataLoader,
  Module,
  Subset,
  Trainer,
  WorkerDataset,
  Adam,
  devices,
  kFold,
  load,
  pad,
  randomSplit,
  tensor,
  type LSTM,
  type PaddedSequence,
  type Sequential,
  type Tensor,
} from 'stmnet';
import { japaneseVowels } from 'stmnet/datasets';
import { serve, type TaskServer } from 'stmnet/serve';
import type { Task } from 'stmnet/tasks';

class Tagger extends Module {
  override forward(words: PaddedSequence): PaddedSequence {
    return words;
  }
}

export const ask = (task: Task<{ text: string }, string, number>): Promise<number> => task.predict('a text');

export const answer = (task: Task<{ text: string }, string, number>): Promise<TaskServer> => serve(task, { port: 0 });

export async function use(model: Sequential): Promise<void> {
  const parts: Subset<string>[] = randomSplit(['a', 'b', 'c'], [2, 1]);
  for (const part of parts) for (const letter of part) letter.toUpperCase();
  for (const { train, validation } of kFold([1, 2, 3], 3))
    [...train, ...validation].reduce((sum, item) => sum + item, 0);
  const { train } = await japaneseVowels();
  const trainer = new Trainer({
    model,
    loss: new CrossEntropyLoss(),
    optimizer: new Adam(model.parameters(), { learningRate: 1e-3 }),
  });
  await trainer.fit(new DataLoader(new Subset(train, [0, 1]), { batchSize: 2 }), { epochs: 1 });
  const tagger: Tagger = await load('tagger.safetensors', { classes: { Tagger } });
  const scores: PaddedSequence = tagger.forward(
    pad([
      [[1, 2]],
      [
        [1, 2],
        [3, 4],
      ],
    ]),
  );
  scores[Symbol.dispose]();
  using one: Tensor = tensor([1]);
  await using items: WorkerDataset<number> = await WorkerDataset.open<number>('/items.mjs', { workers: 2 });
  const vectors: string | undefined = devices()[0]?.vectors;
  // @ts-expect-error a model that load() gives is one of the classes
  const wrong: LSTM = await load('tagger.safetensors', { classes: { Tagger } }).then((loaded) => loaded);
  return void [one, items, vectors, wrong];
}
