// What a user does with the command of the installed package, in an empty folder: from a file to a server.
import { spawn, execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from '../../scripts/toolchain.mjs';

/** SMS Spam Collection, which is no part of the repository. */
const collection = join(
  process.env.STMNET_DATA ?? join(root, '..', 'shared', 'data'),
  'sms-spam',
  'SMSSpamCollection.tsv',
);
const file = 'SMSSpamCollection.tsv';

/** That file, or a small one of its form. */
function dataFile(project) {
  if (existsSync(collection)) return copyFileSync(collection, join(project, file));
  const spam = ['WINNER!! claim your prize now', 'free entry in a weekly draw, text WIN', 'urgent! call now for cash'];
  const ham = ['see you at home later', 'ok, i am on my way', 'how was the exam today?', 'lunch at noon as ever'];
  const line = (_, at) =>
    at % 3 === 0 ? `spam\t${spam[at % spam.length]} ${at}` : `ham\t${ham[at % ham.length]} ${at}`;
  writeFileSync(join(project, file), `${Array.from({ length: 240 }, line).join('\n')}\n`);
}

const expect = (condition, message) => {
  if (!condition) throw new Error(message);
};

/** Runs what the task says; the training is short. */
export async function useFromShell({ project, env }) {
  dataFile(project);
  const program = [process.execPath, join('node_modules', 'stmnet', 'dist', 'cli', 'main.js')];
  const stmnet = (args, input = '') =>
    execFileSync(program[0], [program[1], ...args], { cwd: project, env, encoding: 'utf8', input, stdio: 'pipe' });
  const columns = ['--data', file, '--no-header', '--label-column', '0', '--text-column', '1'];
  const short = ['--epochs', '2', '--hidden-size', '32', '--embedding-dim', '32'];
  stmnet(['train', 'classify', ...columns, '--output', 'RUN', ...short]);
  const { accuracy } = JSON.parse(stmnet(['evaluate', 'RUN', '--data', file, '--json']));
  expect(accuracy > 0.85, `evaluate: got the accuracy ${accuracy}, expected more than 0.85`);
  const answers = stmnet(['predict', 'RUN', '-'], 'WINNER!! claim your prize now\nsee you later\n');
  expect(/^\w+\t0\.\d+\tWINNER.*\n\w+\t0\.\d+\tsee/.test(answers), `predict: got ${answers}`);
  expect(/^labels +ham, spam$/m.test(stmnet(['inspect', 'RUN'])), 'inspect: the labels are missing');
  const few = ['--epochs', '1', '--embedding-dim', '16'];
  const table = stmnet(['compare', 'classify', ...columns, ...few, '--cells', 'lstm,gru', '--hidden-sizes', '8,16']);
  expect(/^LSTM-8 .*\nLSTM-16 .*\nGRU-8 .*\nGRU-16 /m.test(table), `compare: got ${table}`);
  stmnet(['tune', 'classify', ...columns, ...few, '--hidden-size', '16', '--trials', '4', '--output', 'SEARCH']);
  expect(existsSync(join(project, 'SEARCH', 'best.json')), 'tune: best.json is missing');
  await useServer(spawn(program[0], [program[1], 'serve', 'RUN', '--port', '0', '--json'], { cwd: project, env }));
  console.log(
    `package: trained on ${file} by the command, evaluated, predicted, inspected, compared, tuned and served`,
  );
}

async function useServer(child) {
  try {
    const [line] = await once(child.stdout.setEncoding('utf8'), 'data');
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ input: 'WINNER!! claim your prize now' });
    const answer = await fetch(`${JSON.parse(line).url}/predict`, { method: 'POST', headers, body });
    const { prediction } = await answer.json();
    expect(['ham', 'spam'].includes(prediction?.label), `serve: got ${JSON.stringify(prediction)}`);
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    const [code] = await ended;
    expect(code === 0, `serve: ended with ${code} after SIGTERM, expected 0`);
  } finally {
    child.kill('SIGKILL');
  }
}
