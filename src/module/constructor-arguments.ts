import { isPlainObject } from '../tensor/nested-tensors';
import { isPackaged } from './packaged';

/**
 * Whether a class of the user's needs arguments to be built: whether its own constructor, or the nearest one above it,
 * declares parameters. Those with defaults do not count in `length`, so the text is read. A class without a constructor
 * of its own takes what the class above it takes.
 *
 * @param constructor  a class that extends Module; of the package's own layers the answer is false, since their options
 * are always kept
 */
export function takesArguments(constructor: unknown): boolean {
  if (isPackaged(constructor)) return false;
  const { required, text } = declaredArguments(constructor);
  return required > 0 || text !== '';
}

/**
 * Whether a class of the user's can be built of its options alone, `new Tagger(options)`: not if its constructor needs
 * several arguments, nor if the first of them is itself one of the options, as `size` is where `constructor(size)`
 * keeps `{ size }`.
 *
 * @param constructor  a class that extends Module
 * @param options      what its object keeps in the field `options`
 */
export function takesOptions(constructor: unknown, options: unknown): boolean {
  const { required, text } = declaredArguments(constructor);
  const first = /^([\w$]+)\s*(?:[,=]|$)/.exec(text)?.[1];
  return required <= 1 && !(first !== undefined && isPlainObject(options) && Object.hasOwn(options, first));
}

/**
 * The parameters of a class's own constructor, or of the nearest one above it: how many have no default, and their
 * text.
 */
function declaredArguments(constructor: unknown): { required: number; text: string } {
  for (let current: unknown = constructor; typeof current === 'function'; current = Object.getPrototypeOf(current)) {
    const text = parametersOf(Function.prototype.toString.call(current));
    if (current.length > 0 || text !== undefined) return { required: current.length, text: text ?? '' };
  }
  return { required: 0, text: '' };
}

/** Comments, strings, templates and regular expressions, whose brackets do not count. */
const opaque = new RegExp(
  [
    /\/\*[\s\S]*?\*\//,
    /\/\/[^\n]*/,
    /'(?:\\[\s\S]|[^'\\\n])*'/,
    /"(?:\\[\s\S]|[^"\\\n])*"/,
    /`(?:\\[\s\S]|[^`\\])*`/,
    /(?<=[=(,:;!&|?{}[]\s*)\/(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n])+\//,
  ]
    .map(({ source }) => source)
    .join('|'),
  'g',
);

/**
 * The parameters of a class's own constructor, as its source has them. Undefined if the class has no constructor, or
 * one that only calls `super(...args)`, as compilers write it.
 */
function parametersOf(source: string): string | undefined {
  const text = source.replace(opaque, ' ');
  const head = /(?<![\w$.#])constructor\s*\(/y;
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text.charAt(at);
    if ('{(['.includes(character)) depth++;
    else if ('})]'.includes(character)) depth--;
    else if (depth === 1 && character === 'c') {
      head.lastIndex = at;
      if (head.test(text))
        return handsOn.test(text.slice(at))
          ? undefined
          : (/^\s*([^)]*?)\s*\)/.exec(text.slice(head.lastIndex))?.[1] ?? '');
    }
  }
  return undefined;
}

/** What compilers write for a class with fields and without a constructor. */
const handsOn = /^constructor\s*\(\s*\.\.\.\s*([\w$]+)\s*\)\s*\{\s*super\s*\(\s*\.\.\.\s*\1\s*\)/;
