import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { QuestionAnswerer, type QuestionAnswererOptions, type QuestionExample } from '../../src/tasks';
import { handlesKept } from '../support/handles';
import { scratchFolder } from '../support/scratch';
import { quickQuestions as quick, smallQuestions as small, stories } from '../support/stories';

let folder = '';
scratchFolder('questions', (made) => (folder = made));

async function trained(options: QuestionAnswererOptions = {}, fit: object = {}): Promise<QuestionAnswerer> {
  const answerer = new QuestionAnswerer({ ...small, ...options });
  await answerer.fit(stories, { ...quick, ...fit });
  return answerer;
}

const asked = [
  { story: ['Mary went to the office.', 'John went to the garden.'], question: 'Where is Mary?' },
  { story: 'John went to the office. John went to the kitchen.', question: 'Where is John?' },
];

describe('QuestionAnswerer', () => {
  it.each<QuestionAnswererOptions>([{}, { attention: false, bidirectional: false, cell: 'gru', numLayers: 2 }])(
    'learns where who is, and answers alike after save and load: %o',
    async (options) => {
      const answerer = await trained(options);
      const evaluation = await answerer.evaluate(stories);
      expect(evaluation.accuracy).toBeGreaterThan(0.97);
      expect(evaluation.labels).toEqual(['garden', 'hallway', 'kitchen', 'office']);
      expect(evaluation.confusion?.flat().reduce((sum, count) => sum + count, 0)).toBe(stories.length);
      const path = join(folder, 'stories.safetensors');
      await answerer.save(path);
      const again = await QuestionAnswerer.load(path);
      const said = await answerer.predict(asked);
      expect(said[0]?.answer).toBe('office');
      expect(await again.predict(asked)).toEqual(said);
      expect(again.options).toEqual(answerer.options);
      expect(again.answers).toEqual(answerer.answers);
    },
  );

  it('says how much each sentence says about the question, with attention alone', async () => {
    const answerer = await trained();
    const [mary, john] = await answerer.predict(asked);
    expect(mary?.sentences.map(({ text }) => text)).toEqual(asked[0]?.story);
    for (const { sentences } of [mary, john].flatMap((one) => one ?? []))
      expect(sentences.reduce((sum, { weight = 0 }) => sum + weight, 0)).toBeCloseTo(1, 5);
    expect(john?.sentences.map(({ text }) => text)).toEqual(['John went to the office.', 'John went to the kitchen.']);
    const probabilities = Object.values(mary?.probabilities ?? {});
    expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 5);
    const without = await (await trained({ attention: false }, { epochs: 1 })).predict(asked);
    expect(without[0]?.sentences).toEqual([{ text: asked[0]?.story[0] }, { text: asked[0]?.story[1] }]);
  });

  it('drops nothing where it answers', async () => {
    const answerer = await trained({ dropout: 0.5 }, { epochs: 1 });
    expect(await answerer.predict(asked)).toEqual(await answerer.predict(asked));
    expect(await answerer.evaluate(stories)).toEqual(await answerer.evaluate(stories));
  });

  it('reads stories without a sentence, and questions of words it never saw', async () => {
    const answerer = await trained({}, { epochs: 2 });
    const said = await answerer.predict([
      { story: [], question: 'Where is Mary?' },
      { story: ['', 'Ada flew home.'], question: 'Who flew?' },
    ]);
    expect(said.map(({ sentences }) => sentences.length)).toEqual([0, 2]);
    for (const { answer } of said) expect(answerer.answers).toContain(answer);
    expect(await answerer.predict([])).toEqual([]);
    expect(answerer.strangers({ story: 'Ada flew to the office.', question: 'Where is MARY, Ada?' })).toEqual([
      'Ada',
      'flew',
      ',',
    ]);
  });

  it('warns of empty stories, and goes on with them', async () => {
    const warnings: Error[] = [];
    const listen = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', listen);
    const empty = { story: ['', ' '], question: 'Where is Mary?', answer: 'garden' };
    await new QuestionAnswerer(small).fit([...stories.slice(0, 9), empty], { ...quick, epochs: 1 });
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(warnings.map(({ message }) => message)).toEqual([
      expect.stringContaining('QuestionAnswerer.fit: got an empty story in 1 of 10 examples: example 9.'),
    ]);
  });

  it('counts answers that training never had as wrong, and names them', async () => {
    const answerer = await trained();
    const known = await answerer.evaluate(stories.slice(0, 9));
    const odd = { ...asked[0], answer: 'moon' } as QuestionExample;
    const evaluation = await answerer.evaluate([...stories.slice(0, 9), odd]);
    expect(evaluation.loss).toBeCloseTo(known.loss, 5);
    expect(evaluation.accuracy).toBeCloseTo(0.9 * known.accuracy, 5);
    expect(evaluation.unknownLabels).toEqual(['moon']);
    const alone = await answerer.evaluate([odd]);
    expect(alone).toMatchObject({ loss: Number.NaN, accuracy: 0, unknownLabels: ['moon'] });
    const fitted = new QuestionAnswerer(small).fit(stories, { ...quick, epochs: 1, validation: [odd] });
    await expect(fitted).rejects.toThrow(
      'QuestionAnswerer.fit: validation: got questions of which none has an answer that the model knows, expected ' +
        'one at least whose answer is that of training: "garden", "hallway", "kitchen", "office".\n  Fix: ' +
        'look at which column holds the answers.',
    );
  });

  it('examines questions for a report, and leaves a run folder', async () => {
    const output = join(folder, 'run');
    const answerer = await trained({}, { epochs: 2, validation: stories.slice(0, 9), output });
    expect(readdirSync(output)).toEqual(
      expect.arrayContaining(['model.safetensors', 'report.html', 'evaluation.json']),
    );
    const config: unknown = JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'));
    expect(config).toMatchObject({ task: 'qa', options: { attention: true, hiddenSize: 16 } });
    const { figures, examples, lengths } = await answerer.examine(stories);
    expect(Object.keys(figures ?? {})).toEqual(['loss', 'accuracy', 'f1']);
    expect(examples?.worst?.[0]?.text).toMatch(/^\w+ went to the .*\. Where is \w+\?$/);
    expect(lengths?.filter(({ count }) => count > 0).map(({ from, count }) => [from, count])).toEqual([
      [2, 40],
      [3, 40],
      [4, 40],
    ]);
  });

  it('leaves no tensor to the collector when asked', async () => {
    const answerer = await trained({}, { epochs: 1 });
    await answerer.predict(asked);
    const before = handlesKept();
    await answerer.predict(asked);
    expect(handlesKept()).toBe(before);
  });
});

describe('bad input to a QuestionAnswerer', () => {
  it.each<[object, string]>([
    [{ hiddenSise: 3 }, 'hiddenSise'],
    [{ attention: 'yes' }, 'attention: "yes"'],
  ])('options %o', (options, message) => {
    expect(() => new QuestionAnswerer(options)).toThrow(message);
  });

  const good = { story: ['Mary went home.'], question: 'Where is Mary?', answer: 'home' };
  it.each<[string, unknown, string]>([
    ['none', [], 'no example as examples'],
    ['no object', ['a text'], '"a text" in example 0'],
    ['no answer', [good, { story: [], question: '' }], 'no answer in example 1'],
    ['a number as story', [{ ...good, story: [3] }], 'story: [3] in example 0'],
    ['a number as question', [{ ...good, question: 3 }], 'question: 3 in example 0'],
    ['a number as answer', [{ ...good, answer: 3 }], 'answer: 3 in example 0'],
    ['an empty answer', [good, { ...good, answer: ' ' }], 'an empty answer in example 1'],
    ['an empty question', [good, { ...good, question: ' ' }], 'an empty question in example 1'],
    ['one answer', [good, good], 'all have the answer "home"'],
  ])('examples: %s', async (_, examples, message) => {
    await expect(new QuestionAnswerer(small).fit(examples as [], quick)).rejects.toThrow(message);
  });

  it('is asked too early, or about something else', async () => {
    const fresh = new QuestionAnswerer(small);
    for (const early of [fresh.predict(asked), fresh.evaluate(stories), fresh.save(join(folder, 'x'))])
      await expect(early).rejects.toThrow('learned nothing yet');
    const answerer = await trained({}, { epochs: 1 });
    await expect(answerer.predict('Where is Mary?' as never)).rejects.toThrow('"Where is Mary?" as question 0');
    await expect(answerer.predict([asked[0], { story: 'a' }] as never)).rejects.toThrow('no question as question 1');
    const empty = { story: 'Mary went home.', question: ' ' };
    await expect(answerer.predict(empty)).rejects.toThrow('an empty question as question 0');
    expect(answerer.inputFault(empty)).toMatchObject({ given: 'an empty question' });
    expect(answerer.inputFault(asked[0])).toBeUndefined();
    expect(answerer.inputFault({ question: 'a' })).toMatchObject({ given: 'no story' });
    expect(answerer.inputFault('a')).toMatchObject({ given: '"a"' });
  });
});
