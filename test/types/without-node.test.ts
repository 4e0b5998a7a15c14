import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(__dirname, '..', '..');

/** What tsc says of a program of a user who has not installed the types of Node, and has every declaration checked. */
function compile(program: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'stmnet-types-'));
  try {
    writeFileSync(join(folder, 'user.ts'), program);
    const compilerOptions = {
      strict: true, noEmit: true, skipLibCheck: false, exactOptionalPropertyTypes: true, types: [], target: 'es2022', lib: ['es2023', 'esnext.disposable'], module: 'esnext', moduleResolution: 'bundler',
      paths: { stmnet: [join(root, 'dist', 'index.d.ts')] },
    };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['user.ts'] }));
    const child = spawnSync(process.execPath, [join(root, 'node_modules', 'typescript', 'bin', 'tsc'), '-p', folder, '--pretty', 'false'], { encoding: 'utf8' });
    return `${child.status}: ${child.stdout}${child.stderr}`.trim();
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const head = `import { Adam, CrossEntropyLoss, LSTM, LastStep, Linear, Module, PaddedSequence, Sequential, Tensor, Trainer, load, pad } from 'stmnet';
  export const model = new Sequential(new LSTM({ inputSize: 2, hiddenSize: 3 }), new LastStep(), new Linear({ inFeatures: 3, outFeatures: 2 }));\n`;

test('the declarations stand without those of Node, and a Sequential is a Module', () => {
  const program = `${head}
    export const base: Module = model;
    export const trainer = new Trainer({ model, loss: new CrossEntropyLoss(), optimizer: new Adam(model.parameters(), { learningRate: 0.001 }) });
    export async function predict(): Promise<Tensor | PaddedSequence> {
      return (await load('model.safetensors')).forward(pad([[[1, 2]], [[1, 2], [3, 4]]]));
    }`;
  expect(compile(program)).toBe('0:');
});

test('and errors are found with them', () => {
  expect(compile(`${head} export const wrong: number = model;`)).toContain("Type 'Sequential' is not assignable to type 'number'");
});
