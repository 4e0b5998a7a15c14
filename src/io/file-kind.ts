import { extname } from 'node:path';
import { foreignKind } from '../files/foreign-kinds';

/** What a file is that is no safetensors file, and what to do with it. */
export interface FileKind {
  readonly given: string;
  readonly fix: string;
}

const EXPORT = "export it in Python: safetensors.torch.save_file(model.state_dict(), 'model.safetensors')";
const WEIGHTS = 'write its arrays in Python: safetensors.numpy.save_file(arrays, path), which loadSafetensors() reads';
const UNPACK = 'unpack it first';

/** How files begin; as the length of a header each would be huge. */
const KINDS: readonly (readonly [begin: string, given: string, fix: string])[] = [
  ['504b0304', 'a zip archive, as PyTorch writes (.pt, .pth),', EXPORT],
  ['80028a0a', 'a pickle, as PyTorch wrote it before 1.6,', EXPORT],
  ['8004', 'a pickle of Python', WEIGHTS],
  ['8005', 'a pickle of Python', WEIGHTS],
  ['89484446', 'an HDF5 file, as Keras writes (.h5),', WEIGHTS],
  ['934e554d', 'a NumPy array (.npy)', WEIGHTS],
  ['1f8b', 'a file packed by gzip', UNPACK],
  ['425a68', 'a file packed by bzip2', UNPACK],
  ['28b52ffd', 'a file packed by zstd', UNPACK],
  ['52494646', 'a recording or another RIFF file', 'read recordings by readWav()'],
];

const TABLE = 'read tables by readTable()';

/** What reads texts, by the ends of their names. */
const READERS: Readonly<Record<string, string>> = {
  '.csv': TABLE,
  '.tsv': TABLE,
  '.tab': TABLE,
  '.jsonl': 'read it by readJsonLines()',
  '.ndjson': 'read it by readJsonLines()',
  '.json': "read it by JSON.parse(await readFile(path, 'utf8')); a tokenizer.json by BPETokenizer.fromHuggingFace()",
  '.txt': 'read it by readTextLines()',
};

const SAVED = 'give the path of a file that save() or saveSafetensors() wrote';

/** Bytes of a text in ASCII: as the length of a header they would be huge. */
const isText = (bytes: Uint8Array): boolean =>
  bytes.every((byte) => (byte >= 32 && byte < 127) || byte === 9 || byte === 10 || byte === 13);

/**
 * What a file is, by how it begins.
 *
 * @param bytes  the first eight
 * @returns undefined if that is not known
 */
export function kindOfFile(path: string, bytes: Uint8Array): FileKind | undefined {
  const begin = Buffer.from(bytes).toString('hex');
  const found = KINDS.find(([start]) => begin.startsWith(start));
  if (found !== undefined) return { given: found[1], fix: found[2] };
  const foreign = foreignKind(bytes);
  if (foreign !== undefined) return { given: foreign.kind, fix: SAVED };
  if (!isText(bytes)) return undefined;
  const text = JSON.stringify(Buffer.from(bytes).toString('latin1'));
  const extension = extname(path).toLowerCase();
  const reader = Object.hasOwn(READERS, extension) ? READERS[extension] : undefined;
  return { given: `a text that begins with ${text}`, fix: reader === undefined ? SAVED : `${SAVED}; ${reader}` };
}
