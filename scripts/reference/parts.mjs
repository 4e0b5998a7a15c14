import { Comment, ReflectionKind } from 'typedoc';
import ts from 'typescript';
import { generated } from './methods.mjs';

/**
 * What docstrings lack that TypeDoc does not ask for itself: that each parameter is explained, that what throws says
 * so, and that layers, losses and ops say what shapes they take and give.
 *
 * @param {import('typedoc').ProjectReflection} project
 * @param {import('typedoc').Context} context  of its conversion
 * @returns {string[]} one sentence for each missing part
 */
export function findMissingParts(project, context) {
  const checker = context.programs[0].getTypeChecker();
  const callable = ReflectionKind.FunctionOrMethod | ReflectionKind.Constructor | ReflectionKind.Accessor;
  const functions = project.getReflectionsByKind(callable).filter(isWrittenHere);
  const shaped = project.getReflectionsByKind(ReflectionKind.Function | ReflectionKind.Class).filter(hasShapes);
  return [
    ...functions.flatMap(unexplainedParameters),
    ...functions.flatMap((owner) => silentThrow(owner, context.getSymbolFromReflection(owner), checker)),
    ...shaped
      .filter((owner) => !SHAPES.test(textOf(owner)))
      .map((owner) => `${owner.getFriendlyFullName()}: nothing is said about shapes. Fix: Shapes: input […] → […]`),
  ];
}

/** Neither inherited, nor a copy of an op, nor the form of a function in a type. */
const isWrittenHere = ({ inheritedFrom, name, sources }) =>
  inheritedFrom === undefined && name !== '__type' && !sources?.some(({ fileName }) => fileName.endsWith(generated));

const signaturesOf = ({ signatures = [], getSignature, setSignature }) =>
  [...signatures, getSignature, setSignature].filter((signature) => signature !== undefined);

/**
 * All that is written about a function, its parameters left out; a constructor is explained by its class, and so is
 * what others call because an interface says so.
 */
function textOf(owner) {
  const inside = owner.children?.filter(({ name }) => name === 'forward') ?? [];
  const ofClass = owner.kindOf(ReflectionKind.Constructor) || owner.implementationOf !== undefined;
  const around = ofClass ? [owner.parent] : [];
  return [owner, ...signaturesOf(owner), ...around, ...inside.flatMap(signaturesOf)]
    .map(({ comment }) => (comment === undefined ? '' : written(comment)))
    .join('\n');
}

const written = ({ summary, blockTags }) =>
  [
    Comment.combineDisplayParts(summary),
    ...blockTags.map(({ tag, content }) => `${tag} ${Comment.combineDisplayParts(content)}`),
  ].join('\n');

/** A parameter is explained by @param, by its name in the text, or by its type. */
function unexplainedParameters(owner) {
  const text = textOf(owner);
  return signaturesOf(owner)
    .flatMap(({ parameters = [] }) => parameters)
    .filter(({ name }) => !name.startsWith('_')) // it is not used
    .filter(({ comment, name }) => comment === undefined && !new RegExp(`(?<!\\w)${name}(?!\\w)`).test(text))
    .filter(({ type }) => !explainsItself(type))
    .map(({ name }) => `${owner.getFriendlyFullName()}: nothing is said about ${name}. Fix: @param ${name}  …`);
}

/** A class, an interface or an alias, which has a docstring of its own; an object whose members have. */
function explainsItself(type) {
  if (type?.type === 'union') return type.types.every(explainsItself);
  if (type?.type === 'intersection') return type.types.some(explainsItself);
  if (type?.type !== 'reflection') return type?.type === 'reference';
  const { children = [] } = type.declaration;
  return children.length > 0 && children.every(({ comment }) => comment !== undefined);
}

/**
 * `@throws` stands wherever a function checks something, itself or by a function of its own file. Ops are checked by
 * native code: what they take beside one tensor can be wrong.
 */
function silentThrow(owner, symbol, checker) {
  if (textOf(owner).includes('@throws')) return [];
  if (isOp(owner) && owner.signatures.some(({ parameters = [] }) => parameters.length > 1)) {
    return [`${owner.getFriendlyFullName()}: an op that never throws. Fix: @throws {Class} if …`];
  }
  const bodies = (symbol?.declarations ?? []).flatMap((declaration) => bodyOf(declaration) ?? []);
  const place = bodies.map((body) => throwIn(body, checker, new Set([body]))).find((found) => found !== undefined);
  if (place === undefined) return [];
  return [`${owner.getFriendlyFullName()}: it throws (${place}), and does not say so. Fix: @throws {Class} if …`];
}

const bodyOf = ({ body, initializer }) =>
  body ?? (initializer !== undefined && ts.isArrowFunction(initializer) ? initializer.body : undefined);

/** Functions that do nothing but check. */
const CHECKS = /^(check[A-Z]|refuse[A-Z]|readOptions$)/;

/** What throws in a function's body: `throw`, or the function that it calls for it. */
function throwIn(node, checker, seen) {
  if (ts.isThrowStatement(node)) return 'throw';
  const called = ts.isCallExpression(node) ? checker.getSymbolAtLocation(node.expression) : undefined;
  if (called !== undefined && CHECKS.test(called.name)) return called.name;
  for (const declaration of called?.declarations ?? []) {
    const body = declaration.getSourceFile() === node.getSourceFile() ? bodyOf(declaration) : undefined;
    if (body === undefined || seen.has(body)) continue;
    seen.add(body);
    if (throwIn(body, checker, seen) !== undefined) return called.name;
  }
  return ts.forEachChild(node, (child) => throwIn(child, checker, seen));
}

const isOp = (owner) =>
  owner.kind === ReflectionKind.Function && owner.sources?.[0]?.fileName.startsWith('src/tensor/ops/') === true;

const hasShapes = (owner) =>
  /^src\/(tensor\/ops|layers|losses)\//.test(owner.sources?.[0]?.fileName ?? '') &&
  (owner.kind === ReflectionKind.Function || owner.children?.some(({ name }) => name === 'forward'));

const SHAPES = /\[[^\]]*\]|\b(shapes?|axis|axes|elements?|element-wise|scalar)\b/i;
