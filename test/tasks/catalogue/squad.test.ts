import { expect, test } from 'vitest';
import { span } from '../../../src/tasks/catalogue/span';
import { squadQuestions } from '../../../src/tasks/catalogue/squad';
import { fileMaker } from '../../support/text-file';

const file = fileMaker();
const context = 'The 😀 of Rome: Nero.';
const qas = [
  {
    id: 'a',
    question: 'Who?',
    answers: [
      { text: 'Nero', answer_start: 15 },
      { text: 'Nero of Rome', answer_start: 0 },
    ],
  },
  { id: 'b', question: 'Where?', answers: [{ text: 'Rome', answer_start: 9 }] },
];
const squad = (asked: unknown): string => JSON.stringify({ version: '1.1', data: [{ title: 'x', paragraphs: asked }] });

test('reads a file of the form of SQuAD, whose characters are those of Unicode', async () => {
  const from = file('train.json', squad([{ context, qas }]));
  const found = await span.examples({ from, settings: { format: 'squad' } });
  expect(found).toEqual([
    { context, question: 'Who?', answer: ['Nero', 'Nero of Rome'], start: 16 },
    { context, question: 'Where?', answer: ['Rome'], start: 10 },
  ]);
  expect(context.slice(16, 20)).toBe('Nero');
  expect(await squadQuestions('span', from)).toHaveLength(2);
});

test('a question without an answer is one with an empty answer, which training refuses', async () => {
  const from = file('none.json', squad([{ context, qas: [{ question: 'When?', answers: [] }, ...qas] }]));
  const [none] = await span.examples({ from, settings: { format: 'squad' } });
  expect(none).toMatchObject({ question: 'When?', answer: '' });
  const fitting = span.make({}).fit([none]);
  await expect(fitting).rejects.toThrow('an empty answer in example 0');
});

test.each([
  ['no json', 'Al sat.', 'odd.json'],
  ['no data', '{"context": "a"}', 'odd.json without data, expected { data: [{ paragraphs:'],
  ['no questions', squad([{ context }]), 'odd.json without qas'],
  ['no context', squad([{ qas }]), 'odd.json without a context somewhere'],
])('%s is refused', async (_, text, message) => {
  await expect(span.examples({ from: file('odd.json', text), settings: { format: 'squad' } })).rejects.toThrow(message);
});

test('it is named where it is read as JSON Lines', async () => {
  const from = file('dev.json', squad([{ context, qas }]));
  await expect(span.examples({ from, settings: {} })).rejects.toThrow('pass --format squad, if it is a file of SQuAD');
});
