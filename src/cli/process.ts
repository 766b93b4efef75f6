/** What the commands share about being a process: exit codes, output, closed pipes. */

/** All expectations hold. */
export const EXIT_OK = 0;
/** An expectation fails. */
export const EXIT_FAILED = 1;
/** Bad input: files or arguments. */
export const EXIT_BAD_INPUT = 2;

/** Ended by Ctrl-C. */
export const EXIT_INTERRUPTED = 130;
/** Ended by a request to terminate. */
export const EXIT_TERMINATED = 143;

/** Writes text to standard output and waits until it is taken. */
export function write(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stdout.write(text, () => resolve());
  });
}

/** Writes text to standard error; the promise is kept when it is taken. */
export function writeError(text: string): Promise<void> {
  return new Promise((resolve) => {
    process.stderr.write(text, () => resolve());
  });
}

/** Ends quietly when the reader of a pipe (`| head`) goes away. */
export function exitWhenPipeCloses(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') {
        process.exit(EXIT_OK);
      }
      throw error;
    });
  }
}
