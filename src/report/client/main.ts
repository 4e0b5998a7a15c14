// The program of a page: draws its charts, lets its tables be sorted, and keeps the page of a running training fresh.
import { Plot } from './plot';
import { keepFresh } from './refresh';
import { letTablesSort } from './sorting';

const plots = [...document.querySelectorAll<HTMLElement>('.plot')].map((element) => new Plot(element));

matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
  for (const plot of plots) plot.draw();
});

// A region that is wider than the screen is scrolled by keys, too.
const regions = new ResizeObserver((entries) => {
  for (const { target } of entries)
    if (target.scrollWidth > target.clientWidth) target.setAttribute('tabindex', '0');
    else target.removeAttribute('tabindex');
});
for (const region of document.querySelectorAll('.scroll')) regions.observe(region);

letTablesSort();
keepFresh();
