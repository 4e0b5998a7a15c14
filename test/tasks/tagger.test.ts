import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadExtras, type TrainerCallback } from '../../src/index';
import { Tagger, TextClassifier, type TaggerOptions, type TagExample } from '../../src/tasks';
import { handlesKept } from '../support/handles';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('tagger', (made) => (folder = made));

const CITIES = ['Oslo', 'Bern', 'New York', 'Rome', 'Los Angeles'];
const DAYS = ['monday', 'tuesday', 'friday'];
const pick = (words: readonly string[], at: number): string => words[at % words.length] ?? '';
/** Journeys, asked for or called off, whose cities and days are entities. */
const journeys = Array.from({ length: 60 }, (_, at) => {
  const city = pick(CITIES, at).split(' ');
  const tokens = [pick(['fly', 'no'], at), 'to', ...city, 'on', pick(DAYS, at)];
  const tags = ['O', 'O', ...city.map((__, place) => (place === 0 ? 'B-city' : 'I-city')), 'O', 'B-day'];
  return { tokens, tags };
});
const asked: readonly TagExample[] = journeys.map((one, at) => ({ ...one, label: at % 2 === 0 ? 'book' : 'cancel' }));
/** Words by their kind, which are no entities. */
const kinds = journeys.map(({ tokens }) => ({
  tokens,
  tags: tokens.map((token) => (/^[A-Z]/.test(token) ? 'NAME' : 'word')),
}));
const small: TaggerOptions = { hiddenSize: 8, embeddingDim: 8, dropout: 0.1 };
const quick = { epochs: 15, batchSize: 8, learningRate: 2e-2, seed: 3, progress: false } as const;

async function trained(options: TaggerOptions = {}, examples: readonly TagExample[] = journeys): Promise<Tagger> {
  const tagger = new Tagger({ ...small, ...options });
  await tagger.fit(examples, quick);
  return tagger;
}

describe('Tagger', () => {
  it('takes no blanks around a tag or a label for a part of it', async () => {
    const blanked = asked.map(({ tokens, tags, label = '' }, at) => ({
      tokens,
      tags: tags.map((tag, place) => (place % 2 === at % 2 ? ` ${tag}` : `${tag}\t`)),
      label: at % 3 === 0 ? label : ` ${label} `,
    }));
    const tagger = await trained({}, blanked);
    expect([tagger.tags, tagger.labels]).toEqual([
      ['B-city', 'B-day', 'I-city', 'O'],
      ['book', 'cancel'],
    ]);
    const evaluation = await tagger.evaluate(blanked);
    expect(evaluation).toMatchObject({ accuracy: 1, entityF1: 1, labelAccuracy: 1 });
    expect([evaluation.unknownTags, evaluation.unknownLabels]).toEqual([undefined, undefined]);
  });

  it.each<TaggerOptions>([
    {},
    { crf: true },
    { crf: true, cell: 'gru', numLayers: 2, normalization: 'layer', residual: true, characters: false },
    { cell: 'rnn', bidirectional: false, lowercase: false, minFrequency: 2 },
  ])('learns entities, and answers alike after save and load: %o', async (options) => {
    const tagger = await trained(options, asked);
    const evaluation = await tagger.evaluate(asked);
    expect(evaluation).toMatchObject({ accuracy: 1, entityF1: 1, labelAccuracy: 1 });
    expect(evaluation.entities?.['city']).toEqual({ precision: 1, recall: 1, f1: 1, support: 60 });
    expect(evaluation.tags['I-city']).toMatchObject({ f1: 1, support: 24 });
    expect(evaluation.labels?.['book']).toMatchObject({ f1: 1, support: 30 });
    expect(evaluation.loss).toBeLessThan(0.2);
    const path = join(folder, 'journeys.safetensors');
    await tagger.save(path);
    const again = await Tagger.load(path);
    const sentences = [['fly', 'to', 'New', 'York', 'on', 'friday'], [], ['no', 'to', 'Paris', 'on', 'monday']];
    expect(await again.predict(sentences)).toEqual(await tagger.predict(sentences));
    expect(again.options).toEqual(tagger.options);
    expect([again.tags, again.labels]).toEqual([
      ['B-city', 'B-day', 'I-city', 'O'],
      ['book', 'cancel'],
    ]);
  });

  it('finds the entities of tokens and of a text, and says how sure it is of the label', async () => {
    const tagger = await trained({}, asked);
    const tokens = ['fly', 'to', 'Los', 'Angeles', 'on', 'monday'];
    const said = await tagger.predict(tokens);
    expect(said).toEqual({
      tokens,
      tags: ['O', 'O', 'B-city', 'I-city', 'O', 'B-day'],
      entities: [
        { type: 'city', start: 2, end: 4, text: 'Los Angeles' },
        { type: 'day', start: 5, end: 6, text: 'monday' },
      ],
      label: 'book',
      probability: said.probability,
    });
    expect(said.probability).toBeGreaterThan(0.8);
    expect(said.probability).toBeLessThanOrEqual(1);
    expect(await tagger.predict('fly to Los Angeles on monday')).toEqual(said);
  });

  it('has no entities where tags are of another kind, and no label where there is none', async () => {
    const tagger = await trained({}, kinds);
    const evaluation = await tagger.evaluate(kinds);
    expect(Object.keys(evaluation)).toEqual(['loss', 'accuracy', 'tags', 'confusion']);
    expect(evaluation.accuracy).toBe(1);
    expect(await tagger.predict(['to', 'Oslo'])).toEqual({
      tokens: ['to', 'Oslo'],
      tags: ['word', 'NAME'],
      entities: [],
    });
  });

  it('examines sentences for a report: entities, or tags of another kind', async () => {
    const tagger = await trained({}, asked);
    const wrong = { tokens: ['fly', 'to', 'Oslo'], tags: ['O', 'O', 'O'], label: 'cancel' };
    const { part, figures, confusion, perClass, examples, labels, lengths } = await tagger.examine([...asked, wrong]);
    expect(part).toBe('test');
    expect(Object.keys(figures ?? {})).toEqual(['loss', 'accuracy', 'entityF1', 'labelAccuracy']);
    expect(figures).toMatchObject({ labelAccuracy: 60 / 61 });
    expect(confusion).toBeUndefined();
    expect(perClass?.find(({ label }) => label === 'day')).toEqual({
      label: 'day',
      precision: 1,
      recall: 1,
      f1: 1,
      support: 60,
    });
    expect(examples).toEqual({ worst: [{ text: 'fly to Oslo', label: 'cancel', predicted: 'book, city: Oslo' }] });
    expect(labels).toEqual([
      { label: 'city', count: 60 },
      { label: 'day', count: 60 },
    ]);
    expect(lengths?.find(({ from }) => from === 3)?.count).toBe(1);

    const odd = { tokens: ['to', 'Oslo'], tags: ['NAME', 'NAME'] };
    const ofKinds = await (await trained({}, kinds)).examine([...kinds, odd], 'validation');
    expect(ofKinds.part).toBe('validation');
    expect(ofKinds.confusion).toEqual({
      labels: ['NAME', 'word'],
      counts: [
        [85, 1],
        [0, 240],
      ],
    });
    expect(ofKinds.examples?.worst).toEqual([{ text: 'to Oslo', label: 'to: NAME', predicted: 'to: word' }]);
  });

  it.each([true, false])('knows a sentence without a token (characters: %s)', async (characters) => {
    const nothing = { tokens: [], tags: [], label: 'book' };
    const tagger = await trained({ characters, crf: characters }, [...asked, nothing]);
    const said = await tagger.predict([]);
    expect(said).toMatchObject({ tokens: [], tags: [], entities: [] });
    expect(await tagger.predict([[], []])).toEqual([said, said]);
    expect(await tagger.predict('')).toEqual(said);
    expect((await tagger.evaluate([nothing])).loss).toBeNaN();
    const [all, full] = [await tagger.evaluate([...asked, nothing]), await tagger.evaluate(asked)];
    expect([all.loss, all.accuracy, all.entityF1]).toEqual([full.loss, full.accuracy, full.entityF1]);
  });

  it('gives the same weights for the same seed, and goes on with the same model', async () => {
    const [one, two] = [await trained({ crf: true }), await trained({ crf: true })];
    const bits = async (tagger: Tagger): Promise<unknown> => tagger.model?.crf?.transitions.data();
    expect(await bits(one)).toEqual(await bits(two));
    const model = one.model;
    await one.fit(journeys, quick);
    expect(one.model).toBe(model);
    expect(await bits(one)).not.toEqual(await bits(two));
  });

  it('counts tags and labels that training never saw as wrong, and names them', async () => {
    const tagger = await trained({}, asked);
    const known = await tagger.evaluate(asked);
    const odd = { tokens: ['to', 'Oslo'], tags: ['MOVE', 'B-city'], label: 'ask' };
    const evaluation = await tagger.evaluate([...asked, odd]);
    const count = asked.flatMap(({ tokens }) => tokens).length;
    expect(evaluation).toMatchObject({
      loss: known.loss,
      accuracy: (count + 1) / (count + 2),
      labelAccuracy: 60 / 61,
      unknownTags: ['MOVE'],
      unknownLabels: ['ask'],
    });
    expect(evaluation.entities?.['MOVE']).toEqual({ precision: 0, recall: 0, f1: 0, support: 1 });
    expect(known).not.toHaveProperty('unknownTags');
    expect((await tagger.evaluate([odd])).loss).toBeNaN();
    await expect(tagger.evaluate([{ ...odd, tags: ['NOUN', 'VERB'] }])).rejects.toThrow(
      'got the tags "NOUN", "VERB", none of which is known to the model, expected tags of its training: ',
    );
  });

  it('leaves a run folder, and goes on from it bit for bit', async () => {
    const fit = async (output: string, options: object = {}): Promise<Tagger> => {
      const tagger = new Tagger({ ...small, crf: true });
      const validation = asked.slice(0, 9);
      await tagger.fit(asked, { ...quick, epochs: 3, validation, output: join(folder, output), ...options });
      return tagger;
    };
    const bits = async (tagger: Tagger): Promise<string> => {
      const hash = createHash('sha256');
      for (const parameter of tagger.model?.parameters() ?? []) hash.update(await parameter.data());
      return hash.digest('hex');
    };
    const whole = await fit('whole');
    expect(readdirSync(join(folder, 'whole'))).toContain('model.safetensors');
    const config: unknown = JSON.parse(readFileSync(join(folder, 'whole', 'config.json'), 'utf8'));
    expect(config).toMatchObject({ task: 'tag', options: { hiddenSize: 8, crf: true }, training: { epochs: 3 } });
    expect(readFileSync(join(folder, 'whole', 'history.json'), 'utf8')).toMatch(/entityF1.*labelAccuracy/s);
    const breakOff: TrainerCallback = {
      onEpochEnd({ epoch }) {
        if (epoch === 2) throw new Error('broken off');
      },
    };
    await expect(fit('part', { callbacks: [breakOff] })).rejects.toThrow('broken off');
    const resumed = await fit('part', { resume: true });
    expect(await bits(resumed)).toEqual(await bits(whole));
    expect(await bits(await Tagger.load(join(folder, 'part', 'model.safetensors')))).toEqual(await bits(whole));
    await expect(fit('whole')).rejects.toThrow('resume');
  });

  it('begins with pretrained vectors, and keeps its settings in the file', async () => {
    const vectors = join(folder, 'vectors.txt');
    writeFileSync(vectors, 'oslo 1 2 3\nfly 4 5 6\n');
    const tagger = await trained({ vectors, freeze: true, characters: false });
    expect(await tagger.model?.features.words.weight.array()).toContainEqual([1, 2, 3]);
    await tagger.save(join(folder, 'vectors.safetensors'));
    expect(await loadExtras(join(folder, 'vectors.safetensors'))).toMatchObject({ task: 'tag', lowercase: true });
    await expect(TextClassifier.load(join(folder, 'vectors.safetensors'))).rejects.toThrow('Tagger.load(path)');
  });

  it('leaves no tensor to the collector when asked', async () => {
    const tagger = await trained();
    const sentences = [
      ['to', 'Oslo'],
      ['from', 'Oslo', 'to', 'Rome'],
    ];
    await tagger.predict(sentences);
    const before = handlesKept();
    await tagger.predict(sentences);
    expect(handlesKept()).toBe(before);
  });
});

describe('bad input to a Tagger', () => {
  it.each<[object, string]>([
    [{ hiddenSise: 3 }, 'hiddenSise'],
    [{ crf: 'yes' }, 'crf: "yes"'],
    [{ characters: 1 }, 'characters: 1'],
    [{ vectors: '' }, 'vectors: ""'],
  ])('options %o', (options, message) => {
    expect(() => new Tagger(options)).toThrow(message);
  });

  const good = { tokens: ['to', 'Oslo'], tags: ['O', 'B-city'] };
  it.each<[string, unknown, string]>([
    ['none', [], 'no example as examples'],
    ['no object', ['a text'], '"a text" in example 0'],
    ['no tags', [good, { tokens: ['a'] }], 'no tags in example 1'],
    ['a text as tokens', [{ tokens: 'to Oslo', tags: ['O'] }], 'tokens: "to Oslo" in example 0'],
    ['a number as tag', [good, { tokens: ['a'], tags: [1] }], 'tags: [1] in example 1'],
    ['a tag too few', [good, { tokens: ['a', 'b'], tags: ['O'] }], '2 tokens and 1 tag in example 1'],
    ['a number as label', [{ ...good, label: 3 }], 'label: 3 in example 0'],
    ['labels here and there', [{ ...good, label: 'book' }, good], 'no label in example 1'],
    ['one tag', [{ tokens: ['a'], tags: ['O'] }], 'all have the tag "O"'],
    ['no token', [{ tokens: [], tags: [] }], 'examples without a tag'],
  ])('examples: %s', async (_, examples, message) => {
    await expect(new Tagger(small).fit(examples as [], quick)).rejects.toThrow(message);
  });

  it('is asked too early, or about something else', async () => {
    const fresh = new Tagger(small);
    for (const early of [fresh.predict('a'), fresh.evaluate(journeys), fresh.save(join(folder, 'x'))])
      await expect(early).rejects.toThrow('learned nothing yet');
    const tagger = await trained({}, asked);
    await expect(tagger.predict(['to', 7] as string[])).rejects.toThrow('7 as token 1');
    await expect(tagger.predict([['to'], 'Oslo'] as string[][])).rejects.toThrow('"Oslo" as sentence 1');
    await expect(tagger.predict(undefined as never)).rejects.toThrow('undefined as sentence 0');
    await expect(tagger.predictBatch('to' as never)).rejects.toThrow('predictBatch: got "to", expected an array');
    await expect(tagger.predictBatch(['to', 7 as never])).rejects.toThrow('7 as sentence 1');
    await expect(tagger.evaluate([good])).rejects.toThrow('no label in example 0');
    const strange = [{ ...good, tags: ['X', 'Y'], label: 'book' }];
    await expect(tagger.fit(asked, { ...quick, validation: strange })).rejects.toThrow(
      'Tagger.fit: validation: got examples that say nothing',
    );
  });
});
