import type { ServerResponse } from 'node:http';
import type { RequestError } from './request-error';

/**
 * Sends a whole answer.
 *
 * @param headers  beside type and length
 */
export function reply(
  response: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...headers, 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

/** What a client reads of an error. */
export const errorBody = ({ status, code, message }: RequestError): object => ({ error: { status, code, message } });

/** Sends an object as JSON; typed arrays in it are arrays. */
export const replyJson = (
  response: ServerResponse,
  body: object,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): void => reply(response, status, 'application/json', JSON.stringify(body, plainArrays), headers);

const plainArrays = (_key: string, value: unknown): unknown =>
  ArrayBuffer.isView(value) && !(value instanceof DataView) ? Array.from(value as Float32Array) : value;
