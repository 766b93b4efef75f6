/**
 * The syntax tree of the shell language: the part of POSIX sh that command lines and short scripts use.
 * @see https://pubs.opengroup.org/onlinepubs/9699919799/utilities/V3_chap02.html
 */

/** A piece of a word. Quoted pieces are not split into fields. */
export type WordPart =
  | { readonly kind: 'text'; readonly text: string; readonly quoted: boolean }
  | {
      readonly kind: 'variable';
      readonly name: string;
      readonly quoted: boolean;
      /** `${#name}` */
      readonly length: boolean;
      /** `:-`, `-`, `:=`, `=`, `:+`, `+`, `:?`, `?`, `#`, `##`, `%`, `%%`; empty for none. */
      readonly operator: string;
      readonly operand: Word;
    }
  | { readonly kind: 'command'; readonly script: List; readonly quoted: boolean }
  | { readonly kind: 'arithmetic'; readonly expression: Word; readonly quoted: boolean };

/** A word before its expansion. */
export type Word = readonly WordPart[];

/** `n> file`, `n>&m`, `<<EOF`. */
export interface Redirect {
  readonly fd: number;
  readonly operator: '<' | '>' | '>>' | '>&' | '&>' | '&>>' | 'heredoc';
  /** The file, the other descriptor, or the text itself. */
  readonly target: Word;
}

/** `name=value` before a command. */
export interface Assignment {
  readonly name: string;
  readonly value: Word;
}

/** A command that is one program call. */
export interface SimpleCommand {
  readonly kind: 'simple';
  readonly assignments: readonly Assignment[];
  readonly words: readonly Word[];
  readonly redirects: readonly Redirect[];
  readonly line: number;
}

/** A command. */
export type Command =
  | SimpleCommand
  | { readonly kind: 'group'; readonly body: List; readonly subshell: boolean; readonly redirects: readonly Redirect[] }
  | {
      readonly kind: 'if';
      readonly clauses: readonly { readonly condition: List; readonly body: List }[];
      readonly otherwise: List | null;
      readonly redirects: readonly Redirect[];
    }
  | {
      readonly kind: 'for';
      readonly name: string;
      /** `null`: the positional parameters. */
      readonly words: readonly Word[] | null;
      readonly body: List;
      readonly redirects: readonly Redirect[];
    }
  | {
      readonly kind: 'loop';
      readonly until: boolean;
      readonly condition: List;
      readonly body: List;
      readonly redirects: readonly Redirect[];
    }
  | {
      readonly kind: 'case';
      readonly subject: Word;
      readonly branches: readonly { readonly patterns: readonly Word[]; readonly body: List }[];
      readonly redirects: readonly Redirect[];
    }
  | { readonly kind: 'function'; readonly name: string; readonly body: Command; readonly redirects: readonly Redirect[] }
  | { readonly kind: 'conditional'; readonly condition: Conditional; readonly line: number; readonly redirects: readonly Redirect[] };

/** What stands between `[[` and `]]`. */
export type Conditional =
  | { readonly kind: 'and' | 'or'; readonly left: Conditional; readonly right: Conditional }
  | { readonly kind: 'not'; readonly operand: Conditional }
  | { readonly kind: 'unary'; readonly operator: string; readonly operand: Word }
  | { readonly kind: 'binary'; readonly operator: string; readonly left: Word; readonly right: Word };

/** Commands joined by `|`. */
export interface Pipeline {
  readonly negated: boolean;
  readonly commands: readonly Command[];
}

/** Pipelines joined by `&&` and `||`. */
export interface AndOr {
  readonly first: Pipeline;
  readonly rest: readonly { readonly operator: '&&' | '||'; readonly pipeline: Pipeline }[];
  /** Ended by `&`. */
  readonly background: boolean;
  /** As typed, for `jobs` and `set -x`. */
  readonly text: string;
}

/** Commands in sequence. */
export type List = readonly AndOr[];

/** A tree, or what is wrong with the text. */
export type ParseResult =
  | { readonly ok: true; readonly list: List }
  /** `incomplete`: the text may go on, for instance in a quote or a loop. */
  | { readonly ok: false; readonly error: string; readonly line: number; readonly incomplete: boolean };
