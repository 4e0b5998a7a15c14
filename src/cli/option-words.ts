import type { Option } from 'commander';
import { flagOf } from '../tasks/catalogue/descriptor';

/** The options of a command by their flags. */
type Flags = ReadonlyMap<string, Option>;

/** What a message shows as the value of an option: a text in quotes, names in brackets, a number, or yes and no. */
const VALUE = String.raw`'[^']*'|"(?:[^"\\]|\\.)*"|\[[^\][]*\]|-?\d[\w.+-]*\w|-?\d|true\b|false\b`;
/** `epochs: 0`, but for a value of the data, which stands in a line or a row of them. */
const PAIR = new RegExp(String.raw`(?<![\w.'"/\\-])([a-z]\w*): (${VALUE})(?! in )`, 'gi');
/** `fit(examples, { validation, patience })`. */
const CALL = /(?:\bnew )?[\w.]*\w\([^(){}]*\{([^{}]*)\}\)/g;
/** A name with a hump, which is no word of the language, nor a part of the name of a file. */
const NAME = /(?<![\w.'"`/\\-])([a-z]+[A-Z]\w*)\b(?![(/\\-]|\.\w)/g;
/** What follows a name that can only be an option: behind `got data, which is empty` it is a file. */
const BEHIND_WORD = String.raw`,(?! which (?:is|seems)\b)|[;)]|\.(?!\S)| out\b| and\b| with\b| without\b|$`;
/** A name that is a word of the language, too, where it can only be an option. */
const WORD = new RegExp(String.raw`\b(pass|leave|without|got|for) ([a-z]+)(?=${BEHIND_WORD})`, 'gm');
/** Code of a program, which nobody at a command line can write. */
const CODE = new RegExp(String.raw`\bawait |\w\([^)]*\)|(?<![\w.'"-])[a-z]\w*: (?:${VALUE}|\{)`, 'i');
/** What only who writes the program can see to: what a model computes, and what its variables hold. */
const PROGRAM =
  /\b(?:look for .*\b(?:log|division)|load weights saved before|trainer\.\w+|bundler|nothing needs to be done)\b/;
/** What a command knows by another name, or has no need to be told. */
const OTHER_WORDS: readonly (readonly [RegExp, string])[] = [
  [/ of the trainer(?=\))/g, ''],
  [/\ba training that a callback ended\b/g, 'a training that ended early,'],
];
/** How code is brought in behind what can be said without it. */
const BY_CODE = /,? (?:as )?by [\w.]+\([^()]*\)/g;

/**
 * A message of the API in the words of the command line: an option as its flag, and of several ways to mend it those
 * that can be typed.
 *
 * @param message  what was given, what was expected, and behind `Fix: ` what to do
 * @param options  of the command
 */
export function inFlags(message: string, options: readonly Option[]): string {
  const flags = new Map(options.map((option) => [option.long ?? '', option]));
  return message.split('\n').map(lineIn(flags)).join('\n');
}

const lineIn =
  (flags: Flags) =>
  (line: string): string => {
    const known = OTHER_WORDS.reduce((said, [words, others]) => said.replaceAll(words, others), line);
    const [text = '', ...fixes] = namedBy(flags, known).split(/[.;:]? ?\bFix: /);
    if (fixes.length === 0) return text;
    const [first = '', ...more] = fixes.map(typable);
    const begin = text.trim() === '' ? `${text}${text === '' ? '  ' : ' '}Fix: ` : `${text}. Fix: `;
    return `${begin}${[first, ...more.map(capital)].join('. ')}`;
  };

function namedBy(flags: Flags, line: string): string {
  return line
    .replaceAll(CALL, (call: string, inner: string) => inCall(flags, inner) ?? call)
    .replaceAll(PAIR, (pair: string, name: string, value: string) => withValue(flags, name, value) ?? pair)
    .replaceAll(NAME, (name: string) => (flags.has(flagOf(name)) ? flagOf(name) : name))
    .replaceAll(WORD, (said: string, before: string, name: string) =>
      flags.has(flagOf(name)) ? `${before} ${flagOf(name)}` : said,
    );
}

/** All options of a call, one behind the other; undefined if one is none of the command. */
function inCall(flags: Flags, inner: string): string | undefined {
  const said = inner.split(',').map((part) => {
    const [name = '', value] = part.trim().split(/: (.*)/);
    return value === undefined ? flags.get(flagOf(name))?.flags : withValue(flags, name, value);
  });
  return said.every((one) => one !== undefined) ? said.join(' ') : undefined;
}

/** `--epochs 0`, `--no-header`; undefined if that is no option of the command. */
function withValue(flags: Flags, name: string, value: string): string | undefined {
  const flag = flagOf(name);
  const option = flags.get(flag);
  if (option === undefined) return undefined;
  if (value === 'true') return flag;
  if (value === 'false') return flags.has(flag.replace('--', '--no-')) ? flag.replace('--', '--no-') : `no ${flag}`;
  return `${flag} ${value.startsWith('[') ? value.slice(1, -1).replaceAll(/["']|(?<=,) /g, '') : bare(value)}`;
}

/** A text without quotes where a shell wants none. */
function bare(value: string): string {
  const [, text = ''] = /^["'](.*)["']$/s.exec(value) ?? [];
  if (/^[\w@%+=:,./-]+$/.test(text)) return text;
  return text === '' ? value : `'${text}'`;
}

/** Of the sentences of an advice those of which something can be typed or seen to; all of them if there is none. */
function typable(fix: string): string {
  const sentences = fix.split(/(?<=\.) (?=[A-Z])/);
  const left = sentences.map(typableOf).filter((sentence) => sentence !== undefined);
  if (left.length === 0) return fix;
  return left.map((sentence, at) => (at === 0 ? sentence : capital(sentence))).join(' ');
}

/** Of several ways those without code; undefined if there is no other. */
function typableOf(sentence: string): string | undefined {
  const bare = sentence.replaceAll(BY_CODE, '');
  const ways = bare.split(/(?:;|, or|; or) /);
  const left = ways.filter((way) => !CODE.test(way) && !PROGRAM.test(way));
  if (left.length === ways.length) return bare;
  return left.length === 0 ? undefined : `${left.join(', or ').replace(/\.$/, '')}.`;
}

const capital = (text: string): string => `${text.slice(0, 1).toUpperCase()}${text.slice(1)}`;
