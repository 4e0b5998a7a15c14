// Texts that metrics are compared on with those of other packages: scripts/metric-references.py has the same.

/** What a system says. */
export const outputs = [
  'The quick brown fox jumped over the lazy dog.',
  "It costs $1,000.50 - or 3-4 times more, doesn't it?",
  'Ein Haus am See',
  'naïve café — “quoted” & &amp; fine',
  'a b',
];

/** What is right. */
export const references = [
  'The fast brown fox jumps over the lazy dog.',
  "It cost $1,000.50, or 3-4 times as much, didn't it?",
  'Ein Haus an einem See',
  'a naïve café - "quoted" & & fine!',
  'a b c d',
];

/** What is right, too. */
export const others = [
  'A quick brown fox jumped over a lazy dog!',
  'That costs $1,000.50: 3-4 times more.',
  'Das Haus am See',
  'naïve cafés “quoted” and fine',
  'b',
];

/** Both. */
export const pairs = references.map((reference, index) => [reference, others[index] ?? '']);
