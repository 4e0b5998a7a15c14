/**
 * Has markdown take lines that are indented by two blanks or more as they stand: equations, tables and drawings in
 * docstrings. CommonMark asks for four, and joins the others to one paragraph.
 *
 * @param {import('markdown-it').default} parser
 */
export function readEquations(parser) {
  parser.block.ruler.at('code', (state, start, end) => {
    const indented = (line) => state.sCount[line] - state.blkIndent >= 2;
    if (!indented(start)) return false;
    let last = start + 1; // behind the last indented line
    for (let line = start + 1; line < end && (state.isEmpty(line) || indented(line)); line += 1) {
      if (!state.isEmpty(line)) last = line + 1;
    }
    state.line = last;
    const token = state.push('code_block', 'code', 0);
    token.content = `${state.getLines(start, last, 2 + state.blkIndent, false)}\n`;
    token.map = [start, last];
    return true;
  });
}
