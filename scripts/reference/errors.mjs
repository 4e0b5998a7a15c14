import { ReflectionKind } from 'typedoc';

/**
 * Makes links of the classes in `@throws {ShapeError} if …; {DTypeError} if …`.
 *
 * @param {import('typedoc').ProjectReflection} project
 */
export function linkErrors(project) {
  const classes = new Map(
    project.getReflectionsByKind(ReflectionKind.Class).map((reflection) => [reflection.name, reflection]),
  );
  for (const { comment } of Object.values(project.reflections)) {
    for (const tag of comment?.getTags('@throws') ?? []) {
      // TypeDoc has taken the first one out of the text.
      const text = tag.typeAnnotation === undefined ? [] : [{ kind: 'text', text: `${tag.typeAnnotation} ` }];
      delete tag.typeAnnotation;
      tag.content = [...text, ...tag.content].flatMap((part) =>
        part.kind === 'text' ? withLinks(part.text, classes) : [part],
      );
    }
  }
}

const withLinks = (text, classes) =>
  text
    .split(/\{(\w+)\}/)
    .map((piece, index) => (index % 2 === 0 ? { kind: 'text', text: piece } : linkTo(piece, classes.get(piece))));

const linkTo = (name, target) =>
  target === undefined
    ? { kind: 'code', text: `\`${name}\`` }
    : { kind: 'inline-tag', tag: '@link', text: name, target };
