/** Which call reads which file: what every message begins with. */
export interface FileSource {
  /** The call, as in `readTable`. */
  readonly op: string;
  /** The file. */
  readonly path: string;
}
