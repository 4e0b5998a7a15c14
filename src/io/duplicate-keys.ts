/**
 * The first key that some object of a JSON text holds twice. `JSON.parse` keeps the last of them without a word, so two
 * readers can see two different files in one.
 *
 * @param json  a text that `JSON.parse` accepts
 * @returns the key, or undefined if every object's keys differ
 */
export function findDuplicateKey(json: string): string | undefined {
  const open: (Set<string> | undefined)[] = []; // made at the first key: a hostile text may open millions of brackets
  for (let at = 0; at < json.length; at++) {
    const character = json[at];
    if (character === '{' || character === '[') open.push(undefined);
    else if (character === '}' || character === ']') open.pop();
    else if (character === '"') {
      const end = endOfString(json, at);
      if (isKey(json, end)) {
        const key = String(JSON.parse(json.slice(at, end)));
        const keys = (open[open.length - 1] ??= new Set());
        if (keys.has(key)) return key;
        keys.add(key);
      }
      at = end - 1;
    }
  }
  return undefined;
}

/** Where the string that begins at `start` has ended: just after its closing quote. */
function endOfString(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    if (json[at] === '\\') at++;
    else if (json[at] === '"') return at + 1;
  }
  return json.length;
}

/** Only a key is followed by a colon. */
function isKey(json: string, end: number): boolean {
  let at = end;
  while (at < json.length && ' \t\n\r'.includes(json.charAt(at))) at++;
  return json[at] === ':';
}
