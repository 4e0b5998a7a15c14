/** A sequence of tokens that a search has found. */
export interface Hypothesis {
  /** Its tokens, without those that start and end it. */
  tokens: number[];
  /** What hypotheses are compared by: `logProbability`, with the penalties of the search. */
  score: number;
  /** log of the probability of its tokens, and of its end if it has one. */
  logProbability: number;
  /** Whether it ended, by `endToken`; false if it was cut at `maxLength`. */
  finished: boolean;
  /** For each token how much the step that chose it looked at each place of the source, if the step tells. */
  attention?: number[][];
}

/** The last token of a sequence, and those before it. @internal */
export interface Link {
  readonly token: number;
  readonly before: Link | undefined;
  /** How many there are. */
  readonly count: number;
  /** Row of the step that chose it. */
  readonly row: number;
}

/** The links of a sequence, first to last. @internal */
export function linksOf(last: Link | undefined): Link[] {
  const links: Link[] = [];
  for (let link = last; link !== undefined; link = link.before) links.push(link);
  return links.reverse();
}
