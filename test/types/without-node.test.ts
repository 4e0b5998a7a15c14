import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';

const root = join(__dirname, '..', '..');
let folder = '';

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stmnet-types-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(root, join(folder, 'node_modules', 'stmnet'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const tsc = (...args: string[]): string => {
  const child = spawnSync(process.execPath, [join(root, 'node_modules', '.bin', 'tsc'), ...args], {
    cwd: folder,
    encoding: 'utf8',
  });
  return `${child.status}: ${child.stdout}${child.stderr}`.trim();
};

/** What tsc says of a program of a user who has not installed the types of Node, and has every declaration checked. */
function compile(file: string, program: string, options: object): string {
  writeFileSync(join(folder, file), program);
  const compilerOptions = { strict: true, noEmit: true, types: [], target: 'es2022', ...options };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  return tsc('-p', '.', '--pretty', 'false');
}

const head = `
  import { Adam, CrossEntropyLoss, LSTM, LastStep, Linear, Module, Sequential, Trainer } from 'stmnet';
  import { PaddedSequence, Tensor, load, pad, tensor } from 'stmnet';
  import { japaneseVowels } from 'stmnet/datasets';
  import { serve, stopOnSignals, type StopSignal } from 'stmnet/serve';
  import type { Task } from 'stmnet/tasks';
  export type Filter = Task<{ text: string }, string, number>;
  export const answer = async (filter: Filter): Promise<StopSignal> => stopOnSignals(await serve(filter));
  const lstm = new LSTM({ inputSize: 2, hiddenSize: 3 });
  export const model = new Sequential(lstm, new LastStep(), new Linear({ inFeatures: 3, outFeatures: 2 }));\n`;
const program = `${head}
  export const base: Module = model;
  const optimizer = new Adam(model.parameters(), { learningRate: 0.001 });
  export const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer });
  export async function predict(): Promise<Tensor | PaddedSequence> {
    for (const { target } of (await japaneseVowels()).train) target satisfies number;
    using one = tensor([1]);
    one[Symbol.dispose]();
    return (await load('model.safetensors')).forward(pad([[[1, 2]], [[1, 2], [3, 4]]]));
  }`;
const required = `import stmnet = require('stmnet');
  import datasets = require('stmnet/datasets');
  import serving = require('stmnet/serve');
  import tasks = require('stmnet/tasks');
  type Filter = tasks.Task<{ text: string }, string, number>;
  const lstm = new stmnet.LSTM({ inputSize: 2, hiddenSize: 3 });
  const { output }: { output: stmnet.PaddedSequence } = lstm.forward(stmnet.pad([[[1, 2]]]));
  output[Symbol.dispose]();
  const filter: Filter | undefined = undefined;
  const options: serving.ServeOptions = { port: 0 };
  export = { output, datasets, filter, options };`;

test.each([
  ['user.mts', program, { module: 'nodenext' }],
  ['user.mts', program, { module: 'node16', exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true }],
  ['user.cts', required, { module: 'nodenext', verbatimModuleSyntax: true }],
  ['user.ts', program, { module: 'esnext', moduleResolution: 'bundler' }],
  ['user.ts', program, { module: 'esnext', moduleResolution: 'bundler', lib: ['es2023', 'esnext.disposable'] }],
  ['user.ts', program, { module: 'commonjs' }],
  [
    'user.mts',
    program,
    { module: 'nodenext', target: 'esnext', types: ['node'], typeRoots: [join(root, 'node_modules', '@types')] },
  ],
])('the declarations stand by themselves: %s', (file, text, options) => {
  expect(compile(file, text, options)).toBe('0:');
});

test('and in a project as tsc --init makes it', () => {
  rmSync(join(folder, 'tsconfig.json'), { force: true });
  expect(tsc('--init')).toMatch(/^0:/);
  writeFileSync(join(folder, 'user.mts'), program);
  writeFileSync(join(folder, 'user.cts'), required);
  rmSync(join(folder, 'user.ts'), { force: true });
  expect(tsc('--noEmit', '--skipLibCheck', 'false', '--pretty', 'false')).toBe('0:');
});

test('errors are found with them', () => {
  expect(compile('user.mts', `${head} export const wrong: number = model;`, { module: 'nodenext' })).toContain(
    "Type 'Sequential' is not assignable to type 'number'",
  );
});
