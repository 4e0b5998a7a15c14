import { checkPath } from '../../files/check-path';
import { fileBytes } from '../../files/file-bytes';
import type { FileSource } from '../../files/file-source';
import { FormatError } from '../../tensor/errors';
import { flag } from '../../tensor/options';
import { readOptions, withDefault } from '../../tensor/read-options';
import { sampleReader, type SampleCoding } from './wav-samples';

/** How a WAV file is read. */
export interface WavOptions {
  /** Whether several channels become one, their mean. Default true. */
  mono?: boolean | undefined;
}

/** A recording. */
export interface Recording {
  /** [frames · channels], in -1..1 but for files of floats beyond; the channels of a frame stand beside each other. */
  samples: Float32Array;
  /** Frames a second. */
  sampleRate: number;
  /** How many channels `samples` has: 1 after mixing. */
  channels: number;
}

/**
 * The samples of a WAV file: PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64 bits, also as WAVE_FORMAT_EXTENSIBLE.
 * PCM is divided by the magnitude of its least number, as by 32768.
 *
 *     const { samples, sampleRate } = await readWav('0_george_0.wav');
 *
 * @param path     the file, of at most 2 GiB
 * @param options  how it is read
 * @throws {FormatError} if it is no WAV file, is cut off, has another coding, contradicts itself, or has samples that
 *   are no finite numbers
 * @throws {FileError} if the file cannot be read; its code is the system's
 * @throws {OptionError} for options that are none
 */
export async function readWav(path: string, options: WavOptions = {}): Promise<Recording> {
  checkPath('readWav', path, 'readWav(path, options)');
  const { mono } = readOptions('readWav', options, { mono: withDefault(flag, true) });
  const source = { op: 'readWav', path };
  const bytes = await wholeFile(source);
  const { format, data } = chunksOf(source, bytes);
  const { coding, channels, sampleRate } = formatOf(source, format);
  const frameBytes = channels * coding.bytes;
  if (data.length % frameBytes !== 0)
    throw damaged(source, `${data.length} bytes of samples`, `a multiple of ${frameBytes}, the bytes of a frame`);
  const read = sampleReader(coding, data);
  const frames = data.length / frameBytes;
  const mixed = mono && channels > 1;
  const samples = new Float32Array(mixed ? frames : frames * channels);
  for (let at = 0; at < samples.length; at++) samples[at] = mixed ? meanOf(read, at * channels, channels) : read(at);
  const odd = samples.findIndex((value) => !Number.isFinite(value));
  if (odd >= 0) throw damaged(source, `${samples[odd]} as sample ${odd}`, 'samples that are finite numbers');
  return { samples, sampleRate, channels: mixed ? 1 : channels };
}

function meanOf(read: (index: number) => number, first: number, count: number): number {
  let sum = 0;
  for (let index = first; index < first + count; index++) sum += read(index);
  return sum / count;
}

const MOST_BYTES = 2 ** 31;
const beginBytes = 12;

async function wholeFile(source: FileSource): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of fileBytes(source)) {
    pieces.push(piece);
    if (length < beginBytes && length + piece.length >= beginBytes) checkBegin(source, Buffer.concat(pieces));
    length += piece.length;
    if (length > MOST_BYTES) throw damaged(source, 'more than 2 GiB', 'a recording that fits in memory');
  }
  const bytes = Buffer.concat(pieces, length);
  checkBegin(source, bytes);
  return bytes;
}

/**
 * The chunks that matter. A file is
 *
 *   'RIFF' size 'WAVE'  then chunks of  name size bytes…, each beginning at an even place
 *
 * with sizes of 32 bits. The first size is often wrong, and nothing depends on it.
 */
function chunksOf(source: FileSource, bytes: Buffer): { format: Buffer; data: Buffer } {
  let format: Buffer | undefined;
  for (let at = beginBytes; at + 8 <= bytes.length;) {
    const name = bytes.toString('latin1', at, at + 4);
    const size = bytes.readUInt32LE(at + 4);
    const chunk = bytes.subarray(at + 8, at + 8 + size);
    if (name === 'fmt ' || name === 'data') {
      if (chunk.length < size)
        throw damaged(source, `${chunk.length} of the ${size} bytes that chunk '${name}' announces`, 'a whole file');
      if (name === 'fmt ') format = chunk;
      else if (format === undefined) throw damaged(source, "a chunk 'data' before any 'fmt '", "'fmt ' first");
      else return { format, data: chunk };
    }
    at += 8 + size + (size % 2);
  }
  const missing = format === undefined ? 'fmt ' : 'data';
  throw damaged(source, `no chunk '${missing}'`, "chunks 'fmt ' and 'data'");
}

/** Refuses a file that does not begin as WAV files do, before all of it is read. */
function checkBegin(source: FileSource, bytes: Buffer): void {
  const begin = bytes.subarray(0, beginBytes).toString('latin1');
  if (begin.length === beginBytes && begin.startsWith('RIFF') && begin.endsWith('WAVE')) return;
  const kind = begin.slice(0, 4);
  const known = kind === 'RIFX' || kind === 'RF64' ? `the form ${kind} of WAV` : 'no WAV';
  throw new FormatError(source.op, {
    given: begin === '' ? `${source.path}, which is empty` : `${source.path}, which is ${known}`,
    expected: "a WAV file, which begins with 'RIFF' and 'WAVE'",
    fix: 'convert it, as by ffmpeg -i FILE -c:a pcm_s16le OUT.wav',
  });
}

const damaged = (source: FileSource, given: string, expected: string): FormatError =>
  new FormatError(source.op, {
    given: `${given} in ${source.path}`,
    expected,
    fix: 'get the file again from where it is whole, or convert it, as by ffmpeg -i FILE -c:a pcm_s16le OUT.wav',
  });

interface WavFormat {
  coding: SampleCoding;
  channels: number;
  sampleRate: number;
}

/** What follows the number of the format in the identifier of WAVE_FORMAT_EXTENSIBLE. */
const subformat = '000000001000800000aa00389b71';
const EXTENSIBLE = 0xfffe;
const kinds: ReadonlyMap<number, string> = new Map([
  [1, 'PCM'],
  [2, 'ADPCM'],
  [3, 'floats'],
  [6, 'A-law'],
  [7, 'μ-law'],
  [0x11, 'ADPCM'],
  [0x55, 'MP3'],
]);

/**
 * What chunk 'fmt ' says:
 *
 *   0 format u16   2 channels u16   4 frames a second u32   8 bytes a second u32   12 bytes a frame u16   14 bits u16
 *   16 length of what follows u16   18 bits that count u16   20 speakers u32   24 format u16 and `subformat`
 */
function formatOf(source: FileSource, chunk: Buffer): WavFormat {
  if (chunk.length < 16) throw damaged(source, `a chunk 'fmt ' of ${chunk.length} bytes`, 'at least 16');
  const [tag, channels, bits] = [chunk.readUInt16LE(0), chunk.readUInt16LE(2), chunk.readUInt16LE(14)];
  const [sampleRate, frameBytes] = [chunk.readUInt32LE(4), chunk.readUInt16LE(12)];
  const isExtensible = tag === EXTENSIBLE;
  if (isExtensible && (chunk.length < 40 || chunk.toString('hex', 26, 40) !== subformat))
    throw damaged(source, 'WAVE_FORMAT_EXTENSIBLE without a known identifier', 'PCM or floats');
  const kind = isExtensible ? chunk.readUInt16LE(24) : tag;
  const coding = codingOf(source, kind, bits);
  if (channels === 0 || sampleRate === 0)
    throw damaged(source, `${channels} channels, ${sampleRate} frames a second`, 'at least one of each');
  if (frameBytes !== channels * coding.bytes)
    throw damaged(source, `frames of ${frameBytes} bytes`, `${channels * coding.bytes}: ${channels} × ${bits} bits`);
  return { coding, channels, sampleRate };
}

function codingOf(source: FileSource, kind: number, bits: number): SampleCoding {
  const bytes = bits / 8;
  if (kind === 1 && [1, 2, 3, 4].includes(bytes)) return { isFloat: false, bytes };
  if (kind === 3 && [4, 8].includes(bytes)) return { isFloat: true, bytes };
  throw new FormatError(source.op, {
    given: `${source.path}, which holds ${kinds.get(kind) ?? `format ${kind}`} of ${bits} bits`,
    expected: 'PCM of 8, 16, 24 or 32 bits, or floats of 32 or 64 bits',
    fix: 'convert it, as by ffmpeg -i FILE -c:a pcm_s16le OUT.wav',
  });
}
