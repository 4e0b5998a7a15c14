import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { scratchFolder } from '../support/scratch';

const root = join(__dirname, '..', '..');

const ownOptions = join(root, 'scripts', 'reference', 'typedoc.config.mjs');

/** A checkout may have no remote to link to, of which TypeDoc would complain. */
const withoutGit = ['--disableGit', '--sourceLinkTemplate', '{path}#L{line}'];

/** Runs TypeDoc; returns its status and what it complains of. */
function reference(options: string, ...args: string[]): { status: number | null; faults: string[] } {
  const typedoc = join(root, 'node_modules', 'typedoc', 'bin', 'typedoc');
  const given = [typedoc, '--options', options, ...withoutGit, ...args];
  const child = spawnSync(process.execPath, given, { cwd: root, encoding: 'utf8' });
  const faults = `${child.stdout}${child.stderr}`
    // oxlint-disable-next-line no-control-regex -- colours
    .replace(/\u001b\[\d+m/g, '')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('[info]') && !line.includes('Found 0 errors'));
  return { status: child.status, faults };
}

describe('the API reference', () => {
  it('finds every part of every docstring of the public surface', () => {
    expect(reference(ownOptions, '--emit', 'none')).toEqual({ status: 0, faults: [] });
  });
});

const folder = scratchFolder('reference');

const sources: Record<string, string> = {
  'package.json': '{ "name": "faulty" }',
  'src/index.ts': `
    import './tensor/methods.generated';
    export { ShapeError, Tensor } from './tensor/tensor';
    export * from './tensor/ops/shape';
    export * from './layers/halve';
    export { lost } from './elsewhere/lost';`,
  'src/tensor/tensor.ts': `
    /** Shapes that do not fit. */
    export class ShapeError extends Error {
      /** @param given  what was given */
      constructor(given: string) {
        super(given);
      }
    }
    /** Numbers. */
    export class Tensor {
      /** How many. @throws {ShapeError} never; {Other} neither */
      get size(): number {
        return 0;
      }
      undocumented = 1;
    }`,
  'src/tensor/methods.generated.ts': `
    import type { turn } from './ops/shape';
    import type { Tensor } from './tensor';
    type Method<F> = F extends (x: Tensor, ...rest: infer Rest) => infer Result ? (...rest: Rest) => Result : never;
    declare module './tensor' {
      interface Tensor {
        /** Turns round. @param angle  in degrees */
        turn: Method<typeof turn>;
      }
    }`,
  'src/tensor/ops/shape.ts': `
    import type { Tensor } from '../tensor';
    /** Options of turn. */
    export interface TurnOptions {
      /** Whether to turn back. */
      back?: boolean;
    }
    /**
     * Turns \`x\` round.
     *
     *   y_i = x_{n - i}
     *     z = *y*
     *
     * Shapes: x [N] → [N].
     *
     * @param angle  in degrees
     * @throws {ShapeError} if it has no axis; {Tensor} never
     */
    export const turn = (x: Tensor, angle: number, options: TurnOptions = {}): Tensor => (angle && options ? x : x);
    /** Silent. */
    export const silent = (x: Tensor, amount: number): Tensor => (amount > 0 ? x : x);`,
  'src/layers/halve.ts': `
    interface Hidden {
      /** Half. */
      half: number;
    }
    const checkSize = (size: number): void => {
      if (size < 0) throw new Error('size');
    };
    const half = (size: number): number => {
      checkSize(size);
      return size / 2;
    };
    /** Halves. */
    export class Halve {
      /** Half of it. */
      forward(size: number): Hidden {
        return { half: half(size) };
      }
    }`,
  'src/elsewhere/lost.ts': `
    /** Is nowhere. */
    export const lost = (): void => undefined;`,
};

describe('what the API reference says of a package with faults', () => {
  let said: ReturnType<typeof reference>;
  beforeAll(() => {
    for (const [file, text] of Object.entries(sources)) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      writeFileSync(join(folder, file), text.replaceAll(/^ {4}/gm, ''));
    }
    const compilerOptions = { strict: true, target: 'es2022', module: 'nodenext', types: [] };
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, include: ['src'] }));
    const options = join(folder, 'typedoc.config.mjs');
    const at = (path: string): string => JSON.stringify(join(folder, path));
    writeFileSync(
      options,
      `import own from ${JSON.stringify(ownOptions)};
      export default {
        ...own,
        entryPoints: [${at('src/index.ts')}],
        tsconfig: ${at('tsconfig.json')},
        out: ${at('out')},
        basePath: ${at('.')},
        readme: 'none',
        projectDocuments: [],
        treatWarningsAsErrors: false,
      };`,
    );
    said = reference(options);
  });

  const page = (path: string): string => readFileSync(join(folder, 'out', path), 'utf8');

  it('names all of them', () => {
    expect(said.faults.map((fault) => fault.replace('[warning] ', ''))).toEqual([
      'Hidden, defined in faulty/src/layers/halve.ts, is referenced by src.Halve.forward but not included in the ' +
        'documentation',
      'src.Tensor.undocumented (Property), defined in faulty/src/tensor/tensor.ts, does not have any documentation',
      'lost has no heading. Fix: give src/elsewhere/lost.ts one in groups.mjs',
      'src.silent: nothing is said about amount. Fix: @param amount  …',
      'src.Halve.forward: nothing is said about size. Fix: @param size  …',
      'src.silent: an op that never throws. Fix: @throws {Class} if …',
      'src.Halve.forward: it throws (half), and does not say so. Fix: @throws {Class} if …',
      'src.silent: nothing is said about shapes. Fix: Shapes: input […] → […]',
      'src.Halve: nothing is said about shapes. Fix: Shapes: input […] → […]',
    ]);
  });

  it('links errors, also the second of a tag', () => {
    const text = page('functions/src.turn.html').replaceAll(/<(?!\/?a\b)[^>]*>| class="[^"]*"/g, '');
    expect(text).toContain('<a href="../classes/src.ShapeError.html">ShapeError</a> if it has no axis; ');
    expect(text).toContain('<a href="../classes/src.Tensor.html">Tensor</a> never');
  });

  it('shows ops as methods with the parameters of their functions', () => {
    const text = page('classes/src.Tensor.html').replaceAll(/<[^>]*>/g, '');
    expect(text).toMatch(/turn\(\s*angle: number,\s*options\?: TurnOptions,?\s*\): Tensor/);
  });

  it('shows equations as they stand', () => {
    expect(page('functions/src.turn.html')).toContain('<pre><code>y_i = x_{n - i}\n  z = *y*\n</code></pre>');
  });
});
