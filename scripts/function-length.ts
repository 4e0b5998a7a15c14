/** A function of C++, by the line of its opening brace and the number of lines in its body. */
export interface FunctionBody {
  /** Counted from 1. */
  line: number;
  /** Lines of code in the body: no blanks, no comments. */
  lines: number;
}

/**
 * The functions that a file of C++ defines, lambdas within them and classes within them not counted apart. It counts
 * braces, as clang-format writes them: a body's stands after a blank, that of an initializer does not, `values_{…}`.
 *
 * @throws {Error} if braces do not match, as where a preprocessor condition opens one twice
 */
export function functionBodies(text: string): FunctionBody[] {
  const lines = code(text).split('\n');
  const found: FunctionBody[] = [];
  const open: { kind: Kind; line: number }[] = [];
  let header = '';
  lines.forEach((content, index) => {
    let before = ' ';
    for (const character of `${content}\n`) {
      if (character === '{') {
        open.push({ kind: kindOf(header, before, open.at(-1)?.kind), line: index });
        if (open.at(-1)?.kind !== 'value') header = '';
      } else if (character === '}') {
        const last = open.pop();
        if (last === undefined) throw new Error(`line ${index + 1}: a brace that nobody opened`);
        if (last.kind === 'function') found.push({ line: last.line + 1, lines: count(lines, last.line, index) });
        if (last.kind !== 'value') header = '';
      } else if (open.at(-1)?.kind !== 'value') {
        header = character === ';' ? '' : header + character;
      }
      before = character;
    }
  });
  if (open.length > 0) throw new Error(`line ${(open.at(-1)?.line ?? 0) + 1}: a brace that nobody closes`);
  return found;
}

/** What a brace opens: what may hold functions, a function, a block within one, or a value. */
type Kind = 'scope' | 'function' | 'block' | 'value';

function kindOf(header: string, before: string, around: Kind | undefined): Kind {
  if (around === 'function' || around === 'block') return 'block';
  if (around === 'value' || /[\w>\])]/.test(before)) return 'value';
  const said = header.replace(/template\s*<[^{]*?>\s*(?=\S)/g, '').trim();
  if (/\b(namespace|enum)\b|^extern\b\s*$|\b(class|struct|union)\b[^()]*(\([^()]*\)[^()]*)?$/.test(said))
    return 'scope';
  return /\)|\boperator\b/.test(said) && !/=\s*$/.test(said) ? 'function' : 'value';
}

/** Lines of code between two lines, which hold the braces. */
const count = (lines: readonly string[], first: number, last: number): number =>
  lines.slice(first + 1, last).filter((line) => line.trim() !== '').length;

/** The text with blanks in place of comments, strings, characters and what the preprocessor reads. */
const code = (text: string): string =>
  text
    .replace(/(?<=\b\d[\w']*)'(?=\w)/g, '_') // 65'536
    .replace(/\/\/[^\n]*|\/\*[^]*?\*\/|R"(\w*)\([^]*?\)\1"|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])+'/g, blank)
    .replace(/^[ \t]*#(?:[^\n]*\\\n)*[^\n]*/gm, blank);

const blank = (match: string): string => match.replace(/[^\n]/g, ' ');
