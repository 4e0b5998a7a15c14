// The entry points that package.json exports, as a user's process sees them: the built package, by its name.
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { runScript } from './support/child';

const root = join(__dirname, '..');
const { bin, exports, typesVersions, main, types } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
const entries = Object.keys(exports).filter((entry) => entry !== './package.json');
const nameOf = (entry: string): string => entry.replace(/^\./, 'stmnet');

describe.each(entries)('the entry point %s', (entry) => {
  const base = join('dist', entry, 'index');

  it('has a source, and files for both systems of modules, with types', () => {
    expect(existsSync(join(root, 'src', entry, 'index.ts'))).toBe(true);
    expect(exports[entry]).toEqual({
      import: { types: `./${base}.d.mts`, default: `./${base}.mjs` },
      require: { types: `./${base}.d.ts`, default: `./${base}.js` },
    });
  });

  it('has its types also where nobody knows exports', () => {
    if (entry === '.') expect([main, types]).toEqual([`${base}.js`, `${base}.d.ts`]);
    else expect(typesVersions['*'][entry.replace('./', '')]).toEqual([`./${base}.d.ts`]);
  });

  it('gives the same things to both systems of modules', () => {
    const name = JSON.stringify(nameOf(entry));
    const { stdout, stderr } = runScript(`
      const required = require(${name});
      import(${name}).then((imported) => {
        const named = ({ default: _, ...rest }) => Object.keys({ ...rest }).sort();
        const odd = Object.keys(required).filter((key) => imported[key] !== required[key]);
        console.log(String(named(required)) === String(named(imported)), odd);
      });`);
    expect(stdout + stderr).toBe('true []\n');
  });
});

it('lists no types for what is no entry point', () => {
  expect(Object.keys(typesVersions['*']).map((name) => `./${name}`)).toEqual(entries.filter((entry) => entry !== '.'));
});

const bundle = 'dist/bundle/stmnet.js';

describe('the JavaScript in dist/', () => {
  it('is one bundle, a stub for each entry point and thread, and programs', () => {
    const files = readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })
      .map((file) => join('dist', file))
      .filter((file) => /\.[cm]?js$/.test(file) && !file.startsWith('dist/examples/'));
    const stubs = entries.flatMap((entry) => ['.js', '.mjs'].map((suffix) => join('dist', entry, `index${suffix}`)));
    const threads = ['dist/data/item-worker.js'];
    const whole = [bundle, 'dist/report/client.js', ...Object.values(bin).map(String)];
    expect(files.sort()).toEqual([...whole, ...stubs, ...threads].sort());
    for (const stub of files.filter((file) => !whole.includes(file) && !file.endsWith('.mjs')))
      expect(readFileSync(join(root, stub), 'utf8').length, stub).toBeLessThan(100);
  });

  it('is one set of classes for all entry points and both systems of modules', () => {
    const { stdout, stderr } = runScript(`
      const names = ${JSON.stringify(entries.map(nameOf))};
      const required = Object.assign({}, ...names.map((name) => require(name)));
      Promise.all(names.map((name) => import(name))).then(async (modules) => {
        const imported = Object.assign({}, ...modules);
        const { train } = await required.japaneseVowels();
        const { test } = await imported.japaneseVowels();
        const classes = [required.ArrayDataset, imported.ArrayDataset];
        const loaded = Object.keys(require.cache).filter((file) => file.endsWith('stmnet.js'));
        console.log(classes.every((one) => train instanceof one && test instanceof one), loaded.length);
      });`);
    expect(stdout + stderr).toBe('true 1\n');
  });

  it('gives tensors their methods where tasks alone are loaded', () => {
    const { stdout, stderr } = runScript(`
      const { TextClassifier } = require('stmnet/tasks');
      const classifier = new TextClassifier({ hiddenSize: 2, embeddingDim: 2 });
      const examples = ['a', 'b'].map((text) => ({ text, label: text }));
      classifier.fit(examples, { epochs: 1, progress: false }).then(async () => {
        console.log((await classifier.model.head.weight.clone().data()).length);
      });`);
    expect(stdout + stderr).toBe('8\n');
  });

  it('keeps the names of classes and functions, also in stack traces', () => {
    const { stdout, stderr } = runScript(`
      const stm = require('stmnet');
      const odd = Object.keys(stm).filter((name) => typeof stm[name] === 'function' && stm[name].name !== name);
      try { new stm.LSTM({ inputSize: 2, hiddenSize: 3 }).forward(stm.ones([1, 1, 4])); } catch ({ stack }) {
        console.log(JSON.stringify({ odd, stack }));
      }`);
    expect(stderr).toBe('');
    const { odd, stack } = JSON.parse(stdout) as { odd: string[]; stack: string };
    expect(odd).toEqual([]);
    expect(stack).toContain(`at #checkInput (${join(root, bundle)}:`);
  });
});

describe("require('stmnet')", () => {
  /** What `script` prints in the end of what it has loaded, as JSON. */
  const loaded = (script: string, what: string): string[] => {
    const { stdout, stderr } = runScript(`
      const { Session } = require('node:inspector');
      const session = new Session();
      const builtin = new Set(process.moduleLoadList);
      session.connect();
      session.post('Profiler.enable');
      session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
      ${script}
      session.post('Profiler.takePreciseCoverage', (_, { result }) => {
        const { functions } = result.find(({ url }) => url.endsWith('${bundle}'));
        console.log(JSON.stringify(${what}));
      });`);
    return stderr === '' ? JSON.parse(stdout) : [stderr];
  };
  // A module is a function in the bundle that has its file for a name.
  const modules = `functions.filter(({ ranges }) => ranges[0].count > 0).map((one) => one.functionName)`;
  const foldersOf = (names: readonly string[]): string[] =>
    [...new Set(names.flatMap((name) => /^(\w+)\//.exec(name)?.[1] ?? []))].sort();

  it('runs the folders of the public surface, and none of the other entry points', () => {
    const folders = 'audio data decoding files io layers losses metrics module native optimizers tensor text training';
    expect(foldersOf(loaded(`require('stmnet');`, modules))).toEqual(folders.split(' '));
    expect(foldersOf(loaded(`require('stmnet'); require('stmnet/datasets');`, modules))).toContain('datasets');
  });

  it('loads the bundle, the addon and no package', () => {
    const files = loaded(`require('stmnet');`, 'Object.keys(require.cache)');
    expect(files.filter((file) => !file.endsWith('.node'))).toEqual(
      ['dist/index.js', bundle].map((file) => join(root, file)),
    );
  });

  it('leaves those modules of Node that take long until they are used', () => {
    const names = loaded(`require('stmnet');`, `process.moduleLoadList.filter((name) => !builtin.has(name))`);
    expect(
      names.filter((name) => /(crypto|zlib|stream|promises|readline|worker|child_process|http)/.test(name)),
    ).toEqual([]);
  });
});
