const WORDS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine'];

/** A number in digits, and in words: `{ source: '42', target: 'four two !' }`. */
export const numberPair = (number: number): { source: string; target: string } => ({
  source: String(number),
  target: `${Array.from(String(number), (digit) => WORDS[Number(digit)]).join(' ')}!`,
});

/** Numbers in digits, and in words. */
export const numberPairs = Array.from({ length: 90 }, (_, at) => numberPair(7 + 11 * at));
