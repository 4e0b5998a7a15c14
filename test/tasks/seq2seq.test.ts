import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { BLEUScore, concat, matmul, pad, softmax, stack, tensor, type LSTM, type Sequence, type Tensor } from 'stmnet';
import { Seq2Seq, TextClassifier, type PairExample, type Seq2SeqOptions } from '../../src/tasks';
import { handlesKept } from '../support/handles';
import { differences, tensorDifferences } from '../support/near';
import { numberPair, numberPairs } from '../support/number-pairs';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('seq2seq', (made) => (folder = made));

const small: Seq2SeqOptions = { hiddenSize: 32, embeddingDim: 16, dropout: 0.05 };
const quick = { epochs: 40, batchSize: 16, learningRate: 2e-2, seed: 3, progress: false } as const;

async function trained(options: Seq2SeqOptions = {}, pairs: readonly PairExample[] = numberPairs): Promise<Seq2Seq> {
  const task = new Seq2Seq({ ...small, ...options });
  await task.fit(pairs, quick);
  return task;
}

/** Trained once for the tests that only ask it. */
let known: Seq2Seq;
beforeAll(async () => void (known = await trained()));

describe('Seq2Seq', () => {
  it.each<Seq2SeqOptions>([
    {},
    { attention: 'multiplicative', cell: 'gru', numLayers: 2, targetTokens: 'characters' },
    { attention: 'none', cell: 'rnn', bidirectional: false, hiddenSize: 64 },
    { tieWeights: true, embeddingDim: 33, hiddenSize: 33, beamSize: 1, sourceTokens: 'bytes' },
    { sharedEmbeddings: true, sourceTokens: 'bpe', targetTokens: 'bpe', vocabularySize: 270, labelSmoothing: 0.05 },
    { targetTokens: 'blanks', maxLength: 4, scheduledSampling: 0.2 },
    { inputFeeding: true, numLayers: 2 },
  ])('learns pairs by heart, and writes alike after save and load: %o', async (options) => {
    const task = await trained(options);
    const evaluation = await task.evaluate(numberPairs);
    expect(evaluation.exactMatch).toBeGreaterThan(0.95);
    expect(evaluation.tokenErrorRate).toBeLessThan(0.02);
    expect(evaluation.bleu).toBeGreaterThan(95);
    expect(evaluation.chrf).toBeGreaterThan(95);
    expect(evaluation.perplexity).toBeCloseTo(Math.exp(evaluation.loss), 10);
    expect(evaluation.sources).toBe(90);
    const path = join(folder, 'numbers.safetensors');
    await task.save(path);
    const again = await Seq2Seq.load(path);
    expect(again.options).toEqual(task.options);
    expect(await again.evaluate(numberPairs)).toEqual(evaluation);
    const asked = ['18', '7', '', '1234'];
    expect(await again.predict(asked)).toEqual(await task.predict(asked));
    const { model } = again;
    expect(model?.target.weight === model?.head.weight).toBe(options.tieWeights ?? false);
    expect(model?.source === model?.target).toBe(options.sharedEmbeddings ?? false);
  });

  it('writes words as the targets do, and pairs that it never saw', async () => {
    expect(await known.predict('18')).toMatchObject({ text: 'one eight!', tokens: ['one', 'eight', '!'] });
    const others = [12, 43, 86, 97, 235, 414, 681, 902].map(numberPair);
    expect((await known.evaluate(others)).exactMatch).toBeGreaterThan(0.8);
  });

  it('measures what is written in another way, if that is asked for', async () => {
    const pairs = ['12', '435'].map((source) => numberPair(Number(source)));
    expect(await known.evaluate(pairs, { maxLength: 1 })).toMatchObject({ exactMatch: 0, sources: 2 });
    expect(await known.evaluate(pairs, { beamSize: 1, lengthPenalty: 0 })).toMatchObject({ sources: 2 });
    await expect(known.evaluate(pairs, { beamSize: 0 })).rejects.toThrow('Seq2Seq.evaluate: got beamSize: 0');
    await expect(known.evaluate(pairs, { nBest: 2 } as never)).rejects.toThrow(
      'got an option nBest, expected only beamSize, lengthPenalty, maxLength',
    );
  });

  it('says of each target how probable it is: what evaluate measures of it', async () => {
    for (const beamSize of [1, 4]) {
      const { text, score, tokens } = await known.predict('314', { beamSize, lengthPenalty: 0 });
      const { loss } = await known.evaluate([{ source: '314', target: text }]);
      expect(tokens).toEqual(['three', 'one', 'four', '!']);
      // `<unk>`, which evaluate thinks possible, is never written.
      expect(score).toBeGreaterThanOrEqual(-loss * (tokens.length + 1) - 1e-4);
      expect(score).toBeLessThan(-loss * (tokens.length + 1) + 2e-3);
    }
    for (const beamSize of [1, 2, 5]) {
      const { score, tokens } = await known.predict('29', { lengthPenalty: 1, beamSize });
      const plain = await known.predict('29', { lengthPenalty: 0, beamSize });
      expect(score).toBeCloseTo(plain.score / ((5 + tokens.length + 1) / 6), 4);
    }
    const cut = await known.predict(['29', '41'], { lengthPenalty: 2, beamSize: 1, maxLength: 1 });
    const same = await known.predict(['29', '41'], { lengthPenalty: 2, beamSize: 2, maxLength: 1 });
    expect(cut.map(({ text }) => text)).toEqual(same.map(({ text }) => text));
    cut.forEach(({ score }, place) => expect(score).toBeCloseTo(same[place]?.score ?? 0, 4));
  });

  it('tells the best targets, and a beam may be larger than the vocabulary', async () => {
    const { text, score, candidates = [] } = await known.predict('27', { beamSize: 60, nBest: 60 });
    expect(candidates[0]).toEqual({ text, score });
    expect(candidates.length).toBeGreaterThan(20);
    const scores = candidates.map((one) => one.score);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(new Set(candidates.map((one) => one.text)).size).toBe(candidates.length);
    expect((await known.predict('27')).candidates).toBeUndefined();
  });

  it('tells what each token of the target took of the source', async () => {
    const { attention } = await known.predict('305', { attention: true });
    expect(attention?.source).toEqual(['3', '0', '5']);
    expect(attention?.target).toEqual(['three', 'zero', 'five', '!']);
    expect(attention?.weights.map((row) => row.length)).toEqual([3, 3, 3, 3]);
    const sums = attention?.weights.map((row) => row.reduce((sum, weight) => sum + weight, 0)) ?? [];
    expect(differences(sums, [1, 1, 1, 1], 1e-5)).toEqual([]);
    expect((await known.predict('305')).attention).toBeUndefined();
    const blind = await trained({ attention: 'none' }, numberPairs.slice(0, 20));
    await expect(blind.predict('305', { attention: true })).rejects.toThrow(
      "Seq2Seq.predict: got attention: true of a task that was made with attention: 'none', expected a task that looks",
    );
    expect((await blind.predict('305', { attention: false })).attention).toBeUndefined();
  });

  it('tells pieces of words as they stand in the text', async () => {
    const pairs = ['red', 'blue', 'grün'].flatMap((word) =>
      ['car', 'house'].map((thing) => ({ source: `the ${word} ${thing}`, target: `${thing} ${word}` })),
    );
    const task = await trained({ sourceTokens: 'bpe', targetTokens: 'bpe', vocabularySize: 270 }, pairs);
    const { text, tokens, attention } = await task.predict('the blue car', { attention: true });
    expect(attention?.source.join('')).toBe('the blue car');
    expect(attention?.target.join('')).toBe(text);
    expect(tokens.join('')).toContain('Ġ');
  });

  it('writes each source of a batch as by itself', async () => {
    const sources = numberPairs.slice(0, 40).map(({ source }) => source);
    for (const beamSize of [1, 3]) {
      const together = await known.predict(sources, { beamSize, attention: true });
      for (const at of [0, 7, 39]) {
        const alone = await known.predict(sources[at] ?? '', { beamSize, attention: true });
        expect(together[at]?.text).toBe(alone.text);
        expect(together[at]?.score).toBeCloseTo(alone.score, 4);
        const weights = (one: typeof alone): number[] => (one.attention?.weights ?? []).flat();
        expect(differences(weights(together[at] ?? alone), weights(alone), 1e-4)).toEqual([]);
      }
    }
    expect(await known.predict([])).toEqual([]);
  });

  it('cuts what has not ended at the most tokens', async () => {
    expect((await known.predict('41', { maxLength: 1 })).tokens).toEqual(['four']);
  });

  it('counts the nearest of the targets that a source has', async () => {
    const pairs = [
      { source: '18', target: 'eighteen' },
      { source: '18', target: 'one eight!' },
      { source: '29', target: 'two nine' },
    ];
    const { exactMatch, tokenErrorRate, sources, bleu } = await known.evaluate(pairs);
    expect({ exactMatch, sources }).toEqual({ exactMatch: 0.5, sources: 2 });
    expect(tokenErrorRate).toBeCloseTo(1 / 5, 10); // the ! of `two nine!`
    const score = new BLEUScore();
    score.update(['one eight!', 'two nine!'], [['eighteen', 'one eight!'], ['two nine']]);
    expect(bleu).toBeCloseTo(await score.compute(), 10);
  });

  it('leaves no tensor of what it wrote', async () => {
    await known.predict('18');
    const before = handlesKept();
    await known.predict(['18', '2'], { nBest: 2, attention: true });
    await known.predict('18', { beamSize: 1 });
    expect(handlesKept() - before).toBe(0);
  });

  it('passes over pairs of which a side is empty, and warns of them', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', listen);
    const pairs = [...numberPairs.slice(0, 10), { source: ' ', target: 'x' }, { source: '5', target: '' }];
    const task = new Seq2Seq(small);
    await task.fit(pairs, { ...quick, epochs: 1 });
    const evaluation = await task.evaluate(pairs);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings.map(({ message }) => message)).toEqual([
      'Seq2Seq.fit: got an empty text in 2 of 12 examples: example 10; example 11.\n' +
        '  Fix: look whether the right column was read, or take them out of the data; they are passed over.',
      expect.stringContaining('Seq2Seq.evaluate: got an empty text in 2 of 12 examples: example 10; example 11.'),
    ]);
    expect(evaluation).toEqual(await task.evaluate(pairs.slice(0, 10)));
    expect((await task.examine(pairs)).figures).toEqual((await task.examine(pairs.slice(0, 10))).figures);
    expect(await task.predict('')).toEqual({ text: '', score: 0, tokens: [] });
  });

  it('refuses pairs that all have an empty side, whatever it is asked to do with them', async () => {
    const empty = [
      { source: '', target: 'x' },
      { source: '5', target: ' ' },
    ];
    const told = 'got 2 pairs, of which each has an empty side, expected one with a source and a target';
    await expect(new Seq2Seq(small).fit(empty, quick)).rejects.toThrow(`Seq2Seq.fit: ${told}`);
    const fitted = new Seq2Seq(small).fit(numberPairs, { ...quick, validation: empty });
    await expect(fitted).rejects.toThrow(`Seq2Seq.fit: validation: ${told}`);
    await expect(known.evaluate(empty)).rejects.toThrow(`Seq2Seq.evaluate: ${told}`);
    await expect(known.examine(empty)).rejects.toThrow(`Seq2Seq.examine: ${told}`);
  });

  it('copies words that it does not know from where it looks', async () => {
    const names = ['Ann', 'Bob', 'Cleo', 'Dan', 'Eve', 'Fay', 'Gus', 'Hal', 'Ida', 'Jon', 'Kay', 'Lea'];
    const verbs = [
      ['call', 'appelle'],
      ['see', 'vois'],
      ['ask', 'demande'],
    ] as const;
    const pairs = names.map((name, at) => {
      const [verb, told] = verbs[at % 3] ?? verbs[0];
      return { source: `I ${verb} ${name}`, target: `${told} ${name}` };
    });
    const task = new Seq2Seq({ ...small, minFrequency: 2, copyUnknown: true });
    await task.fit(pairs, { ...quick, epochs: 60, batchSize: 4 });
    expect(await task.predict('I see Zoe')).toMatchObject({ text: 'vois Zoe', tokens: ['vois', 'Zoe'] });
    expect((await task.evaluate(pairs)).exactMatch).toBeGreaterThan(0.9);
    const without = new Seq2Seq({ ...small, minFrequency: 2 });
    await without.fit(pairs, { ...quick, epochs: 2 });
    expect((await without.predict('I see Zoe')).tokens).not.toContain('<unk>');
  });

  it('refuses what does not go together', async () => {
    expect(() => new Seq2Seq({ tieWeights: true, embeddingDim: 8 })).toThrow(
      'Seq2Seq: got tieWeights with embeddingDim: 8 and hiddenSize: 256, expected vectors as wide as a state',
    );
    expect(() => new Seq2Seq({ sharedEmbeddings: true, sourceTokens: 'bpe' })).toThrow(
      "got sharedEmbeddings with sourceTokens: 'bpe' and targetTokens: 'auto', expected tokens of one kind",
    );
    for (const name of ['inputFeeding', 'copyUnknown'])
      expect(() => new Seq2Seq({ [name]: true, attention: 'none' })).toThrow(
        `Seq2Seq: got ${name} with attention: 'none', expected attention, which says what is taken of the source.`,
      );
    await expect(known.predict('1', { beamSize: 2, nBest: 3 })).rejects.toThrow('nBest: 3 with beamSize: 2');
    await expect(known.predict(7 as never)).rejects.toThrow('got 7 as text 0, expected a text');
    await expect(known.fit([{ source: 'a' } as never])).rejects.toThrow(
      "got no target in example 0, expected { source: '",
    );
    await expect(new Seq2Seq().predict('1')).rejects.toThrow('got a task that has learned nothing yet');
    const path = join(folder, 'other.safetensors');
    await known.save(path);
    await expect(TextClassifier.load(path)).rejects.toThrow('read it by Seq2Seq.load(path)');
  });

  it('leaves a run folder with all of it, and the mistakes in its report', async () => {
    const output = join(folder, 'run');
    const [train, validation] = [numberPairs.slice(0, 60), numberPairs.slice(60)];
    await new Seq2Seq(small).fit(train, { ...quick, epochs: 12, validation, output });
    for (const name of ['model.safetensors', 'report.html', 'history.csv'])
      expect(existsSync(join(output, name))).toBe(true);
    const [record] = JSON.parse(readFileSync(join(output, 'evaluation.json'), 'utf8')) as {
      figures: Record<string, number>;
      examples: { worst: { text: string }[] };
      attention: { source: string[]; target: string[]; weights: number[][] }[];
    }[];
    expect(Object.keys(record?.figures ?? {})).toContain('tokenErrorRate');
    expect(record?.examples.worst.length).toBeGreaterThan(0);
    expect(record?.attention).toHaveLength(6);
    for (const { source, target, weights } of record?.attention ?? []) {
      expect(weights).toHaveLength(target.length);
      for (const row of weights) expect(row).toHaveLength(source.length);
    }
    expect(readFileSync(join(output, 'report.html'), 'utf8')).toContain('how much it took of each token of the source');
  });
});

const valuesOf = (x: Sequence): Tensor => ('values' in x ? x.values : x);

describe('Seq2SeqNetwork', () => {
  it('computes all steps at once as its parts do step by step', async () => {
    const task = await trained(
      { attention: 'multiplicative', numLayers: 2, hiddenSize: 8, targetTokens: 'characters' },
      numberPairs.slice(0, 20),
    );
    const { model } = task;
    if (model?.attention === undefined || model.combine === undefined) throw new Error('no attention');
    const [source, previous] = [Int32Array.of(1, 3, 2), Int32Array.of(1, 4, 2, 3)];
    const batch = {
      source: pad([source, Int32Array.of(2, 2, 1, 1, 3)]),
      previous: pad([previous, Int32Array.of(1, 2, 2, 2, 2, 2)]),
    };
    const together = valuesOf(model.forward(batch)).slice([0, 0], [1, 4]);
    const { state, memory } = model.encode(tensor({ data: source, shape: [1, 3] }));
    if (memory === undefined) throw new Error('no memory');
    const rows: Tensor[] = [];
    let now: { h: Tensor; c: Tensor } = { h: state.h, c: state.c as Tensor };
    for (const token of previous) {
      const read = model.target.forward(tensor({ data: Int32Array.of(token), shape: [1, 1] }));
      const { output: query, ...after } = (model.decoder as LSTM).forward(read, now);
      now = after;
      const { weight } = model.attention.stateDict();
      const scores = matmul(matmul(query, weight as Tensor), memory.values.transpose(1, 2));
      const context = matmul(softmax(scores, -1), memory.values);
      rows.push(model.head.forward(model.combine.forward(concat([query, context], -1)).tanh()));
    }
    expect(await tensorDifferences(together, concat(rows, 1), 1e-5)).toEqual([]);
  });

  it('feeds what a step took of the source to the next one, in batches with lengths as step by step', async () => {
    const { model } = await trained({ inputFeeding: true, numLayers: 2, hiddenSize: 8 }, numberPairs.slice(0, 10));
    if (model === undefined) throw new Error('no model');
    const [source, previous] = [Int32Array.of(1, 3, 2), Int32Array.of(1, 4, 2, 3)];
    const batch = {
      source: pad([source, Int32Array.of(2, 2, 1, 1, 3)]),
      previous: pad([previous, Int32Array.of(1, 2, 2, 2, 2, 2)]),
    };
    const together = valuesOf(model.forward(batch)).slice([0, 0], [1, 4]);
    const { state, memory } = model.encode(tensor({ data: source, shape: [1, 3] }));
    const rows: Tensor[] = [];
    let now = state;
    for (const token of previous) {
      const { scores, state: after, weights } = model.step(tensor(Int32Array.of(token)), { state: now, memory });
      rows.push(valuesOf(scores));
      expect(weights?.shape).toEqual([1, 3]);
      now = after;
    }
    expect(await tensorDifferences(together, stack(rows, 1), 1e-5)).toEqual([]);
    // What is fed matters: without it the second step says something else.
    const { state: first } = model.step(tensor(Int32Array.of(1)), { state, memory });
    const { fed: _, ...unfed } = first;
    const [fedScores, others] = [first, unfed].map((one) =>
      model.step(tensor(Int32Array.of(4)), { state: one, memory }),
    );
    expect(await tensorDifferences(valuesOf(fedScores!.scores), valuesOf(others!.scores), 1e-3)).not.toEqual([]);
  });
});
