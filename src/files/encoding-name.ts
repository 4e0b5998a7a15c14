/**
 * The name that `TextDecoder` has for an encoding; `latin1` stands for ISO 8859-1, which is windows-1252 to it.
 *
 * @returns undefined if there is no such encoding
 */
export function encodingNamed(name: string): string | undefined {
  if (/^(latin-?1|iso-8859-1)$/i.test(name)) return 'latin1';
  try {
    return new TextDecoder(name).encoding;
  } catch {
    return undefined;
  }
}
