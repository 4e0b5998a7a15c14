import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { SpanAnswerer, type SpanAnswererOptions, type SpanExample } from '../../src/tasks';
import { contexts, quickSpans as quick, smallSpans as small } from '../support/contexts';
import { handlesKept } from '../support/handles';
import { scratchFolder } from '../support/scratch';

let folder = '';
scratchFolder('spans', (made) => (folder = made));

const [train, held] = [contexts.slice(0, 130), contexts.slice(130)];
async function trained(options: SpanAnswererOptions = {}, fit: object = {}): Promise<SpanAnswerer> {
  const answerer = new SpanAnswerer({ ...small, ...options });
  await answerer.fit(train, { ...quick, ...fit });
  return answerer;
}

let known: SpanAnswerer;
beforeAll(async () => {
  known = await trained();
});

const asked = {
  context: 'The anthem of Arland is Tralala Hoo. The capital of Freedonia is Glory. The river of Arland is Blub.',
  question: 'What is the anthem of Arland?',
};

describe('SpanAnswerer', () => {
  it('finds names that it never saw, in contexts that it never saw', async () => {
    const { exactMatch, f1, loss, count } = await known.evaluate(held);
    expect(exactMatch).toBeGreaterThan(0.95);
    expect(f1).toBeGreaterThan(0.95);
    expect(loss).toBeLessThan(0.3);
    expect(count).toBe(30);
    const { answer, start, end, probability } = await known.predict(asked);
    expect(answer).toBe('Tralala Hoo');
    expect(asked.context.slice(start, end)).toBe(answer);
    expect(probability).toBeGreaterThan(0.5);
    expect(probability).toBeLessThanOrEqual(1);
  });

  it.each<SpanAnswererOptions>([{}, { cell: 'gru', numLayers: 2, bidirectional: false, minFrequency: 1 }])(
    'answers alike after save and load: %o',
    async (options) => {
      const answerer = await trained(options, { epochs: 2 });
      const path = join(folder, 'spans.safetensors');
      await answerer.save(path);
      const again = await SpanAnswerer.load(path);
      expect(await again.predict(held)).toEqual(await answerer.predict(held));
      expect(await again.evaluate(held)).toEqual(await answerer.evaluate(held));
      expect(again.options).toEqual(answerer.options);
    },
  );

  it('gives no answer of more words than asked for', async () => {
    const two = (await known.predict(held)).filter(({ answer }) => answer.includes(' ')).length;
    expect(two).toBeGreaterThan(3);
    const short = await trained({ maxLength: 1 });
    const said = await short.predict(held);
    expect(said.filter(({ answer }) => answer.includes(' '))).toEqual([]);
  });

  it('reads a long context as a short one, alone as in a batch', async () => {
    const told = Array.from({ length: 400 }, (_, at) => contexts[at % 100]?.context ?? '').join(' ');
    const long = { context: `${told} The song of Sylvania is Zork.`, question: 'What is the song of Sylvania?' };
    expect(long.context.split(' ').length).toBeGreaterThan(6000);
    const [first, ...others] = await known.predict([asked, long, asked]);
    expect(others[1]).toMatchObject({ answer: first?.answer, start: first?.start });
    expect(others[1]?.probability).toBeCloseTo(first?.probability ?? 0, 5);
    expect(first?.answer).toBe('Tralala Hoo');
    expect(others[0]?.answer).toBe(long.context.slice(others[0]?.start, others[0]?.end));
    const alone = await known.predict(long);
    expect(alone).toMatchObject({ answer: others[0]?.answer, start: others[0]?.start });
    const { loss, count } = await known.evaluate([{ ...long, answer: 'Zork' }]);
    expect({ count, isFinite: Number.isFinite(loss) }).toEqual({ count: 1, isFinite: true });
  });

  it('answers nothing where there is no word, and questions without a letter', async () => {
    const [empty, dots, blank] = await known.predict([
      { context: '', question: 'What?' },
      { context: ' \n ', question: 'What?' },
      { context: 'A name.', question: '?' },
    ]);
    const nothing = { answer: '', start: 0, end: 0, probability: 0 };
    expect([empty, dots]).toEqual([nothing, nothing]);
    expect(blank?.answer).not.toBe('');
    expect(await known.predict([])).toEqual([]);
  });

  it('drops nothing where it answers', async () => {
    expect(await known.predict(held)).toEqual(await known.predict(held));
  });

  it('takes the nearest of several answers, and learns the first', async () => {
    const one = held[0];
    if (one === undefined) throw new Error('no example');
    const right = await known.evaluate([{ ...one, answer: [String(one.answer), 'something else'] }]);
    expect(right).toMatchObject({ exactMatch: 1, f1: 1 });
    const other = await known.evaluate([{ ...one, start: undefined, answer: ['is', String(one.answer)] }]);
    expect(other).toMatchObject({ exactMatch: 1, f1: 1 });
    expect(other.loss).toBeGreaterThan(5);
  });

  it('learns an answer with blanks around it where start says, blanks and all', async () => {
    const one = { context: 'In a garden in the garden.', question: 'Where?', answer: ' garden ', start: 18 };
    const said = await known.evaluate([one, { ...one, answer: 'garden', start: 19 }]);
    const again = await known.evaluate([{ ...one, answer: 'garden', start: 19 }]);
    expect(said.loss).toBeCloseTo(again.loss, 5);
  });

  it('examines questions for a report, and leaves a run folder', async () => {
    const output = join(folder, 'run');
    const answerer = await trained({}, { epochs: 1, validation: held, output });
    const files = ['model.safetensors', 'report.html', 'evaluation.json'];
    expect(readdirSync(output)).toEqual(expect.arrayContaining(files));
    const config: unknown = JSON.parse(readFileSync(join(output, 'config.json'), 'utf8'));
    expect(config).toMatchObject({ task: 'span', options: { hiddenSize: 16 } });
    const { part, figures, examples, lengths } = await answerer.examine(held, 'validation');
    expect(part).toBe('validation');
    expect(Object.keys(figures ?? {})).toEqual(['loss', 'exactMatch', 'f1', 'count']);
    const [worst] = examples?.worst ?? [];
    const wrong = held.find(({ question, answer }) => worst?.text.startsWith(question) && answer === worst.label);
    expect(worst?.text).toBe(`${wrong?.question ?? ''} ${wrong?.context ?? ''}`);
    expect(worst?.predicted).not.toBe(worst?.label);
    expect(lengths?.reduce((sum, { count }) => sum + count, 0)).toBe(held.length);
  });

  it('leaves no tensor to the collector when asked', async () => {
    await known.predict(asked);
    const before = handlesKept();
    await known.predict(asked);
    expect(handlesKept()).toBe(before);
  });
});

describe('bad input to a SpanAnswerer', () => {
  it.each<[object, string]>([
    [{ hiddenSise: 3 }, 'hiddenSise'],
    [{ maxLength: 0 }, 'maxLength: 0'],
  ])('options %o', (options, message) => {
    expect(() => new SpanAnswerer(options)).toThrow(message);
  });

  const good = { context: 'Mary went home.', question: 'Where?', answer: 'home' };
  const lost = 'an answer that is not in its context, or not where start says in';
  it.each<[string, unknown, string]>([
    ['none', [], 'no example as examples'],
    ['no object', ['a text'], '"a text" in example 0'],
    ['no answer', [good, { context: 'a', question: '' }], 'no answer in example 1'],
    ['a list as context', [{ ...good, context: ['a'] }], 'context: ["a"] in example 0'],
    ['a number as question', [{ ...good, question: 3 }], 'question: 3 in example 0'],
    ['a number as answer', [{ ...good, answer: 3 }], 'answer: 3 in example 0'],
    ['a list of no answer', [{ ...good, answer: [] }], 'answer: [] in example 0'],
    ['a text as start', [{ ...good, start: '11' }], 'start: "11" in example 0'],
    ['an empty context', [good, { ...good, context: ' ' }], 'an empty context in example 1'],
    ['an empty question', [good, { ...good, question: ' ' }], 'an empty question in example 1'],
    ['an empty answer', [good, { ...good, answer: ' ' }], 'an empty answer in example 1'],
    ['an answer that is not there', [good, { ...good, answer: 'school' }], `${lost} example 1`],
    ['an answer that is elsewhere', [good, { ...good, start: 5 }], `${lost} example 1`],
    ['a start behind the end', [good, { ...good, start: 50 }], `${lost} example 1`],
  ])('examples: %s', async (_, examples, message) => {
    await expect(new SpanAnswerer(small).fit(examples as SpanExample[], quick)).rejects.toThrow(message);
  });

  it('names validation examples', async () => {
    const odd = { ...good, answer: 'school' };
    const call = new SpanAnswerer(small).fit(train, { ...quick, validation: [odd, good, odd] });
    await expect(call).rejects.toThrow(
      'got an answer that is not in its context, or not where start says in 2 of 3 validation examples: ' +
        'validation example 0; validation example 2, expected { context:',
    );
  });

  it('is asked too early, or about something else', async () => {
    const fresh = new SpanAnswerer(small);
    for (const early of [fresh.predict(asked), fresh.evaluate(held), fresh.save(join(folder, 'x'))])
      await expect(early).rejects.toThrow('learned nothing yet');
    await expect(known.predict('Where is Mary?' as never)).rejects.toThrow('"Where is Mary?" as question 0');
    await expect(known.predict([asked, { context: 'a' }] as never)).rejects.toThrow('no question as question 1');
    await expect(known.predict([asked, { context: 'a', question: '\n' }])).rejects.toThrow(
      'an empty question as question 1',
    );
    expect(known.inputFault({ context: 'a', question: '' })).toMatchObject({ given: 'an empty question' });
    expect(known.inputFault(asked)).toBeUndefined();
    expect(known.inputFault({ question: 'a' })).toMatchObject({ given: 'no context' });
    expect(known.inputFault({ context: 'a', question: 3 })).toMatchObject({ given: 'question: 3' });
    expect(known.inputFault('a')).toMatchObject({ given: '"a"' });
  });
});
