import { ParameterReflection, ReflectionKind } from 'typedoc';

/** The file that makes methods of the ops. */
export const generated = 'src/tensor/methods.generated.ts';

/**
 * Shows the ops of Tensor as the methods they are. They are declared as properties whose types are computed from the
 * functions of the same names, `softmax: Method<typeof softmax>`; what TypeDoc makes of that is one parameter `rest`.
 * Here each gets the parameters of its function, without the first, which is `this`.
 *
 * @param {import('typedoc').ProjectReflection} project
 */
export function showOpsAsMethods(project) {
  const functions = new Map(
    project.getReflectionsByKind(ReflectionKind.Function).map((reflection) => [reflection.name, reflection]),
  );
  for (const property of project.getReflectionsByKind(ReflectionKind.Property)) {
    if (!property.sources?.some(({ fileName }) => fileName.endsWith(generated))) continue;
    const signature = property.type?.declaration?.signatures?.[0];
    const op = functions.get(property.name)?.signatures?.at(-1);
    if (signature !== undefined && op !== undefined) makeMethod(property, signature, op, project);
  }
}

function makeMethod(property, signature, op, project) {
  const [self, ...parameters] = op.parameters ?? [];
  for (const parameter of signature.parameters ?? []) project.removeReflection(parameter);
  signature.parameters = parameters.map(({ name, kind, type, defaultValue, flags }) => {
    const parameter = Object.assign(new ParameterReflection(name, kind, signature), { type, defaultValue, flags });
    project.registerReflection(parameter, undefined, undefined);
    return parameter;
  });
  const { name, comment, sources } = property;
  if (comment !== undefined)
    comment.blockTags = comment.blockTags.filter((tag) => tag.tag !== '@param' || tag.name !== self?.name);
  Object.assign(signature, { name, comment, sources, parent: property });
  Object.assign(property, {
    kind: ReflectionKind.Method,
    signatures: [signature],
    comment: undefined,
    type: undefined,
  });
}

/**
 * Says of the parameters of a constructor what its base class says of them, where it says nothing itself: errors and
 * optimizers have no docstrings of their own there.
 *
 * @param {import('typedoc').ProjectReflection} project
 */
export function explainConstructors(project) {
  for (const { signatures, overwrites } of project.getReflectionsByKind(ReflectionKind.Constructor)) {
    const [signature] = signatures ?? [];
    const [base] = overwrites?.reflection?.parent?.signatures ?? overwrites?.reflection?.signatures ?? [];
    for (const parameter of signature?.parameters ?? []) {
      parameter.comment ??= base?.parameters?.find(({ name }) => name === parameter.name)?.comment?.clone();
    }
  }
}
