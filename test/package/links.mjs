// Links and pictures in pages of Markdown.
import { dirname, join } from 'node:path';

/** Where links and pictures of a page lead, addresses aside: paths from the root, and headings behind #, or ''. */
function linksOf(page, text) {
  const prose = text.replaceAll(/^```[^]*?^```/gm, '').replaceAll(/`[^`]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target]) => target)
    .filter((target) => !/^[a-z]+:/i.test(target))
    .map((target) => {
      const [path, heading = ''] = target.split('#');
      return { target, path: path === '' ? page : join(dirname(page), path), heading };
    });
}

/** A heading as links name it. */
const slug = (heading) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const headingsOf = (text) =>
  [...text.replaceAll(/^```[^]*?^```/gm, '').matchAll(/^#+ (.+)$/gm)].map(([, heading]) => slug(heading.trim()));

/**
 * Links and pictures that lead nowhere.
 *
 * @param pages  their texts by path
 * @param has    whether there is a file of a path
 */
export function deadLinks(pages, has) {
  const texts = Object.entries(pages);
  return texts.flatMap(([page, text]) =>
    linksOf(page, text)
      .filter(({ path, heading }) => {
        const to = pages[path];
        return !has(path) || (heading !== '' && to !== undefined && !headingsOf(to).includes(heading));
      })
      .map(({ target }) => `${page}: ${target}`),
  );
}
