/** Process start to exit, as a ratio to a bare node. */
import { spawnSync } from 'node:child_process';
import { type Figure, median, seconds } from './measure.ts';

/** The figures. Needs a build. */
export function benchStartup(): Figure[] {
  const time = (args: readonly string[]): number =>
    median(
      () =>
        seconds(() => {
          const { status } = spawnSync(process.execPath, args, { stdio: 'ignore' });
          if (status !== 0) {
            throw new Error(`node ${args.join(' ')} exited with ${status}`);
          }
        }),
      9,
      2,
    );
  const bare = time(['-e', '0']);
  const help = time(['dist/cli/main.js', '--help']);
  const article = time(['dist/cli/main.js', 'run', 'scenarios/star-wars/article.yaml']);
  return [
    { name: 'node -e 0', value: bare * 1000, unit: 'ms', note: '' },
    { name: 'trenchrun --help over node -e 0', value: help / bare, unit: 'times', note: `${(help * 1000).toFixed(0)} ms, aim: at most 3` },
    {
      name: "the article's run over node -e 0",
      value: article / bare,
      unit: 'times',
      note: `${(article * 1000).toFixed(0)} ms, aim: at most 6`,
    },
  ];
}
