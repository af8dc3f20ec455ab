#!/bin/bash
# Translations: complete, in line with the source, and with the same directives.
set -u
cd "$(dirname "$0")/../.." || exit 1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
xgettext --from-code=UTF-8 -k -ktr:2 -kN_ --no-location --sort-output --omit-header \
	-o "$tmp/texts.pot" pam_iam/pam_*.c || { echo "Bail out! xgettext"; exit 1; }
n=0 failed=0
check() { # NAME OUTPUT: passes when there is none
	n=$((n + 1))
	if [ -z "$2" ]; then
		echo "ok $n - $1"
	else
		echo "not ok $n - $1"
		printf '%s\n' "$2" | head -n 20 | sed 's/^/# /'
		failed=1
	fi
}
for po in po/*.po; do
	check "$po has every text, and no other" \
		"$({ msgcmp "$po" "$tmp/texts.pot" 2>&1; msgcmp "$tmp/texts.pot" "$po" --use-untranslated 2>&1; } |
			grep -v -e ':2: ' -e ':1: ' -e 'found [0-9]* fatal error')"
	check "$po: directives" "$(msgfmt --check-format -o /dev/null "$po" 2>&1)"
done
# What a person reads and nobody translates: a literal right in the call.
check "no text goes past tr()" \
	"$(cat pam_iam/pam_*.c | tr '\n\t' '  ' |
		grep -oE '(conv_say|conv_ask|conv_ask_or_empty|[^_a-z]say)\([^"();]*"[^"]*"')"
echo "1..$n"
exit "$failed"
