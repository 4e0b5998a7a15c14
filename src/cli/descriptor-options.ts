import { InvalidArgumentError, Option, type Command } from 'commander';
import { encodingNamed } from '../files/encoding-name';
import { flagOf, type OptionDescriptor, type OptionKind } from '../tasks/catalogue/descriptor';

/** Adds options of a class to a command, below a heading of its help. */
export function addDescriptors(command: Command, descriptors: readonly OptionDescriptor[], heading: string): Command {
  for (const descriptor of descriptors)
    for (const option of optionsOf(descriptor)) command.addOption(option.helpGroup(heading));
  return command;
}

/** Of these options those that were given, by their names in the API. */
export function givenOptions(
  command: Command,
  descriptors: readonly OptionDescriptor[],
): Readonly<Record<string, unknown>> {
  const given = descriptors.flatMap((descriptor) => {
    const [option] = optionsOf(descriptor);
    const name = option?.attributeName() ?? '';
    return command.getOptionValueSource(name) === 'cli' ? [[descriptor.name, command.getOptionValue(name)]] : [];
  });
  return Object.fromEntries(given) as Readonly<Record<string, unknown>>;
}

/** Reads the value of an option from text. @throws {InvalidArgumentError} if it is none of its kind */
export function parseValue(kind: OptionKind, text: string): unknown {
  if (typeof kind !== 'string') return oneOf(kind, text);
  return PARSERS[kind](text);
}

/** The option; of a flag both ways to say it, of which the one that changes nothing is not in the help. */
function optionsOf({ name, kind, otherwise, help, negated }: OptionDescriptor): Option[] {
  const flag = flagOf(name);
  const text = otherwise === '' ? help : `${help} (default: ${otherwise})`;
  if (kind !== 'flag') {
    const option = new Option(`${flag} <${typeof kind === 'string' ? ARGUMENTS[kind] : kind.join('|')}>`, text);
    return [option.argParser((value) => parseValue(kind, value))];
  }
  const [yes, no] = [new Option(flag, help), new Option(flag.replace('--', '--no-'), negated)];
  return otherwise === 'true' ? [no, yes.hideHelp()] : [yes, no.hideHelp()];
}

const ARGUMENTS: Readonly<Record<Exclude<OptionKind, readonly string[]>, string>> = {
  size: 'n',
  count: 'n',
  port: 'n',
  number: 'x',
  positive: 'x',
  probability: 'p',
  part: 'p',
  flag: '',
  text: 'text',
  encoding: 'text',
  file: 'file',
  weights: 'weights',
  factors: 'a=x,b=y',
  parts: 'a,b',
  names: 'a,b',
  numbers: 'x,y',
};

const PARSERS: Readonly<Record<Exclude<OptionKind, readonly string[]>, (text: string) => unknown>> = {
  size: numberThat((value) => Number.isSafeInteger(value) && value >= 1, 'a whole number of at least 1'),
  count: numberThat((value) => Number.isSafeInteger(value) && value >= 0, 'a whole number of at least 0'),
  port: numberThat(
    (value) => Number.isInteger(value) && value >= 0 && value < 2 ** 16,
    'a whole number from 0 to 65535',
  ),
  number: numberThat((value) => value >= 0, 'a number of at least 0'),
  positive: numberThat((value) => value > 0, 'a number above 0'),
  probability: numberThat((value) => value >= 0 && value < 1, 'a number in [0, 1)'),
  part: numberThat((value) => value > 0 && value <= 1, 'a number in (0, 1]'),
  flag: (text) => text === 'true',
  text: (text) => text,
  encoding: encodingIn,
  file: (text) => text,
  weights: weightsOf,
  factors: (text) => pairsIn(text, 'Expected a factor for each part, as features=0.1,encoder=0.3.'),
  parts: partsOf,
  names: (text) => text.split(',').map((name) => name.trim()),
  numbers: numbersOf,
};

function numberThat(fits: (value: number) => boolean, expected: string): (text: string) => number {
  return (text) => {
    const value = text.trim() === '' ? Number.NaN : Number(text);
    if (Number.isFinite(value) && fits(value)) return value;
    throw new InvalidArgumentError(`Expected ${expected}.`);
  };
}

/** `0.1,0.5,0.9`; none of an empty text. */
function numbersOf(text: string): number[] {
  const numbers =
    text.trim() === '' ? [] : text.split(',').map((one) => (one.trim() === '' ? Number.NaN : Number(one)));
  if (numbers.every(Number.isFinite)) return numbers;
  throw new InvalidArgumentError('Expected numbers with commas between, as 0.1,0.5,0.9.');
}

function encodingIn(text: string): string {
  if (encodingNamed(text) !== undefined) return text;
  throw new InvalidArgumentError('Expected an encoding, such as utf-8, utf-16le, latin1 or windows-1252.');
}

function oneOf(names: readonly string[], text: string): string {
  if (names.includes(text)) return text;
  throw new InvalidArgumentError(`Expected one of ${names.join(', ')}.`);
}

/** `balanced`, or `ham=1,spam=6`. */
function weightsOf(text: string): unknown {
  if (text === 'balanced') return text;
  return pairsIn(text, 'Expected balanced, or a weight for each label: ham=1,spam=6.');
}

/** `encoder`, or for so many epochs: `encoder=1`. */
function partsOf(text: string): unknown {
  if (text.includes('=')) return pairsIn(text, 'Expected epochs for each part, as features=2,encoder=1.');
  return text.split(',').map((name) => name.trim());
}

/** `a=1,b=0.5`, numbers of at least 0. */
function pairsIn(text: string, expected: string): Readonly<Record<string, number>> {
  const pairs = text.split(',').map((pair): [string, number] => {
    const at = pair.lastIndexOf('=');
    return [pair.slice(0, Math.max(at, 0)).trim(), Number(pair.slice(at + 1) || Number.NaN)];
  });
  if (pairs.every(([name, value]) => name !== '' && value >= 0)) return Object.fromEntries(pairs);
  throw new InvalidArgumentError(expected);
}
