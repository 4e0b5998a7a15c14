import type { IncomingMessage } from 'node:http';
import { ClientGone, type Exchange } from './exchange';
import { orAllowed, RequestError } from './request-error';
import type { ServeSettings } from './serve-options';

/**
 * The body of a request, read from JSON.
 *
 * @param example  of a body, for messages
 * @throws {RequestError} 413 if it has more than `maxBody` bytes, 415 if it is said to be anything else, 400 if it is
 * no JSON, 408 if it takes longer than `bodyTimeout`; {ClientGone}
 */
export async function readBody(
  exchange: Exchange,
  { maxBody: most, bodyTimeout }: Pick<ServeSettings, 'maxBody' | 'bodyTimeout'>,
  example: string,
): Promise<unknown> {
  const { op, request } = exchange;
  checkType(op, request);
  exchange.patience(bodyTimeout, () => tooSlow(op, bodyTimeout));
  if (Number(request.headers['content-length'] ?? 0) > most) throw tooLarge(op, most);
  const bytes = await exchange.until(bytesOf(op, request, most));
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown;
  } catch (error) {
    throw new RequestError(400, op, {
      given: `a body that is no JSON: ${error instanceof SyntaxError ? error.message : 'it is not in UTF-8'}`,
      expected: 'an object in JSON',
      fix: `send one, as in curl --json '${example}'`,
    });
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function checkType(op: string, { headers }: IncomingMessage): void {
  const [type = '', encoding = 'identity'] = [headers['content-type'], headers['content-encoding']];
  if (isJson(type) && encoding === 'identity') return;
  throw new RequestError(415, op, {
    given: encoding === 'identity' ? `the content type '${type}'` : `the content encoding '${encoding}'`,
    expected: 'application/json in UTF-8, not packed',
    fix: `send the header Content-Type: application/json, or let curl do it by --json`,
  });
}

/** Divided, since a pattern of all of it would try each way to divide a row of blanks. */
function isJson(type: string): boolean {
  const [media, ...parameters] = type.split(';').map((part) => part.trim().toLowerCase());
  return media === 'application/json' && parameters.every((one) => /^(charset="?utf-8"?)?$/.test(one));
}

/** A client that is as slow as this is not waited for: its connection ends with the answer. */
const tooSlow = (op: string, milliseconds: number): RequestError =>
  new RequestError(
    408,
    op,
    {
      given: `a body that is not complete after ${milliseconds} ms`,
      expected: 'all of it in this time',
      fix: `send less at a time, ${orAllowed('bodyTimeout')}`,
    },
    { connection: 'close' },
  );

const tooLarge = (op: string, most: number): RequestError =>
  new RequestError(413, op, {
    given: `a body of more than ${most} bytes`,
    expected: `${most} bytes at most`,
    fix: `send less at a time, ${orAllowed('maxBody')}`,
  });

/** What is left of a body that is too large is read by the server, which forgets it. */
function bytesOf(op: string, request: IncomingMessage, most: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= most) return void chunks.push(chunk);
      request.removeAllListeners('data').resume();
      chunks.length = 0;
      reject(tooLarge(op, most));
    });
    request.on('end', () => resolve(Buffer.concat(chunks, size)));
    request.on('error', () => reject(new ClientGone(op)));
  });
}
