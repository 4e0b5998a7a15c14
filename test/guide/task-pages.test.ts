import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { scratchFolder } from '../support/scratch';

const root = join(__dirname, '..', '..');
const pages = readdirSync(join(root, 'docs', 'tasks'));
const folder = scratchFolder('task-pages');

/** What the scripts of a page take for granted: the examples of its task, and what else a reader has. */
function given(script: string): string {
  const names = ['train', 'validation', 'test'].filter((name) => new RegExp(`\\b${name}\\b`).test(script));
  const [, task = ''] = /import \{ (\w+) \} from 'stmnet\/tasks'/.exec(script) ?? [];
  const examples = names.map((name) => `declare const ${name}: Parameters<${task}['fit']>[0];`);
  return [...examples, 'declare const microphone: AsyncIterable<Float32Array>;', 'export {};'].join('\n');
}

/** The scripts of a page as one module: the first one, and each other in a scope of its own behind it. */
function moduleOf(page: string): string {
  const [first = '', ...others] = [...page.matchAll(/^```(?:js|ts)\n(.*?)^```$/gms)].map(([, script = '']) => script);
  return [first, ...others.map((script) => `{\n${script}}`), given(first)].join('\n');
}

/** What tsc says, as strictly as it can, of modules by their names. */
function compiled(modules: Readonly<Record<string, string>>): string {
  const target = join(folder, 'node_modules');
  mkdirSync(target, { recursive: true });
  if (!readdirSync(target).includes('stmnet')) symlinkSync(root, join(target, 'stmnet'));
  const files = Object.keys(modules).map((name) => `${name}.mts`);
  for (const [name, text] of Object.entries(modules)) writeFileSync(join(folder, `${name}.mts`), text);
  const typeRoots = [join(root, 'node_modules', '@types')];
  const strict = { strict: true, noUncheckedIndexedAccess: true, exactOptionalPropertyTypes: true };
  const options = { ...strict, noEmit: true, module: 'nodenext', target: 'esnext', types: ['node'], typeRoots };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, files }));
  const args = [join(root, 'node_modules', '.bin', 'tsc'), '-p', '.', '--pretty', 'false'];
  return spawnSync(process.execPath, args, { cwd: folder, encoding: 'utf8' }).stdout.trim();
}

test('the scripts of docs/tasks are strictly typed', () => {
  const modules = pages.map((name) => [
    name.replace('.md', ''),
    moduleOf(readFileSync(join(root, 'docs', 'tasks', name), 'utf8')),
  ]);
  expect(modules.map(([, text = '']) => text.includes("from 'stmnet/tasks'"))).toEqual(pages.map(() => true));
  expect(compiled(Object.fromEntries(modules) as Record<string, string>)).toBe('');
});

test('and a mistake in one is found', () => {
  const script = "import { Tagger } from 'stmnet/tasks';\nawait new Tagger().fit(train);\n";
  const wrong = moduleOf(`\`\`\`js\n${script}\`\`\`\n\`\`\`js\nnew Tagger({ crv: true });\n\`\`\`\n`);
  expect(compiled({ wrong })).toMatch(/^wrong\.mts\(5,\d+\): error TS\d+: .*'crv' does not exist/);
});
