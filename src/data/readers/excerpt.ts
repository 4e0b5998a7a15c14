const MOST_CHARACTERS = 40;
const MOST_NAMES = 20;

/** A text of the user's in quotes; a long one shortened. */
export const inQuotes = (text: string): string =>
  JSON.stringify(text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}…`);

/** Names in a row; of many, the first ones. */
export function names(all: readonly string[]): string {
  const shown = all.slice(0, MOST_NAMES).map(inQuotes).join(', ');
  return all.length <= MOST_NAMES ? shown : `${shown}, … ${all.length} in all`;
}
