// How far two sequences are from each other.

/** Tokens of two sequences as numbers, equal ones the same. */
export function placesOfTokens(a: readonly string[], b: readonly string[]): [Int32Array, Int32Array] {
  const places = new Map<string, number>();
  const placeOf = (token: string): number => {
    const known = places.get(token) ?? places.size;
    places.set(token, known);
    return known;
  };
  return [Int32Array.from(a, placeOf), Int32Array.from(b, placeOf)];
}

/** Fewest insertions, deletions and substitutions that turn one sequence into the other (Levenshtein, 1966). */
export function editDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const row = Int32Array.from({ length: b.length + 1 }, (_, at) => at);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0] ?? 0;
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] ?? 0;
      const kept = diagonal + (a[i - 1] === b[j - 1] ? 0 : 1);
      row[j] = Math.min(kept, above + 1, (row[j - 1] ?? 0) + 1);
      diagonal = above;
    }
  }
  return row[b.length] ?? 0;
}

/** Length of the longest sequence that both have in this order, with gaps or without. */
export function longestCommon(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const row = new Int32Array(b.length + 1);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = 0;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j] ?? 0;
      row[j] = a[i - 1] === b[j - 1] ? diagonal + 1 : Math.max(above, row[j - 1] ?? 0);
      diagonal = above;
    }
  }
  return row[b.length] ?? 0;
}
