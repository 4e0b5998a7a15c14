// What the build makes of tsc's JavaScript: one file, dist/bundle/stmnet.js, and beside the typings a stub for each
// file that is loaded by its path, and the programs. One file loads in a third of the time that two hundred take, and a
// hundred more of them make little difference.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, posix } from 'node:path';
import { at } from './build-folder.mjs';
import { clientFiles } from './report-client.mjs';

/** Where tsc leaves its JavaScript, one file for each of src/; nothing is loaded from there. */
export const modulesFolder = 'build/modules';

/**
 * The bundle. It is as deep below dist/ as src/native/folders.ts is below src/, which finds the package's files from
 * where it is itself.
 */
const bundle = 'dist/bundle/stmnet.js';

const { exports, bin } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const nameOf = (file) => file.replace(/^\.?\/?dist\/(.*)\.js$/, '$1');

/** What package.json exports, as `index`: an entry point is written down there, and nowhere else. */
const entries = Object.values(exports).flatMap(({ require }) => (require ? [nameOf(require.default)] : []));
/** The programs, as `cli/main`. */
const programs = Object.values(bin).map(nameOf);

/** What is started as a thread of its own, by its path. */
const threads = ['data/item-worker'];

const stubOf = (name) => `dist/${name}.js`;

/** All that is made beside typings and data files, the bundle first. */
export const results = [
  bundle,
  ...[...programs, ...threads].map(stubOf),
  ...entries.flatMap((entry) => ['.js', '.mjs', '.d.mts'].map((suffix) => `dist/${entry}${suffix}`)),
  ...clientFiles,
];

/**
 * Bundles the modules, and writes the stubs.
 *
 * @param names  of all modules, as `layers/lstm`
 * @throws {Error} if esbuild is not installed, or a module is not there
 */
export async function makeBundle(names) {
  const esbuild = await import('esbuild').catch((error) => {
    throw new Error(`${error.message}.\n  Fix: npm ci`);
  });
  for (const name of [...entries, ...programs, ...threads])
    if (!names.includes(name)) throw new Error(`${stubOf(name)} is to be made of src/${name}.ts, which is not there.`);
  await bundleModules(esbuild, names);
  for (const program of programs) await bundleProgram(esbuild, program);
  for (const thread of threads) write(stubOf(thread), `${load(thread)};\n`);
  const exported = await exportsOf(esbuild);
  for (const entry of entries) writeEntry(entry, exported.get(entry));
}

/** Every module is a function, called when it is first asked for: by the name of its file, or by another module. */
async function bundleModules({ build }, names) {
  const cases = names.map((name) => `case '${name}': return require('./${name}.js');`);
  const { metafile, outputFiles } = await build({
    stdin: {
      contents: `module.exports = (name) => { switch (name) { ${cases.join('\n')} } };`,
      resolveDir: at(modulesFolder),
      sourcefile: 'all',
    },
    absWorkingDir: at(modulesFolder),
    outfile: at(bundle),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    metafile: true,
    write: false,
    plugins: [
      { name: 'names', setup: keepNames },
      { name: 'packages', setup: loadLater },
    ],
    logLevel: 'warning',
  });
  write(bundle, compiledAtOnce(outputFiles[0].text, neededBy('index.js', metafile.inputs)));
}

/**
 * A program by itself, so that it can say its help before the bundle is read; what it loads by `import()` it takes out
 * of there. What both need is in both, so that it must not be told by its class.
 */
async function bundleProgram({ build }, program) {
  const { outputFiles } = await build({
    entryPoints: [`${program}.js`],
    absWorkingDir: at(modulesFolder),
    outfile: at(stubOf(program)),
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    write: false,
    plugins: [
      { name: 'packages', setup: loadLater },
      { name: 'bundle', setup: takeFromBundle },
    ],
    logLevel: 'warning',
  });
  write(stubOf(program), outputFiles[0].text);
}

/** What is loaded by `import()` of a file comes out of the bundle. */
function takeFromBundle({ onResolve, onLoad }) {
  onResolve({ filter: /^[.].*[.]js$/ }, ({ path, kind, resolveDir, namespace }) => {
    if (namespace === 'bundle') return { path, external: true };
    if (kind !== 'dynamic-import') return undefined;
    return { path: nameIn(resolveDir, path), namespace: 'bundle' };
  });
  onLoad({ filter: /./, namespace: 'bundle' }, ({ path }) => ({
    contents: `module.exports = require('../bundle/stmnet.js')('${path}');`,
  }));
}

/** The name of a module, as `cli/commands/train`, that a module of that folder loads. */
const nameIn = (folder, path) => posix.relative(at(modulesFolder), posix.join(folder, path)).replace(/\.js$/, '');

/** A module and those that it loads, those that they load, and so on; `import()` loads later. */
function neededBy(module, inputs) {
  const found = new Set([module]);
  for (const name of found)
    for (const { path, kind, external } of inputs[name].imports)
      if (kind === 'require-call' && !external) found.add(path);
  return found;
}

/**
 * The text with parentheses around the functions of these modules. V8 compiles such a function with the text; any other
 * it reads twice, to find its end and when it is called, which would be a tenth of all the time and more.
 */
function compiledAtOnce(text, modules) {
  const seen = new Set();
  const compiled = text.replace(/^  "(.+)"(\(.*\) \{\n[^]*?\n  \})\n\}\);$/gm, (whole, name, rest) => {
    seen.add(name);
    return modules.has(name) ? `  "${name}": (function${rest})\n});` : whole;
  });
  const missed = [...modules].filter((name) => !seen.has(name));
  if (missed.length > 0) throw new Error(`esbuild has written ${missed.join(', ')} in another way than expected.`);
  return compiled;
}

/**
 * At the top of a module esbuild makes of `class Tensor`, which mentions itself, `var Tensor = class _Tensor`, and that
 * name would be in errors and in files. Within a function classes stay what they are, at no cost, while its option
 * `keepNames` calls a function for each one at the start.
 */
function keepNames({ onLoad }) {
  onLoad({ filter: /\.js$/ }, ({ path }) => ({
    contents: `(() => {${readFileSync(path, 'utf8').replace(/^#!/, '//')}\n})();`,
  }));
}

/**
 * A package, or a module of Node's own, is loaded when something of it is first used, however it is imported: Node's
 * crypto alone would take a tenth of all the time. In the bundle stands an object that asks it for its properties.
 */
function loadLater({ onResolve, onLoad }) {
  onResolve({ filter: /^[^.]/ }, ({ path, kind, namespace }) =>
    namespace === 'package' || kind !== 'require-call' ? { path, external: true } : { path, namespace: 'package' },
  );
  onLoad({ filter: /./, namespace: 'package' }, ({ path }) => ({
    contents: `
      let loaded;
      module.exports = new Proxy({}, {
        get(_, name) {
          if (name === '__esModule') return true;
          loaded ??= require('${path}');
          return name === 'default' && !loaded.__esModule ? loaded : loaded[name];
        },
        ownKeys() {
          throw new Error("src/ cannot export * from '${path}', which is loaded later. Fix: export it by name.");
        },
      });`,
  }));
}

/** The names of the values that each entry point exports, as the sources have them. */
async function exportsOf({ build }) {
  const { metafile } = await build({
    entryPoints: entries.map((entry) => at('src', `${entry}.ts`)),
    absWorkingDir: at(),
    outdir: at('dist'),
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
    metafile: true,
    write: false,
    logLevel: 'warning',
  });
  return new Map(Object.entries(metafile.outputs).map(([file, output]) => [nameOf(file), output.exports]));
}

/** The stubs for both systems of modules: the ES module hands on what CommonJS has, so that classes are one set. */
function writeEntry(entry, names) {
  const own = `./${posix.basename(entry)}.js`;
  write(stubOf(entry), `module.exports = ${load(entry)};\n`);
  const destructured = names.length === 0 ? 'export {};' : `export const {\n  ${names.join(',\n  ')},\n} = commonJS;`;
  write(`dist/${entry}.mjs`, `import commonJS from '${own}';\n${destructured}\n`);
  write(`dist/${entry}.d.mts`, `export * from '${own}';\n`);
}

/** The expression by which a stub loads a module out of the bundle. */
const load = (name) =>
  `require('${posix.relative(posix.dirname(stubOf(name)), bundle).replace(/^(?!\.)/, './')}')('${name}')`;

function write(file, text) {
  mkdirSync(dirname(at(file)), { recursive: true });
  writeFileSync(at(file), text);
}
