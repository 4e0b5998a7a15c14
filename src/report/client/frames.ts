import type { HeatChart } from '../charts';

/** A slider that chooses the picture of a heat map, the last one at first. */
export function frameChooser(
  { frames, framesAre = 'picture' }: HeatChart,
  choose: (frame: number) => void,
): HTMLElement {
  const label = document.createElement('label');
  label.className = 'frames';
  const slider = document.createElement('input');
  const shown = document.createElement('output');
  slider.type = 'range';
  slider.min = '0';
  slider.max = String(frames.length - 1);
  slider.value = slider.max;
  const tell = (): void => {
    const name = frames[slider.valueAsNumber]?.name ?? '';
    shown.textContent = name;
    slider.setAttribute('aria-valuetext', `${framesAre} ${name}`);
  };
  slider.addEventListener('input', () => {
    tell();
    choose(slider.valueAsNumber);
  });
  tell();
  label.append(framesAre, slider, shown);
  return label;
}
