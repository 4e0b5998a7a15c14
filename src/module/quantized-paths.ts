import { placesIn, type FieldOwner } from './fields';

/**
 * Where quantised layers stand in a module that its constructor did not get: it would make others there, of f32.
 *
 * @param given  the modules that it did get
 */
export function quantizedPaths(module: FieldOwner, given: readonly FieldOwner[]): string[] {
  const places = placesIn(module, 'once');
  const known = places.filter(({ part }) => given.some((one) => one === part)).map(({ path }) => path);
  const inside = (path: string): boolean => known.some((outer) => path === outer || path.startsWith(`${outer}.`));
  return places.flatMap(({ path, part }) =>
    'isQuantized' in part && part.isQuantized === true && !inside(path) ? [path] : [],
  );
}
