#!/bin/bash
# Every settled answer of iam-policy(5) names its tests in a comment, and they
# are there: rows of tests/unit/test_policy_settled.c and of test_policy_eval.c, or whole tests. TAP.
cd "$(dirname "$0")/../.." || exit 1
page=man/iam-policy.5 status=0 n=0
result() { # NAME PLACES: ok when there is none
	n=$((n + 1))
	if [ -z "$2" ]; then echo "ok $n - $1"; else echo "not ok $n - $1:$2"; status=1; fi
}
answers() { sed -n '/^\.Sh SETTLED ANSWERS/,/^\.Sh VALIDATION/p' "$page"; }

bare=$(answers | grep -A1 '^\.It$' | grep -v '^\.It$\|^--$' | grep -v '^\.\\" test: ')
result "every settled answer names a test" "$bare"
missing=
while read -r name; do
	grep -qF -e "\"$name\"" -e "$name(" tests/unit/test_policy_*.c || missing="$missing $name;"
done < <(answers | sed -n 's/^\.\\" test: //p' | grep -oE '"[^"]*"|[^ "]+' | tr -d '"')
result "the tests of settled answers are there" "$missing"
missing=
while read -r name; do
	answers | grep '^\.\\" test: ' | grep -qw -- "$name" || missing="$missing $name"
done < <(sed -n 's/^\t{ "\([a-z-]*\)", .*/\1/p' tests/unit/test_policy_settled.c | sort -u)
result "every row proves an answer of the manual page" "$missing"
echo "1..$n"
exit $status
