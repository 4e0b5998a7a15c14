import { createHash, timingSafeEqual } from 'node:crypto';

/** Whether a text has the form of a bearer token (RFC 6750: b64token). */
export const isToken = (text: string): boolean => /^[\w.~+/-]+=*$/.test(text);

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/**
 * A check of `Authorization` headers. It takes as long for a token that differs in the first letter as for one that
 * differs in the last: digests are compared, whose length says nothing of the token's.
 *
 * @param token  that the header must carry
 */
export function bearerCheck(token: string): (header: string | undefined) => boolean {
  const expected = digest(token);
  return (header = '') => {
    const given = /^bearer +(\S+)$/i.exec(header)?.[1];
    return given !== undefined && timingSafeEqual(digest(given), expected);
  };
}
