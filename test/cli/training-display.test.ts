import { expect, test } from 'vitest';
import { clock, TrainingDisplay } from '../../src/cli/training-display';

const recordOf = (epoch: number, loss: number): Parameters<TrainingDisplay['end']>[0] => ({
  epoch,
  step: 10 * epoch,
  train: { loss, accuracy: 0.5, 'f1.spam': 1 },
  validation: { loss: 2 * loss, accuracy: 0.25 },
  learningRate: 0.1,
  learningRates: [0.1],
  seconds: 1.26,
  examples: 10,
  examplesPerSecond: 8,
  memory: { tensors: 1, process: 2 },
});

/** What a terminal shows that understands the two sequences by which a picture is drawn anew. */
function screenOf(written: string): string[] {
  const lines = [''];
  for (const part of written.replaceAll('\u001b', '^').split(/(\r\^\[\d+A|\^\[J|\n)/)) {
    const back = /^\r\^\[(\d+)A$/.exec(part)?.[1];
    if (back !== undefined) lines.splice(lines.length - 1 - Number(back), Number(back) + 1, '');
    else if (part === '\n') lines.push('');
    else if (part !== '^[J') lines[lines.length - 1] += part;
  }
  return lines;
}

function shown(
  columns: number,
  colours = false,
): { display: TrainingDisplay; screen: () => string[]; text: () => string } {
  let written = '';
  const terminal = { columns, write: (text: string) => (written += text), on: () => undefined, off: () => undefined };
  const display = new TrainingDisplay(4, terminal, colours);
  return { display, screen: () => screenOf(written), text: () => written };
}

test('rows of epochs with those marked that were the best so far, and below them bar, loss and best validation', () => {
  const { display, screen } = shown(100);
  display.start(1, 10);
  for (let step = 1; step <= 10; step++) display.step(step);
  display.figures({ loss: 0.9 });
  display.end(recordOf(1, 0.4));
  display.start(2, 10);
  display.end(recordOf(2, 0.3));
  display.start(3, 10);
  display.end(recordOf(3, 0.35));
  display.note('a note');
  display.step(5);
  expect(screen()).toEqual([
    '    epoch     loss  val loss  val accuracy  seconds',
    '      1/4   0.4000    0.8000        0.2500      1.3  ★',
    '      2/4   0.3000    0.6000        0.2500      1.3  ★',
    '      3/4   0.3500    0.7000        0.2500      1.3',
    'a note',
    expect.stringMatching(/^ {2}epoch 3\/4 ━{14}─{14} 50 % {2}\d+ steps\/s {2}0:00 left$/),
    '  loss 0.3500 █▂▁▂',
    '  best validation: loss 0.6000, accuracy 0.2500 in epoch 2',
    '',
  ]);
  display.stop();
  expect(screen().at(-1)).toBe('');
  expect(screen()).toHaveLength(6);
});

test('no line is longer than the terminal, and colours come where there are any', () => {
  const narrow = shown(30);
  narrow.display.start(1, 10);
  narrow.display.end(recordOf(1, 0.4));
  const picture = narrow.screen().slice(2);
  expect(Math.max(...picture.map((line) => line.length))).toBe(29);
  const coloured = shown(100, true);
  coloured.display.start(1, 10);
  coloured.display.end(recordOf(1, 0.4));
  expect(coloured.text()).toContain('\u001b[32m★\u001b[39m');
  expect(narrow.text()).not.toContain('\u001b[32m');
});

test('nothing is drawn once it is hidden', () => {
  const { display, text } = shown(80);
  display.start(1, 10);
  display.hide();
  const before = text();
  expect(display.step(5)).toBe(false);
  expect(text()).toBe(before);
});

test.each([
  [6.6, '0:07'],
  [754, '12:34'],
  [3723, '1:02:03'],
])('%f seconds are %s', (seconds, text) => {
  expect(clock(seconds)).toBe(text);
});
