import { memory } from 'stmnet';

/** Handles made and not disposed of: the garbage collector, which may come at any moment, does not show in it. */
export function handlesKept(): number {
  const { handles, collectedByGc } = memory();
  return handles + collectedByGc;
}
