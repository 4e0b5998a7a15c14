import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { NativeBinding } from '../../src/native/binding.generated';
import { garbage } from './calls/garbage';
import type { Draw } from './random';

const required = createRequire(__filename);
/** The op table that the package has loaded; it is not exported. */
const moduleOf = required(join(dirname(required.resolve('stmnet')), 'bundle', 'stmnet.js')) as (
  name: string,
) => unknown;
const { binding } = moduleOf('native/load') as { binding: NativeBinding };

/**
 * Ops that change the process or the environment for all that follows, wait, fill the memory at the word of one number,
 * or are there for tests only.
 */
const leftOut = new Set([
  'shutDown',
  'arange',
  'testSlow',
  'testFail',
  'testAllocate',
  'testFailAllocations',
  'testStopFailing',
  'usePlugin',
  'setQueueLimits',
  'setNumThreads',
  'adoptErrors',
  'devices',
  'deviceParts',
  'abandonRecording',
  'beginDryRun',
  'endDryRun',
  'beginRecording',
  'pauseRecording',
  'endRecording',
  'setMaxMemory',
  'dropRecording',
  'replay',
  'recordingFits',
  'setMathMode',
  'setDeterministic',
  'setGradEnabled',
  'synchronize',
]);

interface RawOp {
  name: string;
  parameters: readonly string[];
  /** Whether it gives a handle, or a list that starts with one. */
  makesTensor: boolean;
}

/** The parts of a parameter list: commas inside brackets belong to a part. */
export function partsOf(text: string): string[] {
  const parts: string[] = [];
  let [depth, start] = [0, 0];
  for (let at = 0; at <= text.length; at++) {
    const letter = text[at];
    if (letter !== undefined && '([{<'.includes(letter)) depth++;
    else if (letter !== undefined && (')]}'.includes(letter) || (letter === '>' && text[at - 1] !== '='))) depth--;
    if ((letter === ',' && depth === 0) || letter === undefined) {
      if (at > start) parts.push(text.slice(start, at).trim());
      start = at + 1;
    }
  }
  return parts;
}

/** The op table as the generated typings tell it. */
export function readOpTable(root: string): RawOp[] {
  const typings = readFileSync(join(root, 'src', 'native', 'binding.generated.ts'), 'utf8');
  const found = [...typings.matchAll(/^ {2}(\w+)\((.*)\): (.*);$/gm)].map(
    ([, name = '', parameters = '', result = '']) => ({
      name,
      parameters: partsOf(parameters).map((part) => part.slice(part.indexOf(':') + 1).trim()),
      makesTensor: /^\[?TensorId/.test(result),
    }),
  );
  return found.filter(({ name }) => !leftOut.has(name));
}

/** Calls of the native op table with ids of living and dead tensors, and anything in the place of a number. */
export class RawCalls {
  readonly #ids: number[] = [];

  constructor(
    readonly draw: Draw,
    readonly device: string,
    readonly ops: readonly RawOp[],
  ) {}

  #id(): number {
    const { draw } = this;
    if (this.#ids.length > 0 && draw.chance(0.85)) return draw.pick(this.#ids);
    const shape = draw.shape();
    const count = shape.reduce((product, extent) => product * extent, 1);
    const data = draw.pick([
      () => new Float32Array(count),
      () => new Float64Array(count),
      () => new Int32Array(count),
      () => new Uint8Array(count),
    ])();
    for (let at = 0; at < count; at++) data[at] = draw.whole(0, 3);
    return this.#keep(binding.fromArray(data, shape, this.device));
  }

  #keep(id: number): number {
    if (this.#ids.length < 60) this.#ids.push(id);
    else {
      const place = this.draw.whole(0, this.#ids.length - 1);
      this.#drop(this.#ids[place]!);
      this.#ids[place] = id;
    }
    return id;
  }

  #drop(id: number): void {
    try {
      binding.dispose(id);
    } catch {
      // A fuzzed call has given it up already.
    }
  }

  #argument(type: string): unknown {
    const { draw } = this;
    if (draw.chance(0.06)) return garbage(draw);
    if (type.endsWith('| undefined') && !type.startsWith('(') && draw.chance(0.5)) return undefined;
    const kind = type.replace(/ \| undefined$/, '');
    if (kind === 'TensorId') return this.#id();
    if (kind === 'number') return draw.pick([0, 1, 2, -1, 3, 0.5, 5]);
    if (kind === 'boolean') return draw.chance(0.5);
    if (kind === 'string') return draw.pick(['cpu', 'cpu', 'cpu', 'cuda', 'x']);
    if (kind === 'readonly number[]')
      return draw.chance(0.5) ? draw.shape() : draw.many(draw.whole(0, 4), () => draw.whole(-2, 4));
    if (kind === 'readonly TensorId[]') return draw.many(draw.whole(0, 5), () => this.#id());
    if (kind.startsWith("'")) return draw.pick([...kind.matchAll(/'([^']*)'/g)].map(([, text]) => text));
    if (kind.startsWith('Float32Array'))
      return draw.pick<() => unknown>([
        () => new Float32Array(draw.whole(0, 6)),
        () => new Int32Array(draw.whole(0, 6)),
        () => new Uint8Array(3),
      ])();
    if (kind.startsWith('(grads'))
      return (gradients: unknown[], saved: unknown[]) =>
        draw.pick<unknown>([[], gradients, saved, [undefined], undefined, [Number.NaN], [1e300]]);
    return kind === 'object' ? {} : garbage(draw);
  }

  /** Draws one call. */
  next(): { name: string; args: readonly unknown[]; run: () => void } {
    const op = this.draw.pick(this.ops);
    const args = op.parameters.map((type) => this.#argument(type));
    return { name: op.name, args, run: () => this.#run(op, args) };
  }

  #run({ name, makesTensor }: RawOp, args: readonly unknown[]): void {
    const fn: unknown = Reflect.get(binding, name);
    if (typeof fn !== 'function') throw new Error(`fuzz: the binding has no ${name}`);
    try {
      const result: unknown = Reflect.apply(fn, binding, args);
      if (result instanceof Promise) result.catch(() => undefined);
      for (const id of makesTensor ? [result].flat() : []) if (typeof id === 'number') this.#keepSmall(id);
    } finally {
      binding.setGradEnabled(true);
    }
  }

  /** Results that are too large for those that follow are given up. */
  #keepSmall(id: number): void {
    const size = binding.shape(id).reduce((product, extent) => product * extent, 1);
    if (size > 200_000) this.#drop(id);
    else this.#keep(id);
  }

  /** Gives up all tensors. */
  clear(): void {
    for (const id of this.#ids.splice(0)) this.#drop(id);
  }
}
