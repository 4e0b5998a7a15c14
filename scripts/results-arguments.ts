/** What `npm run results` is given. */
export interface ResultsArguments {
  /** Of the study. */
  readonly name: string;
  /** The runs, where `--runs` names them. */
  readonly runs?: readonly string[];
  /** `--data FOLDER`, where it is given: it changes no result. */
  readonly data: readonly string[];
  /** Whatever else there is, which is for the example. */
  readonly flags: readonly string[];
}

/** Reads `NAME [--runs 1,2,3] [--data FOLDER] [flags of the example]`. */
export function readArguments([name = '', ...rest]: readonly string[]): ResultsArguments {
  const { taken: runs, others } = take(rest, 'runs');
  const { taken: data, others: flags } = take(others, 'data');
  return {
    name,
    ...(runs === undefined ? {} : { runs: runs.split(',') }),
    data: data === undefined ? [] : [`--data=${data}`],
    flags,
  };
}

/** The value of an option, `--name value` or `--name=value`, and the arguments without it. */
function take(given: readonly string[], name: string): { taken: string | undefined; others: readonly string[] } {
  const at = given.findIndex((one) => one === `--${name}` || one.startsWith(`--${name}=`));
  if (at < 0) return { taken: undefined, others: given };
  const inline = given[at]?.split('=').slice(1).join('=');
  const isInline = given[at] !== `--${name}`;
  return {
    taken: isInline ? inline : (given[at + 1] ?? ''),
    others: [...given.slice(0, at), ...given.slice(at + (isInline ? 1 : 2))],
  };
}
