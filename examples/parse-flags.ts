import { parseArgs } from 'node:util';

/** `parseArgs` of Node, which ends a program that has got a wrong flag with one line in place of a stack. */
export const parseFlags: typeof parseArgs = (config) => {
  try {
    return parseArgs(config);
  } catch (error) {
    const known = Object.keys(config?.options ?? {}).map((name) => `--${name}`);
    const [told = ''] = (error instanceof Error ? error.message : String(error)).split(/\.(?:\s|$)/);
    console.error(
      `${told}. Fix: ${known.length === 0 ? 'leave it out' : `pass ${known.join(', ')}, or leave it out`}.`,
    );
    process.exit(2);
  }
};
