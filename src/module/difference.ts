import { describe } from '../tensor/options';
import { Tensor } from '../tensor/tensor';
import { placesIn, settingsOf, sharedPaths, toldOf, type Part } from './fields';
import { Module } from './module';

/** Something in which a model differs from one that was built in the same way. */
export interface Difference {
  /** Where, as in `lstm.weight_ih_l0` or `dropout.options.p`. */
  path: string;
  /** What the model has there, and what the other. */
  has: string;
  made: string;
}

/** All parts of a model by all of their paths, itself under the empty one. */
type Parts = ReadonlyMap<string, Part>;

const partsOf = (model: Module): Parts =>
  new Map([['', model], ...placesIn(model, 'deep').map(({ path, part }) => [path, part] as const)]);

/**
 * The first thing in which a model differs from what `build` makes, of these: which modules, parameters and buffers
 * there are, of which class, dtype and shape; which of them are one and the same although `build` ties nothing by
 * itself; and settings, if `build` makes the same ones each time.
 */
export function differenceOf(model: Module, build: () => Module): Difference | undefined {
  const copy = build();
  const [own, made] = [partsOf(model), partsOf(copy)];
  return differingPart(own, made) ?? needlessTie(own, copy) ?? differingSetting(own, made, build);
}

function differingPart(own: Parts, made: Parts): Difference | undefined {
  for (const path of new Set([...own.keys(), ...made.keys()])) {
    const [kept, fresh] = [own.get(path), made.get(path)];
    if (!isAlike(kept, fresh)) return { path, has: describe(kept), made: describe(fresh) };
  }
  return undefined;
}

function isAlike(kept: Part | undefined, fresh: Part | undefined): boolean {
  if (kept?.constructor !== fresh?.constructor) return false;
  if (!(kept instanceof Tensor && fresh instanceof Tensor)) return true;
  return kept.dtype === fresh.dtype && kept.shape.join() === fresh.shape.join();
}

/** One part of the copy that the model has as several. */
function needlessTie(own: Parts, copy: Module): Difference | undefined {
  const paths = sharedPaths(copy).find((group) => new Set(group.map((path) => own.get(path))).size > 1);
  return paths && { path: paths.join(' and '), has: 'parts of their own', made: 'one and the same' };
}

function differingSetting(own: Parts, made: Parts, build: () => Module): Difference | undefined {
  const differences = differingSettings(own, made);
  if (differences.length === 0) return undefined;
  // A number that counts objects, or the time, is another one each time, and tells nothing.
  const again = differingSettings(made, partsOf(build()));
  return differences.find(({ path }) => again.every((other) => other.path !== path));
}

function differingSettings(own: Parts, made: Parts): Difference[] {
  return [...own].flatMap(([path, part]) => {
    const fresh = made.get(path);
    if (!(part instanceof Module && fresh instanceof Module)) return [];
    const others = toldOf(fresh);
    return settingsOf(part).flatMap(([name, value]) => {
      const other = others.get(name);
      if (other === undefined || Object.is(value, other)) return [];
      return [{ path: path === '' ? name : `${path}.${name}`, has: describe(value), made: describe(other) }];
    });
  });
}
