/** Where an example or a row says that it comes from, which none of its fields does. */
const PLACE = Symbol('place');

/** The line of a file. */
export interface ExamplePlace {
  readonly file: string;
  /** Counted from 1. */
  readonly line: number;
}

/** Notes on an example which line of which file it was, for messages. @returns the example */
export function placed<Example extends object>(example: Example, place: ExamplePlace): Example {
  Object.defineProperty(example, PLACE, { value: place });
  return example;
}

/** Notes on what was made of an example where that comes from. @returns what was made */
export function placedAs<Made extends object>(made: Made, example: unknown): Made {
  const place = placeOf(example);
  return place === undefined ? made : placed(made, place);
}

const placeOf = (example: unknown): ExamplePlace | undefined =>
  typeof example === 'object' && example !== null
    ? (Reflect.get(example, PLACE) as ExamplePlace | undefined)
    : undefined;

/** What a message calls an example: `events.csv, line 17`, or what it is called otherwise. */
export function calledPlace(example: unknown, otherwise: string): string {
  const place = placeOf(example);
  return place === undefined ? otherwise : `${place.file}, line ${place.line}`;
}

/** Places that a message names. */
const NAMED = 5;

/** The first five of some places, and how many more there are: `example 3; example 8; …; example 30 and 12 more`. */
export function listedPlaces(places: readonly string[]): string {
  const shown = places.slice(0, NAMED).join('; ');
  return places.length > NAMED ? `${shown} and ${places.length - NAMED} more` : shown;
}
