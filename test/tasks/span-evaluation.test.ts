import { describe, expect, it } from 'vitest';
import { nearness, normalized, wordF1 } from '../../src/tasks/span-evaluation';

describe('answers compared as the script of SQuAD does', () => {
  it('have no capitals, punctuation, articles and more blanks', () => {
    expect(normalized('The  Denver Broncos!')).toBe('denver broncos');
    expect(normalized("an 'A' of a  theatre")).toBe('of theatre');
    expect(normalized('“quoted” – dash')).toBe('“quoted” – dash'); // ASCII alone
    expect(normalized('$1,000.50')).toBe('100050');
    expect(normalized('España, naïve the')).toBe('españa naïve');
    expect(normalized('Paß a ß')).toBe('paß ß');
  });

  it('have words in common, each as often as in both', () => {
    expect(wordF1('the cat sat', 'a cat sat')).toBe(1);
    expect(wordF1('cat sat down', 'cat')).toBeCloseTo(0.5, 10);
    expect(wordF1('no no no', 'no no yes')).toBeCloseTo(2 / 3, 10);
    expect(wordF1('dog', 'cat')).toBe(0);
    expect(wordF1('the', 'a')).toBe(1); // nothing on either side
    expect(wordF1('', 'cat')).toBe(0);
  });

  it('take the nearest of some right ones', () => {
    expect(nearness('Santa Clara', ['Santa Clara, California', 'santa clara'])).toEqual({ exact: true, f1: 1 });
    const { exact, f1 } = nearness('Santa', ['Clara', 'Santa Clara']);
    expect(exact).toBe(false);
    expect(f1).toBeCloseTo(2 / 3, 10);
  });
});
