import { markOf, remedy } from '../tensor/package-copies';
import { OptionError } from '../tensor/errors';
import { isPlainObject, describe } from '../tensor/options';
import { Tensor } from '../tensor/tensor';
import { BufferTensor, Parameter } from './parameter';

/** What belongs to a module wherever in its fields it stands. */
export type Part = Parameter | BufferTensor | FieldOwner;

/** Where a part stands: `holder[key]` is `part`. */
export interface Place {
  /** The keys from the outermost module to the part, with dots between them. */
  path: string;
  holder: object;
  key: string;
  part: Part;
}

/**
 * An object whose fields keep what they are for: where a parameter, a buffer or a module stands, only another one or
 * nothing may follow. A plain tensor in the place of a parameter would compute the same and be neither trained nor
 * saved.
 *
 * Both `this.weight = …` and the field of a derived class end in a definition of the property, which is the one thing
 * that the proxy looks at.
 */
export abstract class FieldOwner {
  constructor() {
    const proxy = new Proxy(this, { defineProperty: defineGuarded });
    behind.set(proxy, this);
    // oxlint-disable-next-line no-constructor-return
    return proxy;
  }
}

/** The objects behind the proxies, which tell their keys and fields some ten times as fast. */
const behind = new WeakMap<object, object>(); // per environment

/** The fields of these names, in their order. */
export function fieldsOf(owner: FieldOwner, names: readonly string[]): unknown[] {
  const fields = behind.get(owner) ?? owner;
  return names.map((name): unknown => Reflect.get(fields, name, owner));
}

/** Calls `visit` with the fields of an owner, or the elements of an array or object, until it returns true. */
function someField(holder: object, visit: (key: string, value: unknown) => boolean): boolean {
  const fields = behind.get(holder) ?? holder;
  return Object.keys(fields).some((key) => visit(key, Reflect.get(fields, key, holder)));
}

function defineGuarded(owner: FieldOwner, key: string | symbol, descriptor: PropertyDescriptor): boolean {
  const given: unknown = descriptor.value;
  const own = Object.getOwnPropertyDescriptor(owner, key);
  const before: unknown = own?.value;
  if (own?.set !== undefined && 'value' in descriptor) return Reflect.set(owner, key, given); // forward = (x) => …
  const kind = kindOf(before);
  if (kind !== undefined && given !== undefined && given !== null && kindOf(given) !== kind) {
    throw replaced(`${owner.constructor.name}.${String(key)}`, kind, given);
  }
  if (isSetting(before) && before !== given) varyingOf(owner).add(key);
  return Reflect.defineProperty(owner, key, descriptor);
}

/** Key of the names of the fields whose settings have changed. */
const VARYING = Symbol('varying');

function varyingOf(owner: FieldOwner): Set<string | symbol> {
  const known: unknown = Object.getOwnPropertyDescriptor(owner, VARYING)?.value;
  if (known instanceof Set) return known;
  const names = new Set<string | symbol>();
  Object.defineProperty(owner, VARYING, { value: names });
  return names;
}

const isSetting = (value: unknown): boolean => ['number', 'string', 'boolean'].includes(typeof value);

/** What an owner was told: its fields, and what is in its field `options`, as `options.p`, by name. */
export function toldOf(owner: FieldOwner): Map<string, unknown> {
  const options: unknown = Reflect.get(owner, 'options');
  const inside = Array.isArray(options) || isPlainObject(options) ? Object.entries(options) : [];
  return new Map<string, unknown>([
    ...Object.entries(owner),
    ...inside.map(([name, value]): [string, unknown] => [`options.${name}`, value]),
  ]);
}

/** Those of `toldOf` that are a number, a string or a boolean, the same from the first: no counters. */
export function settingsOf(owner: FieldOwner): [name: string, value: unknown][] {
  const varying = varyingOf(owner);
  return [...toldOf(owner)].filter(([name, value]) => isSetting(value) && !varying.has(name));
}

const isLive = (value: unknown): value is Tensor => value instanceof Tensor && value.version !== undefined;

function replaced(place: string, kind: Kind, given: unknown): OptionError {
  const what = given instanceof FieldOwner ? given.constructor.name : describe(given);
  return new OptionError(place, {
    given: `${what} in the place of a ${kind}`,
    expected: `a ${kind}, or undefined to leave it out`,
    fix: remedies[kind],
  });
}

type Kind = 'Parameter' | 'BufferTensor' | 'Module';

const overwrite = (name: string): string =>
  `write its values into the one there is: noGrad(() => copy_(${name}, tensor))`;

const remedies: Record<Kind, string> = {
  Parameter: `wrap the tensor, new Parameter(tensor), or ${overwrite('parameter')}`,
  BufferTensor: `wrap the tensor, new BufferTensor(tensor), or ${overwrite('buffer')}`,
  Module: 'keep it in another field',
};

function kindOf(value: unknown): Kind | undefined {
  if (value instanceof Parameter) return 'Parameter';
  if (value instanceof BufferTensor) return 'BufferTensor';
  return value instanceof FieldOwner ? 'Module' : undefined;
}

/**
 * Which elements of arrays and plain objects were parameters or buffers at the last walk. A proxy watches the fields of
 * a module; these elements have none, so that a replaced one is found by comparing.
 */
const met = new WeakMap<object, Map<string, Kind>>(); // per environment, and gone with the arrays

/** Notes that an element is a parameter or buffer, and refuses a plain tensor where one was. */
function watchElement(holder: object, key: string, value: object, place: string): void {
  const kind = kindOf(value);
  const before = met.get(holder);
  if (kind === 'Parameter' || kind === 'BufferTensor') {
    if (before === undefined) met.set(holder, new Map([[key, kind]]));
    else before.set(key, kind);
    return;
  }
  const was = before?.get(key);
  if (was !== undefined && value instanceof Tensor) throw replaced(place, was, value);
}

/**
 * How far a walk goes: `shallow` not below modules, `once` only the first time below each module, `deep` below a module
 * each time it is met.
 */
type Depth = 'shallow' | 'once' | 'deep';

/**
 * The parts in the fields of a module and in arrays and plain objects in its fields, in order. An object that is on the
 * way to itself is left out.
 *
 * @param above  what is on the way already
 * @throws {OptionError} if two parts have one path, as in fields `'a.b'` and `a: { b }`, or one is of another copy of
 *   the package, or a deep walk meets what would be neither trained nor saved
 */
export function placesIn(owner: FieldOwner, depth: Depth, above: ReadonlySet<object> = new Set()): Place[] {
  const paths = new Set<string>();
  const opened = new Set<object>();
  const lost: Lost[] = [];
  const places: Place[] = [];
  const chain = new Set([...above, owner]);
  walk(owner, '');
  refuseLost(owner, places, lost);
  return places;

  function walk(holder: object, prefix: string): void {
    someField(holder, (key, value) => {
      if (typeof value === 'object' && value !== null && !chain.has(value)) meet(holder, key, `${prefix}${key}`, value);
      return false;
    });
  }

  function meet(holder: object, key: string, path: string, value: object): void {
    if (!(holder instanceof FieldOwner)) watchElement(holder, key, value, `${owner.constructor.name}.${path}`);
    if (value instanceof Parameter || value instanceof BufferTensor || value instanceof FieldOwner) {
      checkPath(path);
      places.push({ path, holder, key, part: value });
      if (value instanceof FieldOwner && goesBelow(value)) walkBelow(value, path);
      return;
    }
    refuseForeign(owner, path, value);
    if (Array.isArray(value) || isPlainObject(value)) walkBelow(value, path);
    else if (depth === 'deep') lost.push(...lostIn(value, path));
  }

  function walkBelow(holder: object, path: string): void {
    chain.add(holder);
    walk(holder, `${path}.`);
    chain.delete(holder);
  }

  function goesBelow(module: FieldOwner): boolean {
    if (depth !== 'once') return depth === 'deep';
    const first = !opened.has(module);
    opened.add(module);
    return first;
  }

  function checkPath(path: string): void {
    if (!paths.has(path)) return void paths.add(path);
    throw new OptionError(owner.constructor.name, {
      given: `two fields with the path ${JSON.stringify(path)}`,
      expected: 'a path of its own for each parameter, buffer and module',
      fix: 'rename the field that has a dot in its name',
    });
  }
}

/**
 * A module and all below it, each once, in the order of the places. Says no paths and refuses nothing, and takes a
 * fraction of the time of a walk that does: what a step of a stream can afford.
 */
export function ownersIn(owner: FieldOwner): FieldOwner[] {
  const owners = [owner];
  const seen = new Set<object>(owners);
  walk(owner);
  return owners;

  function walk(holder: object): void {
    someField(holder, (_, value) => {
      if (typeof value !== 'object' || value === null || value instanceof Tensor || seen.has(value)) return false;
      const isOwner = value instanceof FieldOwner;
      if (!isOwner && !Array.isArray(value) && !isPlainObject(value)) return false;
      seen.add(value);
      if (isOwner) owners.push(value);
      walk(value);
      return false;
    });
  }
}

/**
 * The first parameter that a deep walk would meet, the first buffer if there is no parameter, undefined if there is
 * neither. Looks no further and checks nothing.
 */
export function firstTensor(owner: object): Parameter | BufferTensor | undefined {
  let parameter: Parameter | undefined, buffer: BufferTensor | undefined;
  const seen = new Set<object>([owner]);
  someField(owner, visit);
  return parameter ?? buffer;

  function visit(_: string, value: unknown): boolean {
    if (value instanceof Parameter) parameter = value;
    else if (value instanceof BufferTensor) buffer ??= value;
    else if ((value instanceof FieldOwner || Array.isArray(value) || isPlainObject(value)) && !seen.has(value)) {
      seen.add(value);
      someField(value, visit);
    }
    return parameter !== undefined;
  }
}

/**
 * Paths that hold one and the same part, for each part that stands at several. What stands below a shared module is
 * shared with it and not listed.
 */
export function sharedPaths(owner: FieldOwner): string[][] {
  const paths = new Map<Part, string[]>();
  for (const { path, part } of placesIn(owner, 'once')) paths.set(part, [...(paths.get(part) ?? []), path]);
  return [...paths.values()].filter((names) => names.length > 1);
}

/** What another copy of the package made would be neither trained nor saved. */
function refuseForeign(owner: FieldOwner, path: string, value: object): void {
  const mark = markOf(value);
  if (mark === undefined || mark.own || (mark.name !== 'Module' && mark.name !== 'Tensor')) return;
  throw new OptionError(owner.constructor.name, {
    given: `${describe(value)} in the field ${path}`,
    expected: 'modules and tensors of one copy',
    fix: remedy(value, 'build them with one copy'),
  });
}

/** A tensor or module in a field where neither an optimizer nor `save` looks. */
interface Lost {
  readonly path: string;
  readonly value: object;
  /** What holds it, if not the field itself. */
  readonly within: 'Map' | 'Set' | undefined;
}

/**
 * The value itself if it is a plain tensor with requiresGrad; of a Map or Set, and of arrays and objects in it, such
 * tensors and all parameters, buffers and modules.
 */
function lostIn(value: object, path: string, within?: Lost['within'], seen = new Set<object>()): Lost[] {
  if (seen.has(value)) return [];
  seen.add(value);
  if (kindOf(value) !== undefined) return [{ path, value, within }];
  if (value instanceof Tensor) {
    return isLive(value) && value.requiresGrad && value.isLeaf ? [{ path, value, within }] : [];
  }
  const { elements, kind = within } = elementsOf(value);
  return elements.flatMap((element) =>
    typeof element === 'object' && element !== null ? lostIn(element, path, kind, seen) : [],
  );
}

/** What a Map, a Set, an array or a plain object holds; nothing of anything else. */
function elementsOf(value: object): { elements: unknown[]; kind?: 'Map' | 'Set' } {
  if (value instanceof Map) return { elements: [...value.values()], kind: 'Map' };
  if (value instanceof Set) return { elements: [...value.values()], kind: 'Set' };
  return { elements: Array.isArray(value) || isPlainObject(value) ? Object.values(value) : [] };
}

/** Refuses lost values, except those that stand in another field as well, as where a Map is an index of the layers. */
function refuseLost(owner: FieldOwner, places: readonly Place[], lost: readonly Lost[]): void {
  if (lost.length === 0) return;
  const found = new Set<object>(places.map(({ part }) => part)).add(owner);
  const first = lost.find(({ value }) => !found.has(value));
  if (first === undefined) return;
  const { path, value, within } = first;
  const what = value instanceof FieldOwner ? value.constructor.name : describe(value);
  const leaf = kindOf(value) === undefined ? ' with requiresGrad' : '';
  const place = within === undefined ? '' : ` in a ${within}`;
  throw new OptionError(`${owner.constructor.name}.${path}`, {
    given: `${what}${leaf}${place}, which would be neither trained nor saved`,
    expected: 'parameters, buffers and modules, in fields, arrays or plain objects',
    fix:
      kindOf(value) === undefined
        ? 'wrap the tensor: new Parameter(tensor), or new BufferTensor(tensor) for what is saved and not trained'
        : `put an array or a plain object { name: … } in the place of the ${within ?? 'Map'}`,
  });
}

/** Named values without those that came under another name before. */
export function* firstPlaces<V>(named: Iterable<readonly [string, V]>): Generator<[string, V]> {
  const seen = new Set<V>();
  for (const [path, value] of named) {
    if (seen.has(value)) continue;
    seen.add(value);
    yield [path, value];
  }
}
