type Type = BooleanConstructor | StringConstructor | NumberConstructor;
export function parseOptions(
  known: Record<string, Type>,
  more?: { names?: boolean; args?: readonly string[] },
): Record<string, boolean | string | number | string[]>;
