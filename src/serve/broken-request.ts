import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';

/** What is answered to what is no request of HTTP, by the code of the parser's error. */
const statuses: Readonly<Record<string, number>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 408,
  HPE_HEADER_OVERFLOW: 431,
  HPE_CHUNK_EXTENSIONS_OVERFLOW: 413,
};

/**
 * Answers a connection on which no request came to be, and ends it.
 *
 * @param answering  whether an answer to an earlier request is being written to it: another text would garble it
 */
export function refuseConnection(error: NodeJS.ErrnoException, socket: Duplex, answering: boolean): void {
  if (answering || !socket.writable || error.code === 'ECONNRESET') return void socket.destroy();
  const status = statuses[error.code ?? ''] ?? 400;
  const body = JSON.stringify({ error: { status, code: 'ERR_STM_REQUEST', message: error.message } });
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}
