import type { Command, CommanderError } from 'commander';
import { nearMiss } from '../tensor/option-names';
import { quoted } from './option-differences';

/** What commander found wrong, by its code: the parts of its message, and the command that it was called by. */
type Telling = (parts: readonly string[], command: Command) => string;

/** A mistake of usage as commander says it, and how it is said here. */
const TELLINGS: Readonly<Record<string, readonly (readonly [said: RegExp, telling: Telling])[]>> = {
  unknownOption: [[/unknown option '(.*?)'(?:\n|$)/s, unknownOption]],
  unknownCommand: [[/unknown command '(.*?)'(?:\n|$)/s, ([word = ''], command) => unknownCommand(word, command)]],
  excessArguments: [[/too many arguments/, (_, command) => tooMany(command)]],
  missingArgument: [[/missing required argument '(.*)'/, missingArgument]],
  optionMissingArgument: [[/option '(.*)' argument missing/, ([flags = '']) => withoutValue(flags)]],
  missingMandatoryOptionValue: [[/required option '(.*)' not specified/, missingOption]],
  invalidArgument: [
    [/option '(.*?)' argument '(.*)' is invalid\. (.*)$/s, ([flags = '', ...rest]) => invalid(longOf(flags), rest)],
    [
      /value '(.*)' is invalid for argument '(.*)'\. (.*)$/s,
      ([value = '', name = '', why = '']) => invalid(`<${name}>`, [value, why]),
    ],
  ],
  help: [[/^/, (_, command) => noCommand(command)]],
};

/**
 * A mistake of usage that commander found, in the words of all other mistakes: what was given, what was expected, and
 * how to mend it.
 *
 * @param error    of commander, with a status other than 0
 * @param command  that was called
 */
export function usageMistake({ code, message }: CommanderError, command: Command): string {
  for (const [said, telling] of TELLINGS[code.replace('commander.', '')] ?? []) {
    const found = said.exec(message);
    if (found !== null) return telling(found.slice(1), command);
  }
  return message.replace(/^error: /, '');
}

function unknownOption([given = '']: readonly string[], command: Command): string {
  const [flag = ''] = given.split('=');
  const longs = command.options.flatMap(({ long }) => long ?? []);
  const near = nearMiss(nameOf(flag), longs.map(nameOf));
  const [begun, ...others] = longs.filter((long) => long.startsWith(flag));
  const meant = longs.find((long) => nameOf(long) === near) ?? (others.length === 0 ? begun : undefined);
  const fix = fixBy(meant, `${pathOf(command)} --help lists them`);
  return `got ${flag}, which is no option of ${pathOf(command)}. ${fix}`;
}

function unknownCommand(word: string, command: Command): string {
  const names = namesBelow(command);
  const fix = fixBy(nearMiss(word, names), `${pathOf(command)} --help says what they do`);
  return `got the command ${quoted(word)}, expected one of ${names.join(', ')}. ${fix}`;
}

/** A command that has others below it was called by itself, or `help` with one that is not there. */
function noCommand(command: Command): string {
  const word = command.args.find((arg) => arg !== 'help' && !arg.startsWith('-'));
  if (word !== undefined) return unknownCommand(word, command);
  const names = namesBelow(command).join(', ');
  return (
    `got ${pathOf(command)} by itself, expected one of ${names} behind it. ` +
    `Fix: ${pathOf(command)} --help says what they do.`
  );
}

function tooMany(command: Command): string {
  const known = command.registeredArguments;
  const more = command.args.slice(known.length).map(quoted).join(' ');
  const expected = known.length === 0 ? 'options alone' : `${known.map((one) => `<${one.name()}>`).join(' ')} alone`;
  return (
    `got ${more} behind ${pathOf(command)}, expected ${expected}. ` +
    'Fix: leave it out; a value with blanks in it stands in quotes.'
  );
}

function missingArgument([name = '']: readonly string[], command: Command): string {
  const what = command.registeredArguments.find((one) => one.name() === name)?.description ?? '';
  return `got no <${name}>, expected one: ${what}. Fix: write ${pathOf(command)} ${command.usage()}.`;
}

const withoutValue = (flags: string): string =>
  `got ${longOf(flags)} without a value, expected ${flags}. Fix: write one behind it.`;

/** What is missing may have been misspelt. */
function missingOption([flags = '']: readonly string[], command: Command): string {
  const odd = command.args.find((arg) => arg.startsWith('--'));
  if (odd !== undefined) return unknownOption([odd], command);
  const what = command.options.find((option) => option.flags === flags)?.description ?? '';
  return `got no ${longOf(flags)}, expected ${flags}: ${what}. Fix: add ${flags}.`;
}

/** @param rest  the value, and what was expected, as a sentence */
function invalid(name: string, [value = '', why = '']: readonly string[]): string {
  const expected = why.replace(/^Expected /, '').replace(/^Allowed choices are /, 'one of ');
  const [, choices = ''] = /^one of (.*)\.$/s.exec(expected) ?? [];
  const near = choices === '' ? undefined : nearMiss(value, choices.split(', '));
  const otherwise = name.startsWith('--') ? `write such a value, or leave ${name} out` : 'write such a value';
  return `got ${name} ${quoted(value)}, expected ${expected} ${fixBy(near, otherwise)}`;
}

const fixBy = (meant: string | undefined, otherwise: string): string =>
  `Fix: ${meant === undefined ? otherwise : `write ${meant}, if that is meant`}.`;

const namesBelow = (command: Command): readonly string[] =>
  command.commands.map((below) => below.name()).filter((name) => name !== 'help');

/** As in `stmnet train classify`. */
const pathOf = (command: Command): string =>
  command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;

/** Without what stands for the value. */
const longOf = (flags: string): string => /--[\w-]+/.exec(flags)?.[0] ?? flags;

/** As the API would name it: `hiddenSize` of `--hidden-size`. */
const nameOf = (flag: string): string =>
  flag.replace(/^-+/, '').replaceAll(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
