import { relative } from 'node:path';
import { Comment, CommentTag } from 'typedoc';

// Under which heading an export stands: that of the first path here that its file begins with.
const groups = [
  ['src/layers/', 'Layers'],
  ['src/tensor/ops/recurrent.ts', 'Layers'],
  ['src/module/', 'Models'],
  ['src/losses/', 'Losses'],
  ['src/tensor/ops/losses-notes.ts', 'Metrics'],
  ['src/tensor/ops/losses', 'Losses'],
  ['src/optimizers/', 'Optimizers'],
  ['src/metrics/', 'Metrics'],
  ['src/text/', 'Text'],
  ['src/audio/', 'Data'],
  ['src/data/', 'Data'],
  ['src/datasets/', 'Data'],
  ['src/decoding/', 'Decoding'],
  ['src/training/training-error.ts', 'Errors'],
  ['src/training/', 'Training'],
  ['src/tasks/', 'Tasks'],
  ['src/report/', 'Tasks'],
  ['src/serve/', 'Serving'],
  ['src/io/', 'Files'],
  ['src/files/', 'Errors'],
  ['src/tensor/errors.ts', 'Errors'],
  ['src/tensor/generator.ts', 'Random numbers'],
  ['src/tensor/ops/random.ts', 'Random numbers'],
  ['src/tensor/device.ts', 'Devices'],
  ['src/tensor/memory.ts', 'Devices'],
  ['src/tensor/math-mode.ts', 'Devices'],
  ['src/tensor/compile.ts', 'Devices'],
  ['src/tensor/debug.ts', 'Devices'],
  ['src/tensor/ops/', 'Operations'],
  ['src/tensor/sequence-ops.ts', 'Operations'],
  ['src/tensor/map-values.ts', 'Operations'],
  ['src/tensor/', 'Tensors'],
];

/** The headings, as a newcomer needs them. */
export const order = [
  'Models',
  'Layers',
  'Losses',
  'Optimizers',
  'Metrics',
  'Text',
  'Data',
  'Decoding',
  'Training',
  'Tasks',
  'Serving',
  'Files',
  'Tensors',
  'Operations',
  'Random numbers',
  'Devices',
  'Errors',
];

/**
 * Gives each export its heading.
 *
 * @param {import('typedoc').ProjectReflection} project
 * @param {string} root  folder that the paths above are relative to
 * @returns {string[]} one sentence for each export whose file has none
 */
export function putIntoGroups(project, root) {
  const exported = (project.children ?? []).flatMap(({ children }) => children ?? []);
  return exported.flatMap((reflection) => {
    const file = relative(root, reflection.sources?.[0]?.fullFileName ?? '');
    const group = groups.find(([path]) => file.startsWith(path))?.[1];
    if (group === undefined) return [`${reflection.name} has no heading. Fix: give ${file} one in groups.mjs`];
    reflection.comment ??= new Comment();
    reflection.comment.blockTags.push(new CommentTag('@category', [{ kind: 'text', text: group }]));
    return [];
  });
}
