/** What a child found that must not be. */
export interface Finding {
  kind: 'wrong result' | 'wrong error' | 'crash' | 'hang' | 'leak' | 'fuzzer';
  /** What was called and what happened. */
  text: string;
  /** Number of the call, from 1; 0 if it belongs to no call. */
  call: number;
}

/** What became of the calls of one child, or of all. */
export interface Report {
  calls: number;
  /** Calls by their end: `fine`, or the class of the error that they threw. */
  ends: Record<string, number>;
  /** Reads of results, likewise. */
  reads: Record<string, number>;
  /** Results that were compared with the plain evaluation. */
  compared: number;
  findings: Finding[];
}

/** A report of nothing. */
export const emptyReport = (): Report => ({ calls: 0, ends: {}, reads: {}, compared: 0, findings: [] });

/** Counts one more. */
export function count(counts: Record<string, number>, name: string, by = 1): void {
  counts[name] = (counts[name] ?? 0) + by;
}

/** Adds `part` to `whole`. */
export function addReport(whole: Report, part: Report): void {
  whole.calls += part.calls;
  whole.compared += part.compared;
  for (const [name, times] of Object.entries(part.ends)) count(whole.ends, name, times);
  for (const [name, times] of Object.entries(part.reads)) count(whole.reads, name, times);
  whole.findings.push(...part.findings);
}
