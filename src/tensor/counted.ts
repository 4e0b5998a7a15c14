/**
 * A number of things, as `1 example` and `1,204 examples`.
 *
 * @param one   what one of them is called
 * @param many  what several are
 */
export const counted = (count: number, one: string, many = `${one}s`): string =>
  `${count.toLocaleString('en')} ${count === 1 ? one : many}`;
