import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { stmnet } from '../../support/cli';

const script = (shell: string): string => {
  const { code, stdout, stderr } = stmnet(['completion', shell]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout;
};

test('bash completes commands, tasks and options', () => {
  const completed = (...words: readonly string[]): string[] => {
    const quoted = words.map((word) => `'${word}'`).join(' ');
    const asked = `COMP_WORDS=(${quoted}); COMP_CWORD=${words.length - 1}; _stmnet; `;
    const text = `${script('bash')}\n${asked} printf '%s\\n' "\${COMPREPLY[@]}"`;
    const { stdout, stderr } = spawnSync('bash', ['-c', text], { encoding: 'utf8' });
    expect(stderr).toBe('');
    return stdout.trimEnd().split('\n');
  };
  expect(completed('stmnet', 'tr')).toEqual(['train']);
  expect(completed('stmnet', 'train', '')).toEqual(
    expect.arrayContaining(['classify', 'tag', 'lm', 'events', 'seq2seq', 'speech', 'qa', 'span']),
  );
  expect(completed('stmnet', 'train', 'classify', '--hidden')).toEqual(['--hidden-size']);
  expect(completed('stmnet', 'serve', 'run', '--po')).toEqual(['--port']);
  expect(completed('stmnet', 'train', 'lm', '--cell', '')).toEqual(['lstm', 'gru', 'rnn']);
  expect(completed('stmnet', 'train', 'classify', '--seed', '1', '--pooling', 'm')).toEqual(['max', 'mean']);
  expect(completed('stmnet', 'train', 'classify', '--cell', '=', 'g')).toEqual(['gru']);
  expect(completed('stmnet', 'completion', '')).toEqual(['bash', 'zsh', 'fish']);
  expect(completed('stmnet', 'train', 'lm', '--epochs', '')).toEqual(['']);
  expect(completed('stmnet', 'train', 'lm', '--data', 'package.j')).toEqual(['package.json']);
  expect(completed('stmnet', 'predict', 'CONTRIB')).toEqual(['CONTRIBUTING.md']);
});

test('zsh and fish get theirs, and another shell is refused', () => {
  expect(script('zsh')).toMatch(/^#compdef stmnet\nautoload -U \+X bashcompinit/);
  expect(script('fish')).toContain("complete -c stmnet -n '__fish_seen_subcommand_from train; and ");
  expect(script('fish')).toMatch(/ -l cell -x -a 'lstm gru rnn' -d /);
  expect(script('fish')).toMatch(/ -l data -r -F -d /);
  expect(stmnet(['completion', 'tcsh'])).toMatchObject({ code: 2, stderr: expect.stringContaining('bash, zsh, fish') });
});
