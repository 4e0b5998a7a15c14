import type { Module } from 'stmnet';

/** Everything a state dict says, on the host. */
export async function stateOf(model: Module): Promise<Record<string, unknown>> {
  const entries = Object.entries(model.stateDict()).map(
    async ([name, value]) => [name, { dtype: value.dtype, shape: [...value.shape], data: await value.data() }] as const,
  );
  return Object.fromEntries(await Promise.all(entries));
}
