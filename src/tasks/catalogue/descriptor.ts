/**
 * What the value of an option is, where it comes as text: a whole number of at least 1 or at least 0, a port of TCP, a
 * number of at least 0 or above 0, a probability in [0, 1) or a part in (0, 1], yes or no, a text, an encoding, a file,
 * weights of classes, factors of parts, parts, names or numbers with commas between, or one of a few names.
 */
export type OptionKind =
  | 'size'
  | 'count'
  | 'port'
  | 'number'
  | 'positive'
  | 'probability'
  | 'part'
  | 'flag'
  | 'text'
  | 'encoding'
  | 'file'
  | 'weights'
  | 'factors'
  | 'parts'
  | 'names'
  | 'numbers'
  | readonly string[];

/** An option as whoever asks for it by text knows it, such as the command line: what its class does not say itself. */
export interface OptionDescriptor {
  /** Its name in the API: `hiddenSize`. */
  readonly name: string;
  /** What its value is. */
  readonly kind: OptionKind;
  /** What it is where it is left out: `128`, `none`, or in words. */
  readonly otherwise: string;
  /** What it does, in a line that begins small and has no full stop. */
  readonly help: string;
  /** Of a flag that is on by default: what happens without it, likewise. */
  readonly negated?: string;
}

/** What divides the word of an option: `hiddenSize` is `--hidden-size`. */
export const flagOf = (name: string): string =>
  `--${name
    .replace('NaN', 'Nan')
    .replace(/([a-z0-9])([A-Z])/g, '$1-$2')
    .toLowerCase()}`;

/** Makes a descriptor. */
export const describes = (
  name: string,
  kind: OptionKind,
  otherwise: string,
  help: string,
  negated?: string,
): OptionDescriptor => ({ name, kind, otherwise, help, ...(negated !== undefined && { negated }) });
