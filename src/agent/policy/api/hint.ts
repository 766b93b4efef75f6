/** What was probably meant. Not in Cilium, which only says what is wrong. */
import { nearest } from '../../../net/nearest_word.ts';

/** `did you mean world?`, or the words there are when nothing is near. */
export function didYouMean(word: string, known: readonly string[]): string {
  const words = known.filter((one) => one !== '');
  const meant = nearest(word, words);
  return meant === null ? `there are ${words.join(', ')}` : `did you mean ${meant}?`;
}

/** An issue as a person reads it: what is wrong, then what was meant. */
export function issueText({ message, hint }: { readonly message: string; readonly hint?: string }): string {
  return hint === undefined ? message : `${message} (${hint})`;
}
