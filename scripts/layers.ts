import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize, relative, sep } from 'node:path';

/** One import that goes against the layers. */
export interface Violation {
  /** Path of the importing file, relative to the root. */
  file: string;
  /** What it imports, as written. */
  target: string;
  /** The rule it breaks. */
  rule: string;
}

/**
 * Folders of src/ from the lowest layer to the highest; folders of one row do not know each other. A file may import
 * from the rows below its own.
 */
export const typescriptLayers: readonly (readonly string[])[] = [
  ['native'],
  ['tensor'],
  ['module', 'files'],
  ['layers', 'losses', 'optimizers', 'metrics', 'text', 'audio', 'data', 'decoding'],
  ['io', 'datasets'],
  ['training'],
  ['report'],
  ['tasks'],
  ['serve'],
  ['cli'],
];

/** The same for native/: what each folder may include from the others. `interface` is the device boundary: the
 * headers of backend/ and backend/kernels/ themselves, which every device implements or shares. */
const includes: Record<string, readonly string[]> = {
  interface: [],
  'backend/cpu': ['interface'],
  'backend/cuda': ['interface'],
  core: ['interface'],
  ops: ['core', 'interface'],
  binding: ['ops', 'core', 'interface'],
};
const interfaceFile = /^backend\/([^/]+|kernels\/[^/]+)\.h$/;

/** Headers that belong to one folder. */
const foreignHeaders = [
  {
    header: /^(napi|node_api|node_api_types|js_native_api|js_native_api_types|uv)\.h$|^napi-inl\.h$/,
    folder: 'binding',
  },
  { header: /^(cuda|cudnn|cublas|nccl|cub\/|thrust\/)/, folder: 'backend/cuda' },
];

/**
 * Every import of src/ and every include of native/ below `root` that breaks the rule of docs/architecture.md on who
 * may know whom.
 *
 * @returns the violations, by file; empty if there are none
 */
export function findViolations(root: string): Violation[] {
  return [...typescriptViolations(join(root, 'src')), ...nativeViolations(join(root, 'native'))].sort((a, b) =>
    a.file.localeCompare(b.file),
  );
}

function typescriptViolations(source: string): Violation[] {
  return filesBelow(source, /\.m?ts$/).flatMap((file) => {
    const from = folderOf(file);
    return importsOf(readFileSync(join(source, file), 'utf8')).flatMap((target) => {
      if (!target.startsWith('.')) return [];
      const imported = toUnix(normalize(join(dirname(file), target))).replace(/\.(c|m)?js$/, '');
      const rule = brokenTypeScriptRule(file, from, imported);
      return rule === undefined ? [] : [{ file: `src/${file}`, target, rule }];
    });
  });
}

function brokenTypeScriptRule(file: string, from: string, imported: string): string | undefined {
  if (imported.startsWith('..')) return 'nothing in src/ imports from outside src/';
  if (imported === 'index' || imported === '.') return 'nothing in src/ imports src/index.ts';
  if (file === 'index.ts') return undefined;
  const to = folderOf(imported);
  if (to === from) return undefined;
  const [fromLayer, toLayer] = [from, to].map((folder) => typescriptLayers.findIndex((row) => row.includes(folder)));
  if (fromLayer === undefined || fromLayer === -1)
    return `src/${from} has no layer; give it one in scripts/layers.ts and docs/architecture.md`;
  if (toLayer === undefined || toLayer === -1)
    return `src/${to} has no layer; give it one in scripts/layers.ts and docs/architecture.md`;
  if (toLayer < fromLayer) return undefined;
  if (toLayer > fromLayer) return `${from}/ lies below ${to}/ and must not know it`;
  return `${from}/ and ${to}/ are siblings and do not import each other`;
}

function nativeViolations(native: string): Violation[] {
  return filesBelow(native, /\.(cc|h|cu)$/).flatMap((file) => {
    const from = nativePart(file);
    return includesOf(readFileSync(join(native, file), 'utf8')).flatMap((target) => {
      const rule = brokenNativeRule({ native, file, from, target });
      return rule === undefined ? [] : [{ file: `native/${file}`, target, rule }];
    });
  });
}

function brokenNativeRule({
  native,
  file,
  from,
  target,
}: {
  native: string;
  file: string;
  from: string;
  target: string;
}): string | undefined {
  const beside = toUnix(normalize(join(dirname(file), target)));
  const own = [beside, target].find((path) => existsSync(join(native, path)));
  if (own === undefined) {
    const owner = foreignHeaders.find(({ header }) => header.test(target));
    return owner === undefined || owner.folder === from
      ? undefined
      : `${target} belongs to native/${owner.folder} alone`;
  }
  const to = nativePart(own);
  const allowed = includes[from];
  if (allowed === undefined)
    return `native/${from} has no layer; give it one in scripts/layers.ts and docs/architecture.md`;
  if (to === from || allowed.includes(to)) return undefined;
  return to.startsWith('backend/') && from !== to
    ? `${from} sees a device only through the headers of backend/ and backend/kernels/`
    : `${from === 'interface' ? 'the device boundary' : from} lies below ${to} and must not know it`;
}

/** The part of native/ that a file belongs to: 'interface' for the device boundary, else its folder. */
function nativePart(file: string): string {
  if (interfaceFile.test(file)) return 'interface';
  const [first = '', second = ''] = file.split('/');
  return first === 'backend' ? `backend/${second}` : first;
}

const folderOf = (file: string): string => file.split('/')[0] ?? file;
const toUnix = (path: string): string => path.split(sep).join('/');

function filesBelow(folder: string, pattern: RegExp): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && pattern.test(entry.name))
    .map((entry) => toUnix(relative(folder, join(entry.parentPath, entry.name))))
    .sort();
}

/** Everything that a file imports or exports from, as written. */
function importsOf(text: string): string[] {
  const code = withoutComments(text);
  const forms = [
    /(?:^|[;}\n])\s*(?:import|export)\b[^'"`;]*?\bfrom\s*['"]([^'"]+)['"]/g,
    /(?:\bimport|\brequire)\s*\(\s*['"]([^'"]+)['"]\s*\)/g,
    /(?:^|[;\n])\s*import\s*['"]([^'"]+)['"]/g,
  ];
  return forms.flatMap((form) => [...code.matchAll(form)].map(([, target = '']) => target));
}

const includesOf = (text: string): string[] =>
  [...withoutComments(text).matchAll(/^[ \t]*#[ \t]*include[ \t]*["<]([^">]+)[">]/gm)].map(([, target = '']) => target);

/** The text without comments; strings stay, so that `'//'` in one is no comment. */
const withoutComments = (text: string): string =>
  text.replace(
    /("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)|\/\*[\s\S]*?\*\/|\/\/[^\n]*/g,
    (_, literal: string | undefined) => literal ?? ' ',
  );
