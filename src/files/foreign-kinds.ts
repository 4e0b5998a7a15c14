/** What a file is that is no text, and what to do with it. */
export interface ForeignKind {
  /** As in `a picture (PNG)`. */
  readonly kind: string;
  readonly fix: string;
}

const TEXT = 'give the path of a file of text';
const OFFICE = 'save it as CSV, or as a plain text, in the program that wrote it';
const SAVED = `${TEXT}; a model stands where a run folder does, not where data do`;

/** How such files begin, in hexadecimal digits. None is what a text begins with. */
const KINDS: readonly (readonly [begin: RegExp, kind: string, fix: string])[] = [
  [/^.{10}0{6}7b22/u, 'a file of safetensors, such as a model', SAVED],
  [/^89504e47/u, 'a picture (PNG)', TEXT],
  [/^ffd8ff/u, 'a picture (JPEG)', TEXT],
  [/^47494638(?:37|39)61/u, 'a picture (GIF)', TEXT],
  [/^52494646.{8}57454250/u, 'a picture (WebP)', TEXT],
  [/^52494646.{8}57415645/u, 'a recording (WAV)', TEXT],
  [/^(?:4f67675300|664c614300|4944330[2-4])/u, 'a recording', TEXT],
  [/^255044462d3/u, 'a PDF', 'take its text out of it, as by pdftotext'],
  [/^d0cf11e0/u, 'a document of Office (.xls, .doc)', OFFICE],
  [/^5041523115/u, 'a table of Parquet', 'write it as CSV, as by pandas: read_parquet(path).to_csv(…)'],
  [/^53514c69746520666f726d6174203300/u, 'a database of SQLite', 'write a table of it as CSV'],
  [/^89484446/u, 'an HDF5 file', TEXT],
  [/^934e554d5059/u, 'a NumPy array', TEXT],
  [/^800[2-5](?!00)/u, 'a pickle of Python', TEXT],
  [/^7f454c46/u, 'a program', TEXT],
];

/**
 * What a file is that is no text.
 *
 * @param begin  its first bytes, 16 or what there is
 * @returns undefined if it may be one
 */
export function foreignKind(begin: Uint8Array): ForeignKind | undefined {
  const digits = Buffer.from(begin.subarray(0, 16)).toString('hex');
  const found = KINDS.find(([pattern]) => pattern.test(digits));
  return found && { kind: found[1], fix: found[2] };
}
