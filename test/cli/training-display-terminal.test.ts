// What a user sees while a model trains: the command in a terminal of tmux, whose screen is read.
import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { dayColumns, main, quickTraining, smallNetwork, writeDays } from '../support/cli';
import { scratchFolder } from '../support/scratch';

const folder = scratchFolder('cli-terminal');
const hasTmux = spawnSync('tmux', ['-V']).status === 0;
const title = 'a terminal shows rows, bar, loss, best and time left, and is whole after Ctrl-C';

test.skipIf(!hasTmux && process.env['CI'] !== 'true')(hasTmux ? title : `${title} (needs tmux)`, async () => {
  const tmux = (...args: readonly string[]): string =>
    execFileSync('tmux', ['-S', join(folder, 'socket'), '-f', '/dev/null', ...args], { encoding: 'utf8' });
  const screen = (): string => tmux('capture-pane', '-p', '-t', 'stmnet');
  const seen = async (pattern: RegExp): Promise<string> => {
    for (const end = Date.now() + 60_000; Date.now() < end; await pause(50)) {
      const text = screen();
      if (pattern.test(text)) return text;
    }
    throw new Error(`the screen never had ${pattern}; it is\n${screen()}`);
  };
  const args = ['--data', writeDays(folder), ...dayColumns, ...smallNetwork, ...quickTraining, '--epochs', '2000'];
  const command = [process.execPath, main, 'train', 'classify', ...args, '--output', join(folder, 'run')];
  tmux(
    'new-session',
    '-d',
    '-s',
    'stmnet',
    '-x',
    '100',
    '-y',
    '30',
    `${command.join(' ')}; echo ended with $?; sleep 60`,
  );
  try {
    const text = await seen(/^ {2}epoch \d+\/2000 ━*─+ \d+ % +\d+ steps\/s +\d+:\d\d(:\d\d)? left$/m);
    expect(text).toMatch(/^ +epoch +loss +val loss +val accuracy +val f1 +seconds$/m);
    expect(await seen(/★/)).toMatch(/^ +\d+\/2000 +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ +[\d.]+ {2}★$/m);
    expect(text).toMatch(/^ {2}loss [\d.e-]+ [▁▂▃▄▅▆▇█]+$/m);
    expect(await seen(/best validation/)).toMatch(/^ {2}best validation: loss [\d.e-]+, accuracy .* in epoch \d+$/m);
    tmux('send-keys', '-t', 'stmnet', 'C-c');
    const last = await seen(/ended with 130/);
    expect(last).toMatch(/^stmnet: interrupted, with a checkpoint in /m);
    expect(last).toMatch(/^stops after the running step; Ctrl-C again stops at once$/m);
    expect(last).not.toMatch(/steps\/s|\^C|Trainer/);
  } finally {
    tmux('kill-server');
  }
});
