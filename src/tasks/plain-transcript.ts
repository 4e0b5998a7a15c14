/** A transcript as it is learned: single blanks between words, and small letters if asked for. */
export function plainTranscript(text: string, lowercase: boolean): string {
  const plain = text.normalize('NFC').trim().replaceAll(/\s+/gu, ' ');
  return lowercase ? plain.toLowerCase() : plain;
}
