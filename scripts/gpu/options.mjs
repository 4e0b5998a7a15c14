// The command line of the scripts for a GPU.
import { parseArgs } from 'node:util';

/** @throws {Error} if the text is none */
function seconds(name, text) {
  const number = Number(text);
  if (text.trim() !== '' && number > 0 && Number.isFinite(number)) return number;
  throw new Error(`got --${name}=${text}, expected a number of seconds above 0.`);
}

/**
 * What the options in `args` are. `known` has the type of each: Boolean for one without a value, String, or Number for
 * seconds. `names`: whether there may be others than options, which are `names` of the result.
 *
 * @returns {Record<string, boolean | string | number | string[]>} only those that are there, and `names`
 * @throws {Error} if one means nothing
 */
export function parseOptions(known, { names = false, args = process.argv.slice(2) } = {}) {
  const typed = ([name, type]) => [name, { type: type === Boolean ? 'boolean' : 'string' }];
  const options = Object.fromEntries(Object.entries(known).map(typed));
  const parsed = () => {
    try {
      return parseArgs({ args, options, allowPositionals: names });
    } catch (error) {
      const expected = Object.keys(known).map((name) => (known[name] === Boolean ? `--${name}` : `--${name}=…`));
      const what = error.message.split(/[.\n]/)[0]; // what follows is advice about "--"
      throw new Error(`${what}; expected ${expected.join(', ')}${names ? ', or a name' : ''}.`, { cause: error });
    }
  };
  const { values, positionals } = parsed();
  const converted = Object.entries(values).map(([name, value]) => [
    name,
    known[name] === Number ? seconds(name, value) : value,
  ]);
  return { ...Object.fromEntries(converted), names: positionals };
}

/** Like it, for a script, which ends with status 2 and the reason if there is one. */
export function optionsOf(script, known, more) {
  try {
    return parseOptions(known, more);
  } catch (error) {
    console.error(`${script}: ${error.message}`);
    process.exit(2);
  }
}
