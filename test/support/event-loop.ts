/** How many turns the event loop takes until `work` is done: as often as others would have had theirs. */
export async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let [turns, done] = [0, false];
  const turn = (): void => {
    if (done) return;
    turns++;
    setImmediate(turn);
  };
  setImmediate(turn);
  await work().finally(() => (done = true));
  return turns;
}
