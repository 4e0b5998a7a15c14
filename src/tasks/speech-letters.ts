import { OptionError } from '../tensor/errors';
import { counted } from '../tensor/counted';
import { listedPlaces } from './example-place';
import type { CalledExample } from './empty-examples';
import type { Heard } from './speech-sound';

/** Stands for a letter that training never heard. */
const UNKNOWN = '\uFFFD';

/** The letters of a recognizer; class 0 is no letter. */
export class SpeechLetters {
  /** In the order of the classes, from 1 on. */
  readonly names: readonly string[];
  readonly #classes: ReadonlyMap<string, number>;

  constructor(names: readonly string[]) {
    this.names = names;
    this.#classes = new Map(names.map((name, at) => [name, at + 1]));
  }

  /** The letters of transcripts. @throws {OptionError} if there is none */
  static of(op: string, transcripts: readonly string[]): SpeechLetters {
    const names = [...new Set(transcripts.flatMap((text) => Array.from(text)))].sort();
    if (names.length > 0) return new SpeechLetters(names);
    throw new OptionError(op, {
      given: 'transcripts without a letter',
      expected: 'what is said in the recordings',
      fix: 'look at which column holds the transcripts',
    });
  }

  /** C, letters and none. */
  get size(): number {
    return this.names.length + 1;
  }

  /** Those of texts that training never heard. */
  unknownIn(texts: readonly string[]): readonly string[] {
    return [...new Set(texts.flatMap((text) => Array.from(text)))]
      .filter((letter) => !this.#classes.has(letter))
      .sort();
  }

  /** Classes of a text; a letter that training never heard is one past the last. */
  encode(text: string): Int32Array {
    return Int32Array.from(Array.from(text), (letter) => this.#classes.get(letter) ?? this.size);
  }

  /** The text of classes. */
  decode(classes: Iterable<number>): string {
    return Array.from(classes, (one) => this.names[one - 1] ?? UNKNOWN).join('');
  }
}

/** Steps that a text takes at least: one a letter, and one between two that are alike. */
export function leastSteps(letters: Int32Array): number {
  return letters.reduce((steps, letter, at) => steps + (at > 0 && letters[at - 1] === letter ? 2 : 1), 0);
}

/**
 * Refuses recordings that are too short for what is said to be in them: no alignment would spell it.
 *
 * @throws {OptionError} naming them
 */
export function checkAlignable(
  op: string,
  heard: readonly Heard[],
  letters: SpeechLetters,
  { stack, called }: { readonly stack: number; readonly called: CalledExample },
): void {
  const short = heard.flatMap(({ name, transcript, frames }) => {
    const [count = 0] = frames.shape;
    const [needed, steps] = [leastSteps(letters.encode(transcript)), count / stack];
    return needed <= steps ? [] : [{ told: `${name}: ${counted(steps, 'step')} for ${needed}`, fits: needed <= count }];
  });
  if (short.length === 0) return;
  const places = listedPlaces(short.map(({ told }) => told));
  throw new OptionError(op, {
    given: `recordings too short for their transcripts in ${short.length} of ${heard.length} ${called}s: ${places}`,
    expected: `a step of ${10 * stack} ms for each letter, and one more between two that are alike`,
    fix: short.every(({ fits }) => fits)
      ? 'pass stack: 1, or leave them out'
      : 'look whether they belong together, or leave them out',
  });
}
