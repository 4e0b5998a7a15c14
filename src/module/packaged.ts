/** A class whose objects are modules. */
export type ModuleClass = new (...args: never[]) => object;

/** A class of the package's own, which a model file may name. */
interface Packaged {
  constructor: ModuleClass;
  /** Whether it is built of modules, with options after them; the others of options alone. */
  container: boolean;
}

const byName = new Map<string, Packaged>();
const packaged = new WeakSet<object>();

/**
 * Makes classes the package's own, so that a model file may name them: layers/index.ts does, with its catalogue.
 *
 * @param classes  by name
 */
export function declarePackaged(classes: Readonly<Record<string, ModuleClass>>, container: boolean): void {
  for (const [name, constructor] of Object.entries(classes)) {
    byName.set(name, { constructor, container });
    packaged.add(constructor);
  }
}

/** The package's class of that name. */
export const packagedClass = (name: string): Packaged | undefined => byName.get(name);

/** Whether a class is one of the package's layers or containers. */
export const isPackaged = (constructor: unknown): boolean =>
  typeof constructor === 'function' && packaged.has(constructor);
