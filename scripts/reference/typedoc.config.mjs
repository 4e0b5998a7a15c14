// The API reference, `npm run docs`: HTML in build/docs, made of the docstrings of what package.json exports. What a
// docstring lacks is an error; `npm run docs -- --emit none` only looks for that.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { order } from './groups.mjs';
import { readEquations } from './equations.mjs';
import { knowThePackage } from './plugin.mjs';

const at = (path) => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const { exports } = JSON.parse(readFileSync(at('package.json'), 'utf8'));
const sources = Object.values(exports)
  .filter((entry) => typeof entry === 'object')
  .map(({ require }) => require.default.replace(/^\.\/dist\/(.*)\.js$/, 'src/$1.ts'));

// Classes and functions before their options.
const kinds = ['Module', 'Class', 'Function', 'Variable', 'Interface', 'TypeAlias'].concat([
  'Constructor',
  'Property',
  'Accessor',
  'Method',
]);

/** @type {Partial<import('typedoc').TypeDocOptions>} */
export default {
  name: 'stmnet',
  entryPoints: sources.map(at),
  alwaysCreateEntryPointModule: true,
  tsconfig: at('tsconfig.json'),
  out: at('build/docs'),
  readme: at('README.md'),
  projectDocuments: [
    'docs/guide.md',
    'docs/cli.md',
    'docs/tasks/classify.md',
    'docs/tasks/tag.md',
    'docs/tasks/lm.md',
    'docs/tasks/events.md',
    'docs/tasks/forecast.md',
    'docs/tasks/seq2seq.md',
    'docs/serving.md',
    'docs/gpu.md',
    'docs/reliability.md',
    'docs/performance.md',
  ].map(at),
  plugin: [knowThePackage],
  markdownItLoader: readEquations,
  basePath: at(''),
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  preservedTypeAnnotationTags: ['@throws'],
  categorizeByGroup: false,
  categoryOrder: [...order, '*'],
  sort: ['kind', 'source-order'],
  kindSortOrder: kinds,
  navigation: { includeCategories: true, includeGroups: false, includeFolders: false },
  skipErrorChecking: true, // npm run types has found them
  treatWarningsAsErrors: true,
  validation: {
    notExported: true,
    invalidLink: true,
    invalidPath: true,
    rewrittenLink: true,
    notDocumented: true,
    unusedMergeModuleWith: true,
  },
};
