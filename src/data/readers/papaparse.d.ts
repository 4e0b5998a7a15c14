// What is used of papaparse, whose own package of types needs those of browsers.
declare module 'papaparse' {
  /** A row that is not as it should be. */
  export interface ParseError {
    readonly code: 'MissingQuotes' | 'InvalidQuotes';
    /** Place in the text, behind the quote that opens the field. */
    readonly index: number;
  }

  /** What `step` gets. */
  export interface ParsedRow {
    readonly data: string[];
    readonly errors: readonly ParseError[];
    /** `cursor`: the place in the text behind the row. */
    readonly meta: { readonly cursor: number };
  }

  export interface ParseConfig {
    readonly delimiter: string;
    readonly newline: '\n';
    readonly quoteChar: string;
    readonly step: (row: ParsedRow) => void;
  }

  /** Calls `step` for each row of the text. */
  export function parse(text: string, config: ParseConfig): void;
}
