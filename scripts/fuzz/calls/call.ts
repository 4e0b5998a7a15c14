import { PaddedSequence, Tensor } from 'stmnet';

/** One call of the public API with arguments that may be wrong: what is called, and with what. */
export interface Call {
  /** For counts and messages. */
  readonly name: string;
  readonly run: (...args: never[]) => unknown;
  readonly args: readonly unknown[];
}

/** A text of an argument, short and never itself a failure. */
export function shown(value: unknown, depth = 0): string {
  try {
    if (value instanceof Tensor) return `Tensor ${String(value)}`;
    if (value instanceof PaddedSequence) return `PaddedSequence ${String(value)}`;
    if (typeof value === 'function') return `function ${value.name}`;
    if (typeof value === 'symbol') return 'a symbol';
    if (typeof value === 'bigint') return `${value}n`;
    if (ArrayBuffer.isView(value)) return `${value.constructor.name}(${value.byteLength} bytes)`;
    if (depth > 3) return '…';
    if (Array.isArray(value))
      return `[${value
        .slice(0, 8)
        .map((item) => shown(item, depth + 1))
        .join(', ')}${value.length > 8 ? ', …' : ''}]`;
    if (typeof value === 'object' && value !== null) {
      return `{${Object.entries(value)
        .map(([key, item]) => `${key}: ${shown(item, depth + 1)}`)
        .join(', ')}}`;
    }
    return Object.is(value, -0) ? '-0' : String(value);
  } catch {
    return 'something without a text';
  }
}
