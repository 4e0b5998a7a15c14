import { createHash, type Hash } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { formatError, type Source } from './safetensors-header';

/**
 * A file carries the SHA-256 of all its bytes, taken with the digits of the sum itself as zeros:
 *
 *   length ┆ {"__metadata__":{"stmnet.sha256":"<64 digits>","stmnet.checksum":"sha256",…},…} ┆ data
 *
 * The second entry says that there is a sum, so that one damaged letter in the name of the first does not make a file
 * without a sum.
 */
const sumKey = 'stmnet.sha256';
const markKey = 'stmnet.checksum';
const mark = 'sha256';
const digits = 64;
const entry = `"${sumKey}":"`;

const remedy =
  'copy the file again from where it is whole; if another program has written it, ' +
  `leave ${sumKey} and ${markKey} out of its metadata`;

/** Names in the metadata that belong to the checksum. */
export const checksumKeys: readonly string[] = [sumKey, markKey];

/** What the metadata of a file that is to be written begin with. */
export const blankChecksum: readonly (readonly [string, string])[] = [
  [sumKey, '0'.repeat(digits)],
  [markKey, mark],
];

/** So much is hashed before the event loop gets a turn, some 4 ms. */
const pieceBytes = 1 << 22;

/**
 * Writes the sum into a header that was made with a blank one.
 *
 * @param header  the text of the header; changed in place
 * @param chunks  all of the file, the header among them
 */
export async function sign(header: Uint8Array, chunks: readonly Uint8Array[]): Promise<void> {
  const hash = createHash('sha256');
  let hashed = 0;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += pieceBytes) {
      const piece = chunk.subarray(at, at + pieceBytes);
      hash.update(piece);
      hashed += piece.length;
      if (hashed < pieceBytes) continue;
      await turn();
      hashed = 0;
    }
  }
  header.set(Buffer.from(hash.digest('hex'), 'latin1'), placeOf(header));
}

/** A file's sum while the file is read. */
export class Checksum {
  readonly #hash: Hash;

  constructor(
    readonly source: Source,
    readonly expected: string,
  ) {
    this.#hash = createHash('sha256');
  }

  /** Adds what follows in the file. */
  add(bytes: Uint8Array): void {
    this.#hash.update(bytes);
  }

  /** @throws {FormatError} if the bytes are not those that were written */
  verify(): void {
    if (this.#hash.digest('hex') === this.expected) return;
    throw formatError(
      this.source,
      'bytes that do not have the SHA-256 that was written with them',
      `those that were written, of SHA-256 ${this.expected}`,
      remedy,
    );
  }
}

/**
 * The checksum of a file that has one, with length and header added.
 *
 * @param header  the text of the header, as it stands in the file
 * @throws {FormatError} if what belongs to the checksum is damaged
 */
export function checksumOf(
  source: Source,
  length: Uint8Array,
  header: Uint8Array,
  metadata: ReadonlyMap<string, string>,
): Checksum | undefined {
  const [sum, kind] = [metadata.get(sumKey), metadata.get(markKey)];
  if (sum === undefined && kind === undefined) return undefined;
  const blank = Buffer.from(header);
  const place = placeOf(blank);
  if (kind !== mark || sum?.length !== digits || blank.toString('latin1', place, place + digits) !== sum) {
    throw formatError(
      source,
      'a damaged checksum in the metadata',
      `${sumKey} and ${markKey} as they were written`,
      remedy,
    );
  }
  blank.fill('0', place, place + digits);
  const checksum = new Checksum(source, sum);
  checksum.add(length);
  checksum.add(blank);
  return checksum;
}

/** Where the digits begin. The text of the entry stands nowhere else: within a string its quotes would be escaped. */
const placeOf = (header: Uint8Array): number =>
  Buffer.from(header.buffer, header.byteOffset, header.byteLength).indexOf(entry) + entry.length;
