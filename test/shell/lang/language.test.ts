// biome-ignore-all lint/suspicious/noTemplateCurlyInString: the placeholders are those of the shell
import { describe, expect, test } from 'vitest';
import { createShell } from '../../../src/shell/shell.ts';
import { fakeCluster } from '../fake_cluster.ts';

/** Output, exit code, and messages if there are any. */
function sh(script: string, files: Readonly<Record<string, string>> = {}): string {
  const shell = createShell(fakeCluster(), {
    readPath: (path) => {
      const text = files[path];
      const names = Object.keys(files).filter((name) => name.startsWith(path === '.' ? '' : `${path}/`));
      return text !== undefined
        ? { kind: 'text', text }
        : names.length > 0
          ? { kind: 'directory', names: names.map((name) => (path === '.' ? name : name.slice(path.length + 1))) }
          : { kind: 'error', error: 'No such file or directory' };
    },
  });
  const { stdout, stderr, exitCode } = shell.run(script);
  return stdout + (stderr === '' ? '' : `!${stderr}`) + (exitCode === 0 ? '' : `#${exitCode}`);
}

describe('words', () => {
  test.each([
    ['echo a  b', 'a b\n'],
    ['echo "a  b"', 'a  b\n'],
    [`echo 'a $x "b"'`, 'a $x "b"\n'],
    ['x=1 y="$x 2"; echo $y-${x}3', '1 2-13\n'],
    ['x="a  b"; echo $x "$x"', 'a b a  b\n'],
    ['echo ${u:-d} ${u-e} ${u:+f}g; u=; echo "${u:-d}${u-e}"', 'd e g\nd\n'],
    ['echo ${v:=9} $v', '9 9\n'],
    ['x=pod/tie.yaml; echo ${x#*/} ${x%.*} ${x##*/} ${#x}', 'tie.yaml pod/tie tie.yaml 12\n'],
    ['echo $(echo a; echo b)', 'a b\n'],
    ['echo "$(echo a; echo b)"', 'a\nb\n'],
    ['echo `echo \\`echo n\\``', 'n\n'],
    ['echo $((2 + 3 * 4)) $(( (2+3)*4 )) $((7/2)) $((7%4)) $((1<2))', '14 20 3 3 1\n'],
    ['i=4; echo $((i+1))', '5\n'],
    ['echo {1..3} a{b,c}d', '1 2 3 abd acd\n'],
    ["echo 'don'\\''t' \\$x", "don't $x\n"],
    ['echo a\\\nb', 'ab\n'],
    ["echo $'a\\tb'", 'a\tb\n'],
    ['set -- x "y z"; echo $# $2; for i in "$@"; do echo "[$i]"; done', '2 y z\n[x]\n[y z]\n'],
    ['echo # comment', '\n'],
    ['echo a#b', 'a#b\n'],
    ['echo "$"', '$\n'],
    ['e=; set -- $e; echo $#; set -- "$e"; echo $#', '0\n1\n'],
  ])('%s', (script, expected) => {
    expect(sh(script)).toBe(expected);
  });
});

describe('names of files', () => {
  const files = { 'm/a.yaml': '', 'm/b.yaml': '', 'm/.hidden.yaml': '', 'x.sh': '' };
  test.each([
    ['echo m/*.yaml', 'm/a.yaml m/b.yaml\n'],
    ['echo m/[b-z].yaml m/?.yaml', 'm/b.yaml m/a.yaml m/b.yaml\n'],
    ['echo "m/*.yaml" m/\\*.yaml *.none', 'm/*.yaml m/*.yaml *.none\n'],
    ['p="m/*.yaml"; echo $p "$p"', 'm/a.yaml m/b.yaml m/*.yaml\n'],
    ['cd m; for f in *.yaml; do echo "$f"; done', 'a.yaml\nb.yaml\n'],
    ['echo > new.sh; echo *.sh', 'new.sh x.sh\n'],
    ['echo m/.h*', 'm/.hidden.yaml\n'],
    ['echo http://admin/config_dump?include_eds', 'http://admin/config_dump?include_eds\n'],
  ])('%s', (script, expected) => {
    expect(sh(script, files)).toBe(expected);
  });
});

describe('[[ ]]', () => {
  test.each([
    ['[[ abc == a* ]]', ''],
    ['[[ abc == "a*" ]]', '#1'],
    ['[[ abc != a* ]]', '#1'],
    ['x="a b"; [[ $x = "a b" ]]', ''],
    ['[[ -n "" || 3 -gt 2 ]]', ''],
    ['[[ ! -z x && ( a < b ) ]]', ''],
    ['[[ v1.13.3 =~ ^v([0-9]+)\\.13 ]]', ''],
    ['x=; [[ $x ]]', '#1'],
    ['n=3; [[ n+1 -eq 4 ]]', ''],
    ['[[ a == b\n|| c == c ]]', ''],
    ['[[ -f m/a ]] && [[ -d m ]] && [[ ! -e n ]]', ''],
    ['if [[ 1 -lt 2 ]]; then echo yes; fi', 'yes\n'],
    ['set -e; [[ a == b ]] || echo no; [[ a == b ]]; echo never', 'no\n#1'],
    ['[[ x =~ ( ]]', '!trenchrun: line 1: [[: (: Invalid regular expression: missing closing ): `(`\n#2'],
  ])('%s', (script, expected) => {
    expect(sh(script, { 'm/a': 'x' })).toBe(expected);
  });
});

describe('commands', () => {
  test.each([
    ['true && echo a || echo b', 'a\n'],
    ['false && echo a || echo b', 'b\n'],
    ['! true; echo $?', '1\n'],
    ['false; true', ''],
    ['true; false', '#1'],
    ['exit 7', '#7'],
    ['(exit 3); echo $?', '3\n'],
    ['x=1; (x=2); echo $x; { x=3; }; echo $x', '1\n3\n'],
    ['if [ 1 -eq 2 ]; then echo a; elif test b = b; then echo b; else echo c; fi', 'b\n'],
    ['for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done', '1\n3\n'],
    ['for i in 1 2; do for j in 1 2; do [ $j = 2 ] && continue 2; echo $i$j; done; done', '11\n21\n'],
    ['i=0; while [ $i -lt 3 ]; do i=$((i+1)); done; echo $i', '3\n'],
    ['until true; do echo n; done; echo d', 'd\n'],
    ['while read a b; do echo "$b/$a"; done <<EOF\n1 2 3\n4\nEOF', '2 3/1\n/4\n'],
    ['case cilium-x in kube*) echo k;; cilium-?|z) echo c;; *) echo o;; esac', 'c\n'],
    ['f() { echo "$1,$#"; return 4; }; f a b; echo $?', 'a,2\n4\n'],
    ['false | true; echo $?; set -o pipefail; false | true; echo $?', '0\n1\n'],
    ['set -e; false; echo never', '#1'],
    ['set -e; false || true; if false; then :; fi; ! true; echo on', 'on\n'],
    ['set -e; x=$(false); echo never', '#1'],
    ['set -e; f() { false; echo in; }; f || echo out', 'in\n'],
    ['set -u; echo $nope', '!trenchrun: line 1: nope: unbound variable\n#1'],
    ['set -x; x=1 echo "a b"', "a b\n!+ x=1 echo 'a b'\n"],
    ['nope', '!trenchrun: line 1: nope: command not found; "help" lists what there is\n#127'],
    ['\nkubctl get po', '!trenchrun: line 2: kubctl: command not found; did you mean "kubectl"?\n#127'],
    ['eval "echo $((1+1))"', '2\n'],
    ["sh -c 'echo $1 $0' z y", 'y trenchrun\n'],
    ['echo a b | xargs -n1 echo x', 'x a\nx b\n'],
  ])('%s', (script, expected) => {
    expect(sh(script)).toBe(expected);
  });
});

describe('redirections', () => {
  test.each([
    ['echo a > f; echo b >> f; cat f; wc -l < f', 'a\nb\n2\n'],
    ['x=1; cat <<EOF\na $x\n\\$x `echo q`\nEOF', 'a 1\n$x q\n'],
    ["x=1; cat <<'EOF'\na $x\nEOF", 'a $x\n'],
    ['cat <<-EOF\n\ta\n\tEOF', 'a\n'],
    ['cat <<A; cat <<B\n1\nA\n2\nB', '1\n2\n'],
    ['cat <<EOF | tr a-z A-Z\nabc\nEOF', 'ABC\n'],
    ['nope 2>/dev/null; echo $?', '127\n'],
    ['nope 2>&1 | cut -d: -f3', ' nope\n'],
    ['echo a >&2', '!a\n'],
    ['{ echo a; echo b; } > f; tail -1 f', 'b\n'],
    ['cat < nowhere', '!trenchrun: line 1: nowhere: No such file or directory\n#1'],
    ['cat in/a', 'text\n'],
    ['cd in; cat a; cd ..; ls', 'text\nin/a\n'],
    ['echo x | tee f >/dev/null; cat f', 'x\n'],
    ['$(echo echo) hi', 'hi\n'],
  ])('%s', (script, expected) => {
    expect(sh(script, { 'in/a': 'text\n' })).toBe(expected);
  });
});

describe('what is no script', () => {
  test.each([
    ['echo "a', 'line 1: the quote " is not closed'],
    ["echo\necho 'a", "line 2: the quote ' is not closed"],
    ['if true; then echo', "'fi ' is missing"],
    ['echo $(echo', '$( is not closed'],
    ['cat <<EOF\nabc', "not ended by 'EOF'"],
    ['done', "unexpected token 'done'"],
    ['echo a )', "unexpected token ')'"],
    ['a && && b', "unexpected token '&&'"],
    ['for 1x in a; do :; done', 'not a valid identifier'],
    ['echo ${a!b}', 'bad substitution'],
    ['a=(1 2)', 'arrays are not available here'],
    ['[[ a == a', "']]' is missing"],
    ['[[ a == ]]', "a word is missing in '[['"],
    ['[[ ( a ]]', "')' is missing in '[['"],
    ['[[ a b ]]', "syntax error in '[[' near 'b ]]'"],
  ])('%s', (script, message) => {
    const result = sh(script);
    expect(result.endsWith('#2')).toBe(true);
    expect(result.replace("'fi'", "'fi '")).toContain(message);
  });

  test('what is only begun can be told from what is wrong', () => {
    const shell = createShell(fakeCluster());
    for (const text of ['echo "a', 'if true', 'for x in a b', 'cat <<E\n', 'a |', 'a &&', '(a', 'echo $(', 'f() {']) {
      expect(shell.isIncomplete(text), text).toBe(true);
    }
    for (const text of ['echo a', 'done', 'a )', '']) {
      expect(shell.isIncomplete(text), text).toBe(false);
    }
  });
});

describe('bounds', () => {
  test.each([
    ['while true; do :; done', 'stopped after'],
    ['f() { f; }; f', 'nesting level'],
    ['eval() { :; }; x=a; while :; do x=$x$x; done', 'too long'],
    ['sh -c \'sh -c "sh -c true"\'; . f', 'No such file'],
  ])('%s', (script, message) => {
    expect(sh(script)).toContain(message);
  });
});
