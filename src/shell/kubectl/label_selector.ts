/** The `-l` option: `app=x,tier!=db,env in (a, b),!legacy`. @see kubernetes:staging/src/k8s.io/apimachinery/pkg/labels/selector.go#Parse */

/** A parsed selector: whether labels match. `null`: the text is no selector. */
export function parseLabelSelector(text: string): ((labels: Readonly<Record<string, string>>) => boolean) | null {
  const tests: ((labels: Readonly<Record<string, string>>) => boolean)[] = [];
  for (const part of text.split(/,(?![^()]*\))/)) {
    const one = requirement(part.trim());
    if (one === null) {
      return null;
    }
    tests.push(one);
  }
  return (labels) => tests.every((test) => test(labels));
}

function requirement(text: string): ((labels: Readonly<Record<string, string>>) => boolean) | null {
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(text);
  if (set !== null) {
    const [, key, word, list] = set as unknown as [string, string, string, string];
    const values = list.split(',').map((value) => value.trim());
    return (labels) => values.includes(labels[key] as string) === (word === 'in');
  }
  const pair = /^([^!=\s]+)\s*(==|=|!=)\s*([^!=\s]*)$/.exec(text);
  if (pair !== null) {
    const [, key, operator, value] = pair as unknown as [string, string, string, string];
    return (labels) => (labels[key] === value) === (operator !== '!=');
  }
  const presence = /^(!?)([A-Za-z0-9][A-Za-z0-9./_-]*)$/.exec(text);
  if (presence !== null) {
    const [, not, key] = presence as unknown as [string, string, string];
    return (labels) => (labels[key] !== undefined) === (not === '');
  }
  return null;
}
