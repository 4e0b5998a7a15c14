import { inspect, type InspectOptions } from 'node:util';
import { FieldOwner, placesIn } from './fields';

/**
 * What `util.inspect` shows of a module: its class and options, and the modules inside below it.
 *
 * @param depth  how far below this one they are shown in full
 * @param above  the modules on the way here
 */
export function moduleText(
  module: FieldOwner,
  depth: number,
  options: InspectOptions,
  above: ReadonlySet<object> = new Set(),
): string {
  const settings: unknown = Reflect.get(module, 'options');
  const shown =
    typeof settings === 'object' && settings !== null && Object.keys(settings).length > 0
      ? inspect(settings, { ...options, breakLength: Infinity })
      : '';
  const chain = new Set([...above, module]);
  const parts = placesIn(module, 'shallow', above).flatMap(({ path, part }) => {
    if (!(part instanceof FieldOwner)) return [];
    const inner = depth < 0 ? part.constructor.name : moduleText(part, depth - 1, options, chain);
    return [`\n  ${path}: ${inner.replaceAll('\n', '\n  ')}`];
  });
  return `${module.constructor.name}(${shown}${parts.join('')}${parts.length > 0 ? '\n' : ''})`;
}
