#!/bin/bash
# The manual and the operation table say the same, and every manual page is
# sound mdoc. With --update the operations' part of iamctl(1) is written anew.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD:-build}
page=man/iamctl.1
iamctl=
for i in "$build/iamctl" "$build/test/iamctl"; do
	[ -x "$i" ] && iamctl=$i && break
done
[ -n "$iamctl" ] || { echo "Bail out! build iamctl first"; exit 1; }

begin='.\" BEGIN OPERATIONS: made by tests/lint/man.sh --update'
end='.\" END OPERATIONS'

line_of() { grep -nFx -- "$1" "$page" | cut -d: -f1; }
first=$(line_of "$begin") last=$(line_of "$end")
[ -n "$first$last" ] || { echo "Bail out! no marks in $page"; exit 1; }

generated() { sed -n "$((first + 1)),$((last - 1))p" "$page"; }

if [ "${1:-}" = --update ]; then
	{
		sed -n "1,${first}p" "$page"
		"$iamctl" --manual
		sed -n "$last,\$p" "$page"
	} >"$page.new" && mv "$page.new" "$page"
	exit
fi

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

check "iamctl(1) has the table's operations (mend: tests/lint/man.sh --update)" \
	"$(diff <(generated) <("$iamctl" --manual))"
missing=
while read -r op; do
	grep -qx ".Ss $op" "$page" || missing="$missing $op"
done < <("$iamctl" --complete '' | grep -vx help)
check "iamctl(1) has a section for every row" "$missing"
for m in man/*.[1-9]; do
	check "$m is mdoc without complaints" \
		"$(mandoc -Tlint -Wwarning "$m" | grep -v 'referenced manual not found')"
done
# Pages that others refer to have to be there: pages of ours, that is.
missing=
while read -r name section; do
	case $name in
	iam* | pam_iam | nss_iam | host.json) [ -e "man/$name.$section" ] || missing="$missing $name($section)" ;;
	esac
done < <(sed -n 's/^\.Xr \([^ ]*\) \([0-9]\).*/\1 \2/p' man/*.[1-9] | sort -u)
check "manual pages that are referred to are there" "$missing"
echo "1..$n"
exit $failed
