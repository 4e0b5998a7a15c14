import { describe, expect, test } from 'vitest';
import {
  Adam,
  collate,
  crossEntropy,
  DataLoader,
  Embedding,
  LastStep,
  Linear,
  LSTM,
  manualSeed,
  Module,
  noGrad,
  PaddedSequence,
  pad,
  SequenceList,
  tensor,
  Trainer,
  concat,
  unflattenSteps,
  type Sequence,
  type Tensor,
} from 'stmnet';

interface Sentence {
  words: Int32Array;
  characters: SequenceList;
  tags: number[];
}
const sentence = (words: number[], characters: number[][], tags = words.map(() => 0)): Sentence => ({
  words: Int32Array.from(words),
  characters: new SequenceList(characters),
  tags,
});
const sentences = [
  sentence([5, 9, 2], [[3, 1, 4], [1], [5, 9, 2, 6]]),
  sentence([], []),
  sentence([7, 7], [[], [5, 3]]),
];

describe('a SequenceList', () => {
  test('collates to the sequences of all items, one behind the other', async () => {
    const { words, characters } = collate(sentences);
    expect(characters).toBeInstanceOf(PaddedSequence);
    expect([characters.shape, characters.lengths]).toEqual([
      [5, 4],
      [3, 1, 4, 0, 2],
    ]);
    expect(await characters.values.array()).toEqual([
      [3, 1, 4, 0],
      [1, 0, 0, 0],
      [5, 9, 2, 6],
      [0, 0, 0, 0],
      [5, 3, 0, 0],
    ]);
    expect((words as PaddedSequence).lengths).toEqual([3, 0, 2]);
    const equal = collate([new SequenceList([Int32Array.of(1, 2)]), new SequenceList([Int32Array.of(3, 4)])]);
    expect([equal.lengths, equal.dtype]).toEqual([[2, 2], 'i32']);
    expect(collate([{ x: new SequenceList([[1], [2, 3]]) }], { x: 'i32' }).x.dtype).toBe('i32');
  });
  test('a position knows what it holds', () => {
    const state = new DataLoader(sentences).state();
    const rest = sentences.slice(1);
    new DataLoader([...sentences]).loadState(state);
    const other = sentence([5, 9, 2], [[3, 1, 4], [1], [5, 9, 2, 7]]);
    expect(() => new DataLoader([other, ...rest]).loadState(state)).toThrow(/\(content/);
  });
  test('of vectors and of tensors', async () => {
    const tall = tensor([[3, 4], [5, 6]]); // prettier-ignore
    const rows = [new SequenceList([[[1, 2]], tall]), new SequenceList([[[7, 8]]])];
    const { values, lengths } = collate(rows);
    expect(lengths).toEqual([1, 2, 1]);
    expect(await values.array()).toEqual([
      [[1, 2], [0, 0]], // prettier-ignore
      [[3, 4], [5, 6]], // prettier-ignore
      [[7, 8], [0, 0]], // prettier-ignore
    ]);
  });
  test('of which a batch holds none', () => {
    const items = [sentence([], []), sentence([1], [[2]])];
    const batches = [...new DataLoader(items)];
    expect(batches.map(({ characters }) => characters.shape)).toEqual([
      [0, 0],
      [1, 1],
    ]);
    const typed = [new SequenceList([]), new SequenceList([Float64Array.of(1)])];
    expect(Array.from(new DataLoader(typed), ({ dtype }) => dtype)).toEqual(['f64', 'f64']);
  });
  test('mistakes', () => {
    expect(() => new SequenceList('abc' as never)).toThrow('SequenceList: got "abc", expected an array of sequences.');
    expect(() => collate([{ x: new SequenceList([[1]]) }, { x: [[1]] }])).toThrow(
      /^collate: got \[\[1\]\] as x of item 1/,
    );
    expect(() => collate([{ x: [1] }, { x: new SequenceList([[1]]) }])).toThrow(/as x of item 1/);
    expect(() => collate([{ x: new SequenceList([['a']] as never) }])).toThrow(
      /^collate: got "a" at depth 1 in sequence 0 of x of item 0, which is no number/,
    );
  });
});

class Tagger extends Module {
  words = new Embedding({ numEmbeddings: 20, embeddingDim: 6 });
  letters = new Embedding({ numEmbeddings: 10, embeddingDim: 4 });
  spelling = new LSTM({ inputSize: 4, hiddenSize: 5, bidirectional: true });
  last = new LastStep({ bidirectional: true });
  lstm = new LSTM({ inputSize: 16, hiddenSize: 8, bidirectional: true });
  head = new Linear({ inFeatures: 16, outFeatures: 3 });

  /** [W, C] → [W, 10]. */
  spell(characters: PaddedSequence): Tensor {
    return this.last.forward(this.spelling.forward(this.letters.forward(characters)).output);
  }
  forward({ words, characters }: { words: PaddedSequence; characters: PaddedSequence }): PaddedSequence {
    const spelled = unflattenSteps(words, this.spell(characters));
    return this.head.forward(this.lstm.forward(concat([this.words.forward(words), spelled], 2)).output);
  }
}

describe('a model of words with their letters', () => {
  test('says of each word what it says of the word alone', async () => {
    const model = new Tagger().eval();
    const { words, characters } = collate(sentences);
    const spelled = noGrad(() => unflattenSteps(words as PaddedSequence, model.spell(characters)));
    const of = [[[3, 1, 4], [1], [5, 9, 2, 6]], [], [[], [5, 3]]];
    const together = (await spelled.array()) as number[][][];
    for (const [row, list] of of.entries())
      for (const [step, letters] of list.entries()) {
        const alone = noGrad(() => model.spell(pad([letters.length > 0 ? letters : new Float32Array(0)])));
        const [expected = []] = (await alone.array()) as number[][];
        for (const [place, value] of expected.entries()) expect(together[row]?.[step]?.[place]).toBeCloseTo(value, 6);
      }
  });
  test('learns from letters what no word tells', async () => {
    // The tag is the last letter of a word; every word is another one to the embedding of words.
    manualSeed(2);
    const items = Array.from({ length: 60 }, (_, i) => {
      const letters = Array.from({ length: i % 4 }, (__, w) => [4 + ((i + w) % 5), (i * 7 + w) % 10, (i + 2 * w) % 3]);
      return sentence(
        letters.map((_letters, w) => (i * 3 + w) % 20),
        letters,
        letters.map(([, , last = 0]) => last),
      );
    });
    const model = new Tagger();
    const trainer = new Trainer({
      model,
      optimizer: new Adam(model.parameters(), { learningRate: 0.02 }),
      forward: (tagger, batch: { words: PaddedSequence; characters: PaddedSequence; tags: Sequence }) =>
        tagger.forward(batch),
      loss: (output, { tags }) => crossEntropy(output, tags),
    });
    const loader = new DataLoader(items, { batchSize: 8, shuffle: true });
    const history = await trainer.fit(loader as never, { epochs: 12, progress: false });
    expect(history.last?.train.loss).toBeLessThan(0.1);
  });
});
