import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { EventClassifier } from '../../../src/tasks';
import { events } from '../../../src/tasks/catalogue/events';
import { fileMaker, refusal } from '../../support/text-file';

const file = fileMaker();

test('events of a table, and of JSON Lines', async () => {
  const from = file('events.csv', 'customer,date,amount\na,2024-01-01,5\nb,2024-01-02,7\n');
  expect(await events.examples({ from, settings: {} })).toEqual([
    { customer: 'a', date: '2024-01-01', amount: '5' },
    { customer: 'b', date: '2024-01-02', amount: '7' },
  ]);
  const lines = file('events.jsonl', '{"customer":"a","date":"2024-01-01","amount":5}\n');
  expect(await events.examples({ from: lines, settings: {} })).toEqual([
    { customer: 'a', date: '2024-01-01', amount: 5 },
  ]);
  const odd = file('odd.jsonl', '3\n');
  expect(await refusal(events.examples({ from: odd, settings: {} }))).toContain('got 3 in');
});

test('events of a stream, whose header tells what divides it', async () => {
  const from = new PassThrough().end('customer,date\na,2024-01-01\n');
  expect(await events.examples({ from, settings: {} })).toEqual([{ customer: 'a', date: '2024-01-01' }]);
});

test('whole customers are held back', () => {
  const rows = Array.from({ length: 40 }, (_, at) => ({ who: `c${at % 10}`, date: at }));
  const { train = [], validation = [] } = events.holdBack(rows, 0.2, 1, { key: 'who' }) ?? {};
  const customers = (part: typeof train): Set<unknown> => new Set(part.map((row) => row['who']));
  expect(customers(validation).size).toBe(2);
  expect(validation).toHaveLength(8);
  for (const who of customers(validation)) expect(customers(train).has(who)).toBe(false);
});

test('rows are counted with their customers, and answers say from when they were asked', async () => {
  const rows = ['a,1', 'a,30', 'b,2', 'b,31', 'c,3'].map((row) => `${row}\n`).join('');
  const from = file('days.csv', `who,date\n${rows.repeat(4)}`);
  const settings = { key: 'who' };
  const all = await events.examples({ from, settings });
  expect(events.examplesText?.(all, settings)).toBe('20 rows of 3 customers');
  const task = new EventClassifier({ key: 'who', horizon: 10, hiddenSize: 4 });
  await task.fit(all, { epochs: 1, progress: false, cutOff: 20 });
  const told: string[] = [];
  await events.answers?.(task as never, { from, settings }, (line) => told.push(line));
  expect(told).toEqual(['asked: the 10 days after 31, the last row']);
  expect((await task.evaluate(all)).question).toEqual({ horizon: 10, cutOff: '21' });
  expect((await task.evaluate(all, { cutOff: 15 })).question).toEqual({ horizon: 10, cutOff: '15' });
});

test('one input by itself is refused', () => {
  expect(() => events.inputOf('x')).toThrow('got an input by itself, expected the events of all customers');
});

test('a run is asked about a table, since no customer can be typed', () => {
  expect(events.askCommand('run')).toBe('stmnet predict run --data FILE');
});

test('an error of a row names the file and the line, also of a part of the rows', async () => {
  const rows = Array.from({ length: 40 }, (_, at) => `c${at % 10},${at === 30 ? 'soon' : at}`);
  const from = file('buys.csv', `customer,date\n${rows.join('\n')}\n`);
  const all = await events.examples({ from, settings: {} });
  const fitted = events.make({ horizon: 5 }).fit(all.slice(20) as [], { progress: false });
  await expect(fitted).rejects.toThrow(`got date of ${from}, line 32: "soon", expected a date as `);
  const lines = file('buys.jsonl', '{"customer":"a","date":1}\n\n{"customer":"","date":2}\n');
  const given = events.make({}).fit((await events.examples({ from: lines, settings: {} })) as [], {});
  await expect(given).rejects.toThrow(`got customer: "" in ${lines}, line 3, expected`);
});
